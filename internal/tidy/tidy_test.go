// Package tidy holds the rules of the house as a test over the source: who may
// import whom, where the clock is read, how long a function may be, which
// package writes a table. What a rule finds it names with file and line.
//
// A rule is a function from the parsed tree to its findings, so that
// TestRulesFindWhatTheyForbid can show each of them a tree that breaks it.
package tidy_test

import (
	"go/ast"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rules are run over the whole tree, each as a test of its own.
var rules = map[string]func([]*source) []string{
	"imports":   imports,
	"drivers":   drivers,
	"clock":     clockAndRandomness,
	"length":    length,
	"words":     words,
	"packages":  packageNames,
	"floats":    func(tree []*source) []string { return floats(tree, floatsAllowed) },
	"tables":    tables,
	"languages": func(tree []*source) []string { return languages(tree, texts) },
}

func TestTidy(t *testing.T) {
	tree := load(t)
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		t.Run(name, func(t *testing.T) {
			for _, finding := range rules[name](tree) {
				t.Error(finding)
			}
		})
	}
	t.Run("unused texts", func(t *testing.T) {
		for _, finding := range unusedTexts(tree, screens(t), texts) {
			t.Error(finding)
		}
	})
}

// module is the path in go.mod.
const module = "custody"

// house says, from the top down, which of our packages a directory may or may
// not import; the first line that fits counts. "" is every directory of ours.
var house = []struct {
	dir       string
	may       []string // where set: nothing of ours but this
	never     []string
	because   string
	testsMore []string // what its tests may import besides
}{
	{dir: "cmd/custody/simbank", never: []string{"clearing", "subaccounts", "statements"},
		because: "the simulated bank is an independent expectation"},
	{dir: "bankfiles", may: []string{"bankfiles", "internal/money", "internal/bizdate", "internal/fault"},
		because: "formats know no database, clock or ledger", testsMore: []string{"testdata", "internal/lang"}},
	{dir: "subaccounts", may: []string{"subaccounts", "internal"},
		because: "the ledger knows nothing of files, orders or steps", testsMore: []string{"testdata"}},
	{dir: "clearing", never: []string{"statements", "cmd"},
		because: "clearing decides; proofs and commands come after it"},
	{dir: "statements", never: []string{"cmd"}, because: "only cmd wires"},
	{dir: "internal", never: []string{"clearing", "subaccounts", "statements", "bankfiles", "cmd"},
		because: "plumbing has no business in it"},
}

func imports(tree []*source) (found []string) {
	for _, s := range tree {
		for _, rule := range house {
			if !s.under(rule.dir) {
				continue
			}
			may := rule.may
			if s.isTest() && may != nil {
				may = append(slices.Clone(may), rule.testsMore...)
			}
			for _, spec := range s.file.Imports {
				ours, ok := strings.CutPrefix(importPath(spec), module+"/")
				if ok && (below(ours, rule.never...) || may != nil && !below(ours, may...)) {
					found = append(found, s.at(spec.Pos(), "%s must not import %s: %s", rule.dir, ours, rule.because))
				}
			}
			break
		}
	}
	return found
}

// drivers stay in internal/store, so that everything else is portable SQL.
func drivers(tree []*source) (found []string) {
	names := []string{"github.com/mattn/go-sqlite3", "github.com/jackc/pgx", "github.com/pressly/goose"}
	for _, s := range tree {
		for _, spec := range s.file.Imports {
			if below(importPath(spec), names...) && !s.under("internal/store") {
				found = append(found, s.at(spec.Pos(), "only internal/store imports %s", importPath(spec)))
			}
		}
	}
	return found
}

// clockAndRandomness: a night played again must give the same answer, so time,
// randomness and environment come in through cmd and internal/clock. pgtest is
// for tests alone and asks the environment which server they run on.
func clockAndRandomness(tree []*source) (found []string) {
	read := map[string][]string{
		"time": {"Now", "Since", "Until"},
		"os":   {"Getenv", "LookupEnv", "Environ", "ExpandEnv"},
	}
	random := []string{"math/rand", "math/rand/v2", "crypto/rand"}
	for _, s := range product(tree) {
		if s.under("cmd", "internal/clock", "internal/pgtest") {
			continue
		}
		for _, spec := range s.file.Imports {
			if slices.Contains(random, importPath(spec)) {
				found = append(found, s.at(spec.Pos(), "%s is for cmd and internal/clock: take an io.Reader", importPath(spec)))
			}
		}
		known := s.imports()
		each(s, func(e *ast.SelectorExpr) {
			if pkg, name := call(known, e); slices.Contains(read[pkg], name) {
				found = append(found, s.at(e.Pos(), "%s.%s is for cmd and internal/clock: take a value or a clock.Clock", pkg, name))
			}
		})
	}
	return found
}

