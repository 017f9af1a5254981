package fault_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"custody/internal/fault"
)

func TestExitCodeAndCode(t *testing.T) {
	var none *fault.Fault
	for _, c := range []struct {
		name string
		err  error
		exit int
		code string
	}{
		{"nothing", nil, 0, ""},
		{"any other error", io.EOF, 1, "internal"},
		{"ours", &fault.Fault{Kind: fault.Internal, Code: "disk"}, 1, "disk"},
		{"bad input", fault.Invalid("a"), 2, "a"},
		{"books", fault.Broken("b"), 3, "b"},
		{"lease", fault.Locked("c"), 4, "c"},
		{"waiting", fault.Wait("d"), 5, "d"},
		{"wrapped", fmt.Errorf("import: %w", fault.Wait("d")), 5, "d"},
		{"joined", errors.Join(io.EOF, fault.Broken("b")), 3, "b"},
		{"first of a list", fault.List{fault.Invalid("a"), fault.Broken("b")}, 2, "a"},
		{"a fault as the cause of an error", fmt.Errorf("run: %w", errors.Join(fault.Locked("c"))), 4, "c"},
		{"empty list", fault.List(nil).Err(), 0, ""},
		{"typed nil", none, 1, "internal"},
		{"kind forgotten", &fault.Fault{Code: "a"}, 1, "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := fault.ExitCode(c.err); got != c.exit {
				t.Errorf("exit code: got %d, want %d", got, c.exit)
			}
			if got := fault.CodeOf(c.err); got != c.code {
				t.Errorf("code: got %q, want %q", got, c.code)
			}
		})
	}
}

func TestIsComparesTheCode(t *testing.T) {
	err := fmt.Errorf("import: %w", fault.Invalid("a", 1).In("x.csv").Because(io.EOF))
	if !errors.Is(err, fault.Invalid("a", 2)) || !errors.Is(err, io.EOF) {
		t.Error("neither arguments nor place matter, and the cause is reachable")
	}
	if errors.Is(err, fault.Invalid("b")) {
		t.Error("another code is another fault")
	}
	list := fault.List{fault.Invalid("a"), fault.Invalid("b")}
	if !errors.Is(list, fault.Invalid("b")) || errors.Is(list, fault.Invalid("c")) {
		t.Error("a list is each of its faults")
	}
}

func TestErrorForTheLog(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{fault.Invalid("a"), `a`},
		{fault.Invalid("a", "x", 2).Because(io.EOF), `a x 2: EOF`},
		{fault.Invalid("a").In("f.csv"), `f.csv: a`},
		{fault.Invalid("a").In("f.csv").AtLine(7).On("fee", "4,19"), `f.csv:7: a [fee="4,19"]`},
		{fault.List{fault.Invalid("a"), fault.Invalid("b")}, "a\nb"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestOnCutsAndCleansTheValue(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{strings.Repeat("元", 80), strings.Repeat("元", 80)},
		{strings.Repeat("元", 81), strings.Repeat("元", 80) + "…"},
		{"a\xffb", "a\uFFFDb"},
		{strings.Repeat("\xff", 81), strings.Repeat("\uFFFD", 80) + "…"},
	} {
		got := fault.Invalid("a").On("f", c.in).Value
		if got != c.want || !utf8.ValidString(got) {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
}
