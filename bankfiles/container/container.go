// Package container opens the zip in which a channel or a bank sends its files,
// without trusting it: a small zip can hold petabytes, write outside of its
// folder, or hide one file behind the name of another.
//
//	archive, err := container.Open("bill.zip", f, size)
//	for _, entry := range archive.Entries {
//		src, err := entry.Open()
//		...
//	}
//
// Nothing is unpacked to disk. Names of entries are for showing, never for
// opening files; in Alipay's zip they are GBK without the mark of UTF-8.
package container

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"custody/bankfiles/lines"
	"custody/internal/fault"
)

// The limits of a container.
const (
	// MaxEntries: a bill and its summary for each day of two months are 124.
	MaxEntries = 128
	// MaxRatio of unpacked to packed bytes. Bills pack 5 to 20 times, a night of
	// equal rows about 40; bombs begin at 1,000.
	MaxRatio = 100
	// MaxTotal is one file of rows at its largest, 4 GB: whoever has more sends
	// several containers.
	MaxTotal = lines.MaxFile
	// maxName in bytes: a file name of most systems has at most 255.
	maxName = 255
	// ratioFrom is where the ratio begins to count: a file of 64 KiB of zeros is
	// no bomb.
	ratioFrom = 64 << 10
)

// Archive is an opened container.
type Archive struct {
	name    string
	Entries []Entry
	total   int64 // bytes read of all entries
}

// Entry is one file in a container.
type Entry struct {
	Name    string // decoded, without any path
	Size    int64  // unpacked, as the container says
	archive *Archive
	file    *zip.File
}

// Open reads the directory of a zip of size bytes and checks all that can be
// checked before unpacking. It returns a fault with the codes container.*;
// Field is the entry.
func Open(name string, src io.ReaderAt, size int64) (*Archive, error) {
	z, err := zip.NewReader(src, size)
	if err != nil {
		return nil, fault.Invalid("container.damaged").In(name).Because(err)
	}
	if len(z.File) > MaxEntries {
		return nil, fault.Invalid("container.entries", MaxEntries).In(name)
	}
	a := &Archive{name: name}
	var sum uint64
	seen := map[string]bool{}
	for _, f := range z.File {
		entry := Entry{Name: decode(f), Size: int64(f.UncompressedSize64), archive: a, file: f}
		if bad := check(&entry, seen); bad != nil {
			return nil, bad.In(name)
		}
		seen[entry.Name] = true
		if sum += f.UncompressedSize64; sum > MaxTotal {
			return nil, fault.Invalid("container.total", MaxTotal>>20).In(name)
		}
		a.Entries = append(a.Entries, entry)
	}
	if len(a.Entries) == 0 {
		return nil, fault.Invalid("container.empty").In(name)
	}
	return a, nil
}

// decode returns the name of an entry: UTF-8 where it is valid, marked or not,
// else GBK; a name that is neither comes back with U+FFFD and is refused.
func decode(f *zip.File) string {
	if utf8.ValidString(f.Name) {
		return f.Name
	}
	text, ok := lines.AppendGBK(nil, []byte(f.Name))
	if !ok || f.Flags&flagUTF8 != 0 {
		return strings.ToValidUTF8(f.Name, "\uFFFD")
	}
	return string(text)
}

// Bits of an entry's flags.
const (
	flagEncrypted = 0x1
	flagUTF8      = 0x800
)

// check refuses an entry by what the directory says of it.
func check(e *Entry, seen map[string]bool) *fault.Fault {
	f, code := e.file, ""
	switch {
	case f.Flags&flagEncrypted != 0:
		code = "container.encrypted"
	case e.Name == "" || len(e.Name) > maxName || strings.ContainsRune(e.Name, utf8.RuneError) || hasControl(e.Name):
		code = "container.name"
	case strings.ContainsAny(e.Name, `/\:`) || strings.Contains(e.Name, ".."):
		code = "container.path"
	case seen[e.Name]:
		code = "container.twice"
	case f.Method != zip.Store && f.Method != zip.Deflate:
		code = "container.method"
	case f.UncompressedSize64 > MaxTotal:
		return fault.Invalid("container.total", MaxTotal>>20).On(e.Name, "")
	case f.UncompressedSize64 > ratioFrom && f.UncompressedSize64/MaxRatio > f.CompressedSize64:
		return fault.Invalid("container.ratio", MaxRatio).On(e.Name, "")
	default:
		return nil
	}
	return fault.Invalid(code).On(e.Name, "")
}

func hasControl(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7F }) >= 0
}

// Open gives the bytes of the entry. The reader fails where they are more than
// the directory says, more than the ratio allows, or another zip; and with
// container.damaged where the check sum is wrong. A workbook (.xlsx), which is a
// zip itself, is given where it holds the same limits; see [Entry.workbook].
func (e Entry) Open() (io.ReadCloser, error) {
	src, err := e.file.Open()
	if err != nil {
		return nil, e.fault("container.damaged").Because(err)
	}
	r := &reader{src: src, entry: e}
	mark := make([]byte, len(zipMark))
	n, err := io.ReadFull(src, mark)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errors.Join(e.fault("container.damaged").Because(err), src.Close())
	}
	r.src = &joined{io.MultiReader(bytes.NewReader(mark[:n]), src), src}
	if !bytes.Equal(mark[:n], zipMark) {
		return r, nil
	}
	book, err := e.workbook(r)
	return book, errors.Join(err, r.Close())
}

func (e Entry) fault(code string, args ...any) *fault.Fault {
	return fault.Invalid(code, args...).In(e.archive.name).On(e.Name, "")
}

// reader counts what it unpacks: the directory may lie.
type reader struct {
	src   io.ReadCloser
	entry Entry
	read  int64
}

// joined reads from one and closes the other.
type joined struct {
	io.Reader
	io.Closer
}

// zipMark begins a zip. A container in a container would multiply all limits.
var zipMark = []byte("PK\x03\x04")

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.src.Read(p)
	r.read += int64(n)
	r.entry.archive.total += int64(n)
	switch {
	case r.read > r.entry.Size:
		return 0, r.entry.fault("container.damaged")
	case r.entry.archive.total > MaxTotal:
		return 0, r.entry.fault("container.total", MaxTotal>>20)
	case r.read > ratioFrom && r.read/MaxRatio > int64(r.entry.file.CompressedSize64):
		return 0, r.entry.fault("container.ratio", MaxRatio)
	case err != nil && err != io.EOF:
		return n, r.entry.fault("container.damaged").Because(err)
	}
	return n, err
}

func (r *reader) Close() error { return r.src.Close() }
