package lines_test

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"

	"custody/bankfiles/lines"
)

// FuzzAppendGBK holds the table to x/text: the same characters, and a refusal
// where x/text writes U+FFFD.
func FuzzAppendGBK(f *testing.F) {
	f.Add([]byte("abc"))
	f.Add([]byte("\xC3\xC5\xB5\xEA 1"))
	f.Add([]byte("\x81\x39\xEE\x39\xC3\xC5"))
	f.Add([]byte("\x80\xFF\xA2\xE3\xFE\x50"))
	f.Fuzz(func(t *testing.T, src []byte) {
		got, ok := lines.AppendGBK(nil, src)
		want, err := simplifiedchinese.GB18030.NewDecoder().Bytes(src)
		fits := err == nil && !bytes.ContainsRune(want, '\uFFFD')
		if !ok && fits && looseTrail(src) {
			return
		}
		if ok != fits || ok && !bytes.Equal(got, want) {
			t.Fatalf("% X: got %q %v, x/text %q %v", src, got, ok, want, fits)
		}
	})
}

// looseTrail reports whether a byte of 0x3A to 0x3F stands where GB18030 has a
// digit, 0x30 to 0x39. x/text takes it and makes up a character; we refuse it.
func looseTrail(src []byte) bool {
	for i, c := range src[:max(len(src)-1, 0)] {
		if c > 0x80 && src[i+1] > '9' && src[i+1] < 0x40 {
			return true
		}
	}
	return false
}

// Every pair of bytes decodes as x/text decodes it.
func TestEveryPair(t *testing.T) {
	for lead := 0x80; lead <= 0xFF; lead++ {
		for trail := 0; trail <= 0xFF; trail++ {
			src := []byte{byte(lead), byte(trail)}
			got, ok := lines.AppendGBK(nil, src)
			want, err := simplifiedchinese.GB18030.NewDecoder().Bytes(src)
			if fits := err == nil && !bytes.ContainsRune(want, '\uFFFD'); ok != fits || ok && !bytes.Equal(got, want) {
				t.Fatalf("% X: got %q %v, x/text %q %v", src, got, ok, want, fits)
			}
		}
	}
}

// Lines of a raw reader keep their bytes, so that widths can be counted.
func TestRawReaderCountsBytes(t *testing.T) {
	r := lines.NewRawReader("f", strings.NewReader("\xC3\xC5\xB5\xEA  1\r\n"))
	if !r.Next() || len(r.Line()) != 7 {
		t.Fatalf("got % X", r.Line())
	}
	if text, ok := lines.Text(r.Line()[:6]); !ok || text != "门店" {
		t.Errorf("got %q, %v", text, ok)
	}
	if _, ok := lines.Text([]byte("\xC3")); ok {
		t.Error("half a character was taken")
	}
}
