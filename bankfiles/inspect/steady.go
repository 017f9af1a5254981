package inspect

import (
	"errors"
	"io"
)

// steady is a file whose size was looked at before it is read. A file to which
// somebody still writes has no end to rely on: what lies beyond the size is not
// read, and the file is refused.
type steady struct {
	src  io.ReadSeeker
	size int64
	at   int64
	grew bool
}

func newSteady(src io.ReadSeeker) (*steady, error) {
	size, err := src.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	_, err = src.Seek(0, io.SeekStart)
	return &steady{src: src, size: size}, err
}

var errGrew = errors.New("inspect: the file grows")

func (s *steady) Read(p []byte) (int, error) {
	n, err := s.src.Read(p)
	if s.at += int64(n); s.at > s.size {
		s.grew = true
		return 0, errGrew
	}
	return n, err
}

func (s *steady) Seek(offset int64, whence int) (int64, error) {
	at, err := s.src.Seek(offset, whence)
	s.at = at
	return at, err
}

// ReadAt is for containers, whose directory stands at the end of the known size.
func (s *steady) ReadAt(p []byte, at int64) (int, error) {
	src, ok := s.src.(io.ReaderAt)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	return src.ReadAt(p, at)
}
