package statements

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// archive packs the parts of a workbook sorted by name and without times.
// excelize takes streamed sheets out of a map, so that with a plain zip.Writer
// the same document would have other bytes every time.
type archive struct {
	out   io.Writer
	parts []*part
}

// part is one packed file of the archive.
type part struct {
	name    string
	packed  bytes.Buffer
	deflate *flate.Writer
	sum     hash.Hash32
	size    uint64
}

// Write packs p.
func (p *part) Write(b []byte) (int, error) {
	p.sum.Write(b)
	p.size += uint64(len(b))
	return p.deflate.Write(b)
}

// Create begins a part.
func (a *archive) Create(name string) (io.Writer, error) {
	p := &part{name: name, sum: crc32.NewIEEE()}
	var err error
	if p.deflate, err = flate.NewWriter(&p.packed, flate.BestSpeed); err != nil {
		return nil, err
	}
	a.parts = append(a.parts, p)
	return p, nil
}

// AddFS is part of excelize's interface and has no use here.
func (a *archive) AddFS(fs.FS) error { return errors.ErrUnsupported }

// firstDay is 1980-01-01 as a zip entry writes it: the earliest date it knows.
const firstDay = 1<<5 | 1

// Close writes the archive. The list of content types goes first, because some
// readers decide by the first entry what kind of file this is.
func (a *archive) Close() error {
	slices.SortFunc(a.parts, func(x, y *part) int {
		if xFirst, yFirst := x.name == contentTypes, y.name == contentTypes; xFirst != yFirst {
			if xFirst {
				return -1
			}
			return 1
		}
		return strings.Compare(x.name, y.name)
	})
	w := zip.NewWriter(a.out)
	for _, p := range a.parts {
		if err := p.deflate.Close(); err != nil {
			return err
		}
		head := zip.FileHeader{Name: p.name, Method: zip.Deflate, CRC32: p.sum.Sum32(),
			CompressedSize64: uint64(p.packed.Len()), UncompressedSize64: p.size}
		//lint:ignore SA1019 CreateRaw writes the DOS date as it is and makes none from Modified
		head.ModifiedDate = firstDay
		raw, err := w.CreateRaw(&head)
		if err != nil {
			return err
		}
		if _, err := p.packed.WriteTo(raw); err != nil {
			return err
		}
	}
	return w.Close()
}

const contentTypes = "[Content_Types].xml"
