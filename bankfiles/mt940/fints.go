package mt940

import (
	"bufio"
	"bytes"
	"io"
)

// fromFinTS undoes what the German protocol FinTS does to a statement on its
// way: there "@@" stands for every line end. A file that has none comes back as
// it is.
func fromFinTS(src io.Reader) io.Reader {
	const headBytes = 4 << 10 // the first fields of a message
	in := bufio.NewReaderSize(src, headBytes)
	head, err := in.Peek(headBytes)
	if err != nil && err != io.EOF {
		return io.MultiReader(bytes.NewReader(head), failed{err})
	}
	if !bytes.Contains(head, []byte("@@:")) {
		return in
	}
	return &fints{src: in}
}

// fints turns "@@" into CR and LF, which are as long.
type fints struct {
	src  *bufio.Reader
	held bool // a single @ that ended the last piece
}

func (f *fints) Read(p []byte) (int, error) {
	if len(p) < 2 {
		return 0, io.ErrShortBuffer
	}
	at := 0
	if f.held {
		p[0], at = '@', 1
	}
	n, err := f.src.Read(p[at:])
	n += at
	f.held = false
	for i := 0; i < n; i++ {
		switch {
		case p[i] != '@':
		case i+1 == n:
			if f.held = err == nil; f.held {
				return n - 1, nil
			}
		case p[i+1] == '@':
			p[i], p[i+1] = '\r', '\n'
			i++
		}
	}
	return n, err
}

// failed gives an error again that a look at the head has met.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }
