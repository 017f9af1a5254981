package mt940_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"custody/bankfiles"
	"custody/bankfiles/mt940"
	"custody/internal/fault"
)

// FuzzRead holds the reader to its word on any bytes: it panics never, refuses
// with faults only, delivers in order, and calls balanced what is. What the
// writer takes of it must come back the same.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		statement("101,00", ":61:2602130213C1,00NTRFX//B", "more", ":86:166?20EREF+1?21SVWZ+2?32A"),
		interim, message("1", "CNY") + "-\n" + message("2", "EUR"),
		"{1:F01BANKXX}{2:O9401200}{4:\r\n" + message("1 EUR", "EUR") + "-}{5:}",
		":20:R\r:25:1\r:60M:C260230CNY,5\r:61:2512300102RCR1.234,50NONREF//B\r:86:/EREF/1/NAME/a/REMI/b\r:62M:D260213CNY1,00",
		":25:1\n:61:260213EC5,00N\nTRFX\n:86:~00A~2\n0b", "\xFF\xFE:\x002\x000\x00:\x00",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		g := &got{}
		err := mt940.Read("x", bytes.NewReader(file), g)
		if err != nil {
			if fault.CodeOf(err) == "internal" {
				t.Fatal(err)
			}
			return
		}
		if g.opened != len(g.heads) || len(g.heads) == 0 {
			t.Fatalf("%d opened, %d closed", g.opened, len(g.heads))
		}
		at := 0
		for i := range g.heads {
			h := g.heads[i]
			c := mt940.Content{Head: h, Entries: g.entries[at : at+h.Entries]}
			at += h.Entries
			if h.Balanced != nil && *h.Balanced != sums(&c) {
				t.Errorf("balanced %v: %s", *h.Balanced, line(&h))
			}
			roundTrip(t, c)
		}
		if at != len(g.entries) {
			t.Errorf("heads count %d entries, %d came", at, len(g.entries))
		}
	})
}

// sums reports whether opening + booked entries = closing, in another way than the reader.
func sums(c *mt940.Content) bool {
	x := *c.Head.Opening
	for _, e := range c.Entries {
		if e.Status != bankfiles.Booked {
			continue
		}
		e.Amount.Currency = c.Head.Currency
		var err error
		if x, err = x.Add(e.Amount); err != nil {
			return false
		}
	}
	return x.Equal(*c.Head.Closing)
}

// roundTrip writes what was read and reads it again, where the writer takes it.
func roundTrip(t *testing.T, c mt940.Content) {
	t.Helper()
	var b bytes.Buffer
	if mt940.Write(&b, []mt940.Content{c}) != nil {
		return
	}
	g := &got{}
	if err := mt940.Read("again", strings.NewReader(b.String()), g); err != nil {
		t.Fatalf("%v in\n%s", err, b.String())
	}
	if diff := cmp.Diff(c.Entries, g.entries, cmpopts.IgnoreFields(bankfiles.StatementEntry{}, "Line"), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(g.heads) != 1 || line(&g.heads[0]) != line(&c.Head) {
		t.Errorf("got %+v, want %+v", g.heads, c.Head)
	}
}