// Limits of length in lines. Test functions may be longer: they are tables.
const (
	functionMax = 70
	fileMax     = 600
)

func length(tree []*source) (found []string) {
	for _, s := range product(tree) {
		if n := strings.Count(s.text, "\n"); n > fileMax {
			found = append(found, s.at(s.file.Package, "the file has %d lines, more than %d", n, fileMax))
		}
		each(s, func(f *ast.FuncDecl) {
			n := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line + 1
			if n > functionMax {
				found = append(found, s.at(f.Pos(), "%s has %d lines, more than %d", f.Name.Name, n, functionMax))
			}
		})
	}
	return found
}

// banned are words of work left undone, and a path outside of the repository.
var banned = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b|\.\./shar` + `ed`)

func words(tree []*source) (found []string) {
	for _, s := range product(tree) {
		for i, line := range strings.Split(s.text, "\n") {
			if word := banned.FindString(line); word != "" {
				found = append(found, s.at(s.fset.File(s.file.Pos()).LineStart(i+1), "%s: do it, or say why it is not needed", word))
			}
		}
	}
	return found
}

func packageNames(tree []*source) (found []string) {
	for _, s := range tree {
		switch name := strings.TrimSuffix(s.file.Name.Name, "_test"); name {
		case "util", "utils", "common", "helper", "helpers", "misc", "base":
			found = append(found, s.at(s.file.Name.Pos(), "package %s says nothing: name it for its idea", name))
		}
	}
	return found
}

// floatsAllowed are the files near money that hold a float, with the reason.
// A ratio in a report is fine; an amount never is.
var floatsAllowed = map[string]string{
	"bankfiles/xls/values.go": "numbers of an old workbook are doubles; each becomes the shortest decimal text that is that double, and nothing else is computed",
	"statements/excel.go":     "excelize takes widths, heights and the value of a number cell as floats; amounts come in as decimal text of at most 15 digits and nothing is computed",
}

func floats(tree []*source, allowed map[string]string) (found []string) {
	stale := maps.Clone(allowed)
	names := []string{"float32", "float64", "ParseFloat", "Float64", "InexactFloat64", "NewFromFloat"}
	for _, s := range product(tree) {
		if !s.under("clearing", "subaccounts", "bankfiles", "statements", "internal/money") {
			continue
		}
		each(s, func(id *ast.Ident) {
			if !slices.Contains(names, id.Name) {
				return
			}
			delete(stale, s.path)
			if allowed[s.path] == "" {
				found = append(found, s.at(id.Pos(), "%s near money: count in fen or ppm", id.Name))
			}
		})
	}
	for _, name := range slices.Sorted(maps.Keys(stale)) {
		found = append(found, name+": holds no float any more; take it from floatsAllowed")
	}
	return found
}

// writes finds the table that a statement writes.
var writes = regexp.MustCompile(`(?i)\b(?:INSERT\s+(?:OR\s+\w+\s+)?INTO\s+|DELETE\s+FROM\s+|REPLACE\s+INTO\s+)"?([a-z_]\w*)|\bUPDATE\s+"?([a-z_]\w*)"?\s+(?:AS\s+\w+\s+)?SET\b`)

// tables: a table belongs to the one package that writes it, in SQL or by
// store's Bulk. internal/store knows no table of its own but the migrations'.
func tables(tree []*source) (found []string) {
	type hit struct{ dir, where string }
	hits := map[string][]hit{}
	add := func(s *source, table string, n ast.Node) {
		table = strings.ToLower(table)
		hits[table] = append(hits[table], hit{s.dir(), s.at(n.Pos(), "writes %s", table)})
	}
	for _, s := range product(tree) {
		if s.under("internal/store") {
			continue
		}
		each(s, func(lit *ast.BasicLit) {
			if text, ok := literal(lit); ok {
				for _, m := range writes.FindAllStringSubmatch(text, -1) {
					add(s, m[1]+m[2], lit)
				}
			}
		})
		each(s, func(c *ast.CallExpr) {
			if sel, ok := c.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Bulk" && len(c.Args) > 0 {
				if table, ok := literal(c.Args[0]); ok {
					add(s, table, c)
				}
			}
		})
	}
	for _, table := range slices.Sorted(maps.Keys(hits)) {
		for _, h := range hits[table] {
			if first := hits[table][0]; h.dir != first.dir {
				found = append(found, h.where+", and so does "+first.where)
			}
		}
	}
	return found
}
