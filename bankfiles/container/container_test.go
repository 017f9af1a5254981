package container_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"

	"custody/bankfiles/container"
	"custody/internal/fault"
)

// file is an entry to pack; raw names are written as they are, without the mark of UTF-8.
type file struct {
	name  string
	text  string
	flags uint16
}

func pack(t testing.TB, files ...file) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range files {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate, NonUTF8: true, Flags: f.flags})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func open(data []byte) (*container.Archive, error) {
	return container.Open("x.zip", bytes.NewReader(data), int64(len(data)))
}

// readAll opens the container and reads every entry.
func readAll(data []byte) (names, texts []string, err error) {
	a, err := open(data)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range a.Entries {
		src, err := e.Open()
		if err != nil {
			return nil, nil, err
		}
		text, err := io.ReadAll(src)
		if err := errors.Join(err, src.Close()); err != nil {
			return nil, nil, err
		}
		names, texts = append(names, e.Name), append(texts, string(text))
	}
	return names, texts, nil
}

// Alipay's zip names its entries in GBK without the mark of UTF-8.
func TestNamesInGBKWithoutTheMark(t *testing.T) {
	gbk := func(s string) string {
		b, err := simplifiedchinese.GBK.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	data := pack(t, file{gbk("20880000000000010156_20260212_业务明细.csv"), "rows", 0}, file{gbk("20880000000000010156_20260212_业务明细(汇总).csv"), "sums", 0})
	names, texts, err := readAll(data)
	if err != nil {
		t.Fatal(err)
	}
	if names[0] != "20880000000000010156_20260212_业务明细.csv" || names[1] != "20880000000000010156_20260212_业务明细(汇总).csv" || texts[0] != "rows" {
		t.Errorf("got %q, %q", names, texts)
	}
}

func TestNamesInUTF8(t *testing.T) {
	for _, flags := range []uint16{0, 0x800} {
		names, _, err := readAll(pack(t, file{"账单.csv", "", flags}))
		if err != nil || names[0] != "账单.csv" {
			t.Errorf("flags %x: %q, %v", flags, names, err)
		}
	}
}

// flip changes bits of a byte behind the last mark.
func flip(data []byte, mark string, offset int, bits byte) []byte {
	out := bytes.Clone(data)
	out[bytes.LastIndex(data, []byte(mark))+offset] ^= bits
	return out
}

// The marks of an entry and of its place in the directory.
const (
	localMark     = "PK\x03\x04"
	directoryMark = "PK\x01\x02"
)

func TestRefused(t *testing.T) {
	many := make([]file, 129)
	for i := range many {
		many[i].name = strings.Repeat("a", i+1)
	}
	plain := pack(t, file{"a.csv", strings.Repeat("row of a bill, ", 50), 0})
	for _, test := range []struct {
		name string
		data []byte
		code string
	}{
		{"no zip", []byte("PK\x03\x04 and then text"), "container.damaged"},
		{"cut off", plain[:len(plain)-30], "container.damaged"},
		{"empty", pack(t), "container.empty"},
		{"zip slip", pack(t, file{"../../etc/passwd", "x", 0}), "container.path"},
		{"zip slip of Windows", pack(t, file{`..\x`, "x", 0}), "container.path"},
		{"dots", pack(t, file{"a..csv", "x", 0}), "container.path"},
		{"folder", pack(t, file{"bills/", "", 0}), "container.path"},
		{"absolute", pack(t, file{"/etc/passwd", "x", 0}), "container.path"},
		{"drive", pack(t, file{"C:x", "x", 0}), "container.path"},
		{"no name", pack(t, file{"", "x", 0}), "container.name"},
		{"zero byte", pack(t, file{"a.csv\x00.exe", "x", 0}), "container.name"},
		{"neither UTF-8 nor GBK", pack(t, file{"a\xFF\xFF", "x", 0}), "container.name"},
		{"long name", pack(t, file{strings.Repeat("n", 256), "x", 0}), "container.name"},
		{"two of one name", pack(t, file{"a", "x", 0}, file{"a", "y", 0}), "container.twice"},
		{"password", flip(plain, directoryMark, 8, 1), "container.encrypted"},
		{"too many", pack(t, many...), "container.entries"},
		{"bomb", pack(t, file{"a", strings.Repeat("0", 10<<20), 0}), "container.ratio"},
		{"zip in a zip", pack(t, file{"a.csv", string(plain), 0}), "container.nested"},
		{"zip in a zip under another name", pack(t, file{"a.csv", "PK\x03\x04", 0}), "container.nested"},
		{"another method", flip(plain, directoryMark, 10, 4), "container.method"},
		{"damaged", flip(plain, localMark, 40, 0xFF), "container.damaged"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := readAll(test.data)
			if fault.CodeOf(err) != test.code || fault.Of(err).File != "x.zip" {
				t.Errorf("got %v, want %s", err, test.code)
			}
		})
	}
}

