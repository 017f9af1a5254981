package clearing

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"strings"

	"custody/bankfiles/container"
	"custody/bankfiles/inspect"
	"custody/bankfiles/profile"
	"custody/internal/fault"
)

// The first bytes of files that hold another file.
var (
	markGzip = []byte{0x1f, 0x8b}
	markZip  = []byte("PK\x03\x04")
)

// gzipRatio of unpacked to packed bytes, and the bytes from which it counts: a
// bill packs 5 to 20 times, a night of equal rows about 40, bombs begin at 1,000.
// It is the rule of a zip.
const (
	gzipRatio     = container.MaxRatio
	gzipRatioFrom = 64 << 10
)

// open gives the content of the file: its bytes, or those of the one file in it
// that is to be booked. The vault keeps what came; nothing is unpacked to disk.
func (a *arrival) open() (io.ReadCloser, error) {
	f, err := os.Open(a.path)
	if err != nil {
		return nil, err
	}
	switch a.packed {
	case packedGzip:
		return a.unzipped(f)
	case packedZip:
		info, err := f.Stat()
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		archive, err := container.Open(a.name, f, info.Size())
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		for _, e := range archive.Entries {
			if e.Name != a.entry {
				continue
			}
			src, err := e.Open()
			if err != nil {
				return nil, errors.Join(err, f.Close())
			}
			return &within{src, []io.Closer{src, f}}, nil
		}
		return nil, errors.Join(fault.Invalid("container.damaged").In(a.name), f.Close())
	}
	return f, nil
}

// Ways in which a file holds another one.
const (
	packedGzip = "gzip"
	packedZip  = "zip"
)

// within reads a file inside of others, which it closes.
type within struct {
	io.Reader
	closers []io.Closer
}

func (w *within) Close() error {
	var errs []error
	for _, c := range w.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

func (a *arrival) unzipped(f *os.File) (io.ReadCloser, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, errors.Join(fault.Invalid("container.damaged").In(a.name).Because(err), f.Close())
	}
	return &within{&bounded{src: z, name: a.name, packed: info.Size()}, []io.Closer{z, f}}, nil
}

// bounded refuses more bytes than a file may have, or than its packed form can
// honestly hold.
type bounded struct {
	src    io.Reader
	name   string
	packed int64
	read   int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.src.Read(p)
	b.read += int64(n)
	switch {
	case b.read > maxFileBytes:
		return 0, fault.Invalid("file.size", b.read, int64(maxFileBytes)).In(b.name)
	case b.read > gzipRatioFrom && b.read/gzipRatio > b.packed:
		return 0, fault.Invalid("container.ratio", gzipRatio).In(b.name)
	case err != nil && !errors.Is(err, io.EOF):
		return n, fault.Invalid("container.damaged").In(b.name).Because(err)
	}
	return n, err
}

// look finds out what the file is by its content, and which file in it counts.
func (e *Engine) look(a *arrival) error {
	head, err := a.head()
	if err != nil {
		return err
	}
	switch {
	case bytes.HasPrefix(head, markGzip):
		a.packed = packedGzip
		if head, err = a.head(); err != nil {
			return err
		}
	case bytes.HasPrefix(head, markZip) && !profile.IsWorkbook(head):
		return e.lookInside(a)
	}
	a.format, err = e.formatOf(a.name, head)
	return err
}

// head is as much of the content as decides what it is.
func (a *arrival) head() ([]byte, error) {
	src, err := a.open()
	if err != nil {
		return nil, err
	}
	head, err := io.ReadAll(io.LimitReader(src, sniffBytes))
	return head, errors.Join(err, src.Close())
}

// lookInside chooses the file of a zip that is booked: the only one that can be.
// Alipay's zip holds a bill and its summary, UnionPay's the trades and beside
// them the disputes of the same day.
func (e *Engine) lookInside(a *arrival) error {
	f, err := os.Open(a.path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	archive, err := container.Open(a.name, f, info.Size())
	if err != nil {
		return err
	}
	a.packed = packedZip
	found := map[inspect.Format][]string{}
	var all []string
	for _, entry := range archive.Entries {
		one := *a
		one.entry = entry.Name
		head, err := one.head()
		if err != nil {
			return err
		}
		format, err := e.formatOf(a.name, head)
		if err != nil {
			return err
		}
		if e.bookable(format) {
			found[format] = append(found[format], entry.Name)
			all = append(all, entry.Name)
		}
	}
	if len(found[inspect.UnionPayZM]) == 1 && len(found[inspect.UnionPayZME]) > 0 {
		all = found[inspect.UnionPayZM]
	}
	switch len(all) {
	case 0:
		return fault.Invalid("file.unknown", string(inspect.Zip)).In(a.name).On("", archive.Entries[0].Name)
	case 1:
		a.entry = all[0]
	default:
		return fault.Invalid("file.zip-many", len(all)).In(a.name).On("", strings.Join(all[:2], ", "))
	}
	for format, names := range found {
		if names[0] == a.entry {
			a.format = format
		}
	}
	return nil
}

// names are the names in which a date may stand: the file's, and that of the
// file within it.
func (a *arrival) names() []string {
	if a.entry == "" {
		return []string{a.name}
	}
	return []string{a.name, a.entry}
}
