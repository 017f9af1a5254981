package tidy_test

import (
	"slices"
	"strings"
	"testing"
)

// TestRulesFindWhatTheyForbid shows each rule a small tree that breaks it and,
// beside it, what it must let pass.
func TestRulesFindWhatTheyForbid(t *testing.T) {
	known := func() map[string]bool { return map[string]bool{"a.known": true, "a.known.hint": true, "a.idle": true} }
	long := strings.Repeat("\t_ = 0\n", functionMax)
	for _, c := range []struct {
		name, path, text string
		rule             func([]*source) []string
		lines            []string // file:line of each finding
	}{
		{"bankfiles and the ledger", "bankfiles/x/a.go", "package x\nimport _ \"custody/subaccounts\"\nimport _ \"custody/internal/store\"\nimport _ \"custody/internal/money\"", imports, []string{":2", ":3"}},
		{"the ledger and files", "subaccounts/a.go", "package x\nimport _ \"custody/bankfiles\"\nimport _ \"custody/internal/store\"", imports, []string{":2"}},
		{"clearing and proofs", "clearing/a_test.go", "package x\nimport _ \"custody/statements\"\nimport _ \"custody/cmd/custody\"\nimport _ \"custody/subaccounts\"", imports, []string{":2", ":3"}},
		{"the simulated bank", "cmd/custody/simbank/a.go", "package x\nimport _ \"custody/clearing/split\"\nimport _ \"custody/bankfiles\"", imports, []string{":2"}},
		{"plumbing", "internal/x/a.go", "package x\nimport _ \"custody/clearing\"\nimport _ \"custody/internal/fault\"", imports, []string{":2"}},
		{"names that only look alike", "internal/x/a.go", "package x\nimport _ \"custody/clearinghouse\"", imports, nil},
		{"a driver", "clearing/a_test.go", "package x\nimport _ \"github.com/jackc/pgx/v5/stdlib\"", drivers, []string{":2"}},
		{"a driver at home", "internal/store/a.go", "package x\nimport _ \"github.com/jackc/pgx/v5/stdlib\"", drivers, nil},
		{"the clock", "clearing/a.go", "package x\nimport t \"time\"\nimport \"os\"\nvar a = t.Now\nvar b = os.Getenv(\"A\")\nvar c = t.Hour", clockAndRandomness, []string{":4", ":5"}},
		{"randomness", "internal/x/a.go", "package x\nimport _ \"math/rand/v2\"", clockAndRandomness, []string{":2"}},
		{"the clock in cmd and tests", "cmd/custody/a.go", "package x\nimport \"time\"\nvar a = time.Now()", clockAndRandomness, nil},
		{"a long function", "clearing/a.go", "package x\nfunc f() {\n" + long + "}\n", length, []string{":2"}},
		{"a function at the limit", "clearing/a.go", "package x\nfunc f() {\n" + long[:7*(functionMax-2)] + "}\n", length, nil},
		{"a long file", "clearing/a.go", "package x\n" + strings.Repeat("\n", fileMax), length, []string{":1"}},
		{"banned words", "clearing/a.go", "package x\n// TO" + "DO later\n// METODOS\n// see ../shar" + "ed/X.md", words, []string{":2", ":4"}},
		{"a package without an idea", "internal/utils/a.go", "package utils", packageNames, []string{":1"}},
		{"a float", "subaccounts/a.go", "package x\nvar a float64", func(tree []*source) []string { return floats(tree, nil) }, []string{":2"}},
		{"an allowed float", "subaccounts/a.go", "package x\nvar a float64", func(tree []*source) []string { return floats(tree, map[string]string{"subaccounts/a.go": "ratio"}) }, nil},
		{"an allowance nobody needs", "subaccounts/a.go", "package x", func(tree []*source) []string { return floats(tree, map[string]string{"subaccounts/a.go": "ratio"}) }, []string{""}},
		{"a float far from money", "cmd/a.go", "package x\nvar a float64", func(tree []*source) []string { return floats(tree, nil) }, nil},
		{"a code without a sentence", "clearing/a.go", "package x\nimport \"custody/internal/fault\"\nvar a = fault.Wait(\"a.new\")\nvar b = fault.Invalid(\"a.known\")\nvar c = fault.Fault{Code: \"b.new\"}", func(tree []*source) []string { return languages(tree, known) }, []string{":3", ":5"}},
		{"a code through a wrapper", "clearing/a.go", "package x\nimport \"custody/internal/fault\"\nfunc bad(n int, code string) error { return fault.Wait(code).AtLine(n) }\nfunc (r) worse(code string) error { return bad(1, code) }\nvar a = bad(2, \"a.new\")\nvar b = r{}.worse(\"b.new\")\nvar c = bad(3, \"a.known\")\ntype r struct{}", func(tree []*source) []string { return languages(tree, known) }, []string{":5", ":6"}},
		{"a sentence nobody says", "clearing/a.go", "package x\nvar a = \"a.known\"", func(tree []*source) []string { return unusedTexts(tree, nil, known) }, []string{"a.idle"}},
		{"a sentence of a screen", "clearing/a.go", "package x\nvar a = \"a.known\"", func(tree []*source) []string { return unusedTexts(tree, []string{`{{t "a.idle"}}`}, known) }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := c.rule([]*source{parse(t, c.path, c.text)})
			if !slices.EqualFunc(found, c.lines, strings.Contains) {
				t.Errorf("got %q, want findings at %q", found, c.lines)
			}
		})
	}
}

func TestATableHasOneWriter(t *testing.T) {
	a := parse(t, "subaccounts/a.go", "package x\nconst a = `\nINSERT INTO entries (a) VALUES (?)\nON CONFLICT DO UPDATE SET a = 1`\nvar b = tx.Bulk(\"holds\")")
	for _, c := range []struct {
		text string
		want int
	}{
		{"`UPDATE entries SET a = 1`", 1},
		{"`insert or ignore into entries values (1)`", 1},
		{"`DELETE FROM holds WHERE 1=1; DELETE FROM days`", 1},
		{"`UPDATE holds AS h SET a = 1`", 1},
		{"tx.Bulk(\"entries\")", 1},
		{"`SELECT * FROM entries`", 0},
		{"`UPDATE days SET a = 1`", 0},
	} {
		other := parse(t, "clearing/b.go", "package x\nvar a = "+c.text)
		if found := tables([]*source{a, other}); len(found) != c.want {
			t.Errorf("%s: got %q, want %d", c.text, found, c.want)
		}
		test := parse(t, "clearing/b_test.go", "package x\nvar a = "+c.text)
		if found := tables([]*source{a, test}); len(found) != 0 {
			t.Errorf("%s in a test: got %q", c.text, found)
		}
	}
}