// A workbook is a zip, and one in a container is read: under the container's own
// limits, so that two ratios do not multiply.
func TestWorkbookInAContainer(t *testing.T) {
	book := func(sheet string) string {
		return string(pack(t, file{"[Content_Types].xml", "<Types/>", 0}, file{"xl/worksheets/sheet1.xml", sheet, 0}))
	}
	plain := book("<row>1</row>")
	if _, texts, err := readAll(pack(t, file{"a.xlsx", plain, 0}, file{"b.csv", "x", 0})); err != nil || texts[0] != plain || texts[1] != "x" {
		t.Errorf("got %d bytes of %d, %v", len(texts[0]), len(plain), err)
	}
	broken := []byte(plain)
	broken[strings.LastIndex(plain, "PK\x03\x04")+30+len("xl/worksheets/sheet1.xml")] ^= 0xFF
	parts := []file{{"[Content_Types].xml", "x", 0}}
	for i := range 1000 {
		parts = append(parts, file{fmt.Sprint("xl/", i), "x", 0})
	}
	for name, test := range map[string]struct{ entry, code string }{
		// 20 MB of equal rows pack 200 times, which the inner zip alone allows.
		"a bomb inside":           {book(strings.Repeat("0", 20<<20)), "container.ratio"},
		"too many parts":          {string(pack(t, parts...)), "container.entries"},
		"a part that is damaged":  {string(broken), "container.damaged"},
		"a zip that is no book":   {string(pack(t, file{"a.csv", "x", 0})), "container.nested"},
		"only the name of a book": {"PK\x03\x04[Content_Types].xml", "container.nested"},
	} {
		if _, _, err := readAll(pack(t, file{"a.xlsx", test.entry, 0})); fault.CodeOf(err) != test.code || fault.Of(err).Field != "a.xlsx" {
			t.Errorf("%s: %v, want %s", name, err, test.code)
		}
	}
}

// The directory says 10 bytes, the entry unpacks to more.
func TestDirectoryThatLies(t *testing.T) {
	data := pack(t, file{"a.csv", strings.Repeat("0123456789", 5), 0})
	at := bytes.LastIndex(data, []byte("PK\x01\x02")) + 24 // unpacked size in the directory
	data[at] = 10
	if _, _, err := readAll(data); fault.CodeOf(err) != "container.damaged" {
		t.Errorf("got %v", err)
	}
	data[at+3] = 0xFF // and 4 GB and more
	if _, err := open(data); fault.CodeOf(err) != "container.total" && fault.CodeOf(err) != "container.ratio" {
		t.Errorf("got %v", err)
	}
}

// FuzzOpen holds that whatever is opened stays within its limits.
func FuzzOpen(f *testing.F) {
	f.Add(pack(f, file{"a.csv", "text", 0}))
	f.Add(pack(f, file{"\xD2\xB5.csv", "text", 0}, file{"b", strings.Repeat("0", 100<<10), 0}))
	f.Fuzz(func(t *testing.T, data []byte) {
		names, texts, err := readAll(data)
		if err != nil {
			if fault.CodeOf(err) == "internal" {
				t.Fatal(err)
			}
			return
		}
		total := 0
		for i, name := range names {
			if total += len(texts[i]); strings.ContainsAny(name, `/\`) || strings.Contains(name, "..") {
				t.Fatalf("name %q", name)
			}
		}
		if total > 64<<10*len(names)+container.MaxRatio*len(data) {
			t.Fatalf("%d bytes out of %d", total, len(data))
		}
	})
}
