// Package clock is the one place below cmd that reads the time and draws
// random numbers, so that everything else gives the same answer to the same
// input: a night can be played again, a test can stand at any hour.
//
// cmd takes [Real] and [Rand] once and hands them down; replayed homes and
// tests hand down [Fixed]. No step of a clearing day reads a clock at all.
package clock

import (
	"crypto/rand"
	"io"
	"time"
)

// Clock tells the time.
type Clock interface {
	Now() time.Time
}

// Real is the machine's clock.
func Real() Clock { return real{} }

// Fixed is a clock that always shows t.
func Fixed(t time.Time) Clock { return fixed(t) }

// Rand is the machine's cryptographic randomness, for keys, salts and tokens.
// Reading from it does not fail.
func Rand() io.Reader { return rand.Reader }

type real struct{}

func (real) Now() time.Time { return time.Now() }

type fixed time.Time

func (f fixed) Now() time.Time { return time.Time(f) }
