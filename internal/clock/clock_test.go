package clock_test

import (
	"bytes"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"custody/internal/clock"
)

func TestFixedStandsStill(t *testing.T) {
	at := time.Date(2026, 2, 12, 23, 59, 59, 0, time.UTC)
	c := clock.Fixed(at)
	if got := c.Now(); !got.Equal(at) || !c.Now().Equal(got) {
		t.Errorf("got %v, want %v twice", got, at)
	}
}

func TestRealMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.Real()
		before := c.Now()
		time.Sleep(time.Hour)
		if got := c.Now().Sub(before); got != time.Hour {
			t.Errorf("an hour later the clock had moved %v", got)
		}
	})
}

func TestRandDoesNotRepeat(t *testing.T) {
	a, b := make([]byte, 32), make([]byte, 32)
	for _, into := range [][]byte{a, b} {
		if _, err := io.ReadFull(clock.Rand(), into); err != nil {
			t.Fatal(err)
		}
	}
	if bytes.Equal(a, b) {
		t.Errorf("drew %x twice", a)
	}
}
