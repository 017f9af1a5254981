package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"custody/internal/fault"
	"custody/internal/lang"
)

// typed runs the program in the test's process.
func typed(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), args, func(string) string { return "" }, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

func TestSpeech(t *testing.T) {
	for _, c := range []struct {
		name, flag string
		env        map[string]string
		want       lang.Lang
	}{
		{"nothing is said", "", nil, lang.EN},
		{"the flag wins", "zh", map[string]string{"LANG": "en_US.UTF-8"}, lang.ZH},
		{"the locale", "", map[string]string{"LANG": "zh_CN.UTF-8"}, lang.ZH},
		{"LC_ALL goes before LANG", "", map[string]string{"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, lang.EN},
		{"LC_MESSAGES goes before LANG", "", map[string]string{"LC_MESSAGES": "zh_TW", "LANG": "en"}, lang.ZH},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := speech(c.flag, func(name string) string { return c.env[name] }); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// TestFlagsBeforeParsing: --lang and --json count before the flags are parsed,
// unless they stand behind the end of flags.
func TestFlagsBeforeParsing(t *testing.T) {
	for _, c := range []struct {
		args string
		json bool
		lang lang.Lang
	}{
		{"run --json --lang zh", true, lang.ZH},
		{"--lang=zh run", false, lang.ZH},
		{"run --lang", false, lang.EN},
		{"inspect -- --json --lang=zh", false, lang.EN},
	} {
		a := newApp(strings.Fields(c.args), func(string) string { return "" }, nil, io.Discard, io.Discard)
		if a.json != c.json || a.lang != c.lang {
			t.Errorf("%s: got %v, %s", c.args, a.json, a.lang)
		}
	}
}

// TestFinish: every way in which a call can end has its exit code, and says
// what happened exactly once.
func TestFinish(t *testing.T) {
	for _, c := range []struct {
		name      string
		err       error
		begun     bool
		code      int
		machine   string // code in the JSON; empty: nothing is said
		languages bool
	}{
		{name: "done", err: nil, code: 0},
		{name: "cobra's own error", err: errors.New("unknown flag"), code: 2, machine: "cli.usage"},
		{name: "a defect", err: io.ErrUnexpectedEOF, begun: true, code: 1, machine: "internal"},
		{name: "bad input", err: fault.Invalid("cli.date"), begun: true, code: 2, machine: "cli.date"},
		{name: "a fault before the work began", err: fault.Broken("cli.date"), code: 3, machine: "cli.date"},
		{name: "busy", err: fault.Locked("cli.date"), begun: true, code: 4, machine: "cli.date"},
		{name: "waiting", err: fault.Wait("cli.date"), begun: true, code: 5, machine: "cli.date"},
		{name: "already said", err: errors.Join(nil, &reported{5}), begun: true, code: 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, asJSON := range []bool{false, true} {
				var out, errs bytes.Buffer
				a := newApp(nil, func(string) string { return "" }, nil, &out, &errs)
				a.json, a.begun = asJSON, c.begun
				if got := a.finish(c.err); got != c.code {
					t.Errorf("exit code: got %d, want %d", got, c.code)
				}
				said, silent := errs.String(), out.String()
				if asJSON {
					said, silent = silent, said
				}
				if silent != "" || (said == "") != (c.machine == "") {
					t.Errorf("json %v: stdout %q, stderr %q", asJSON, out.String(), errs.String())
				}
				if asJSON && c.machine != "" {
					var answer errorAnswer
					if err := json.Unmarshal(out.Bytes(), &answer); err != nil || answer.Error.Code != c.machine {
						t.Errorf("got %s, %v, want code %s", out.String(), err, c.machine)
					}
				}
			}
		})
	}
}

// TestJSONIsOneObject: once a call has answered, what is still wrong goes to
// standard error.
func TestJSONIsOneObject(t *testing.T) {
	var out, errs bytes.Buffer
	a := newApp([]string{"--json"}, func(string) string { return "" }, nil, &out, &errs)
	a.begun = true
	if err := a.object(map[string]int{"a": 1}); err != nil {
		t.Fatal(err)
	}
	if code := a.finish(fault.Broken("cli.date")); code != 3 {
		t.Errorf("got exit code %d", code)
	}
	if out.String() != "{\"a\":1}\n" || !strings.HasPrefix(errs.String(), "custody: ") {
		t.Errorf("stdout %q, stderr %q", out.String(), errs.String())
	}
}

// TestEach: every file is tried, and the worst exit code is the call's.
func TestEach(t *testing.T) {
	bad, broken, busy, late := fault.Invalid("cli.date"), fault.Broken("cli.date"), fault.Locked("cli.date"), fault.Wait("cli.date")
	for _, c := range []struct {
		errs []error
		want int
	}{
		{[]error{nil, nil}, 0},
		{[]error{bad, nil}, 2},
		{[]error{nil, late, bad}, 2},
		{[]error{busy, late}, 4},
		{[]error{bad, broken, busy}, 3},
		{[]error{broken, io.EOF, bad}, 1},
	} {
		a := newApp(nil, func(string) string { return "" }, nil, io.Discard, io.Discard)
		tried := 0
		paths := make([]string, len(c.errs))
		err := a.each(paths, func(string) error { tried++; return c.errs[tried-1] })
		if got := a.finish(err); got != c.want || tried != len(c.errs) {
			t.Errorf("%v: exit code %d after %d of %d, want %d", c.errs, got, tried, len(c.errs), c.want)
		}
	}
}

// TestReportIsBounded: a file in which every line is wrong does not flood the
// terminal, and --json still has every fault.
func TestReportIsBounded(t *testing.T) {
	var list fault.List
	for i := range 3 * maxReported {
		list = append(list, fault.Invalid("cli.date").In("a.csv").AtLine(i+1))
	}
	var out, errs bytes.Buffer
	a := newApp(nil, func(string) string { return "" }, nil, &out, &errs)
	a.report(list)
	if n := strings.Count(errs.String(), "a.csv"); n != maxReported {
		t.Errorf("%d faults were printed, want %d", n, maxReported)
	}
	if !strings.Contains(errs.String(), "custody: ... and 40 more") {
		t.Errorf("the rest is not mentioned: %s", errs.String())
	}
	if got := len(a.errorAnswer(list).Errors); got != len(list) {
		t.Errorf("JSON has %d faults of %d", got, len(list))
	}
}

func TestCauses(t *testing.T) {
	list := fault.List{fault.Invalid("a"), fault.Invalid("b")}
	for _, c := range []struct {
		name string
		err  error
		want int
	}{
		{"one", io.EOF, 1}, {"joined", errors.Join(io.EOF, fault.Invalid("a")), 2}, {"a list is one file", list, 1}, {"joined lists", errors.Join(list, list), 2},
	} {
		if got := len(causes(c.err)); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}

// TestGrid: Chinese is aligned, and a file's control characters do not reach
// the terminal.
func TestGrid(t *testing.T) {
	var out bytes.Buffer
	a := newApp(nil, func(string) string { return "" }, nil, &out, io.Discard)
	g := a.grid("名称", ">余额", "状态")
	g.row("禾下便当云杉路店", "4,033.02", "正常")
	g.row("A\x1b[31m\nB", "0.10", "")
	g.print()
	want := strings.Join([]string{
		"名称                  余额  状态",
		"──────────────────────────────────",
		"禾下便当云杉路店  4,033.02  正常",
		"A [31m B              0.10",
		""}, "\n")
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	out.Reset()
	a.grid("名称").print()
	if got := out.String(); got != "none\n" {
		t.Errorf("an empty table: got %q", got)
	}
}

// TestHelpInBothLanguages: no command is without a sentence in either language.
func TestHelpInBothLanguages(t *testing.T) {
	for _, l := range []string{"zh", "en"} {
		code, help, _ := typed(t, "--lang", l, "--help")
		if code != 0 || strings.Contains(help, "cli.") {
			t.Errorf("%s: exit code %d, help has codes:\n%s", l, code, help)
		}
	}
}

func TestRunIsStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	home := demoDir(t)
	var errs bytes.Buffer
	code := run(ctx, []string{"--home", home, "run", "--date", "2026-02-12"}, func(string) string { return "" }, nil, io.Discard, &errs)
	if code == 0 {
		t.Errorf("a stopped run says that it is done: %s", errs.String())
	}
	if code, _, stderr := typed(t, "--home", home, "run", "--date", "2026-02-12"); code != 0 {
		t.Errorf("after a stop: exit code %d, %s", code, stderr)
	}
}

// TestLostAnswer: what could not be written was not done, for whoever reads the
// exit code.
func TestLostAnswer(t *testing.T) {
	var errs bytes.Buffer
	full := lost{errors.New("no space left on device")}
	code := run(t.Context(), []string{"version"}, func(string) string { return "" }, nil, full, &errs)
	if code != 1 || !strings.Contains(errs.String(), "no space left") {
		t.Errorf("exit code %d, %q", code, errs.String())
	}
}

// lost is a stream that takes nothing.
type lost struct{ err error }

func (l lost) Write([]byte) (int, error) { return 0, l.err }
