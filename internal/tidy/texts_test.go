package tidy_test

import (
	"go/ast"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"custody/internal/lang"
)

// texts returns every code that has a sentence in both languages.
func texts() map[string]bool {
	all, err := lang.Codes()
	if err != nil {
		panic(err) // lang's own test says more
	}
	out := map[string]bool{}
	for code := range all {
		out[code] = true
	}
	return out
}

// dynamic are beginnings of codes that the source puts together, with the
// place that does; the codes themselves then stand nowhere as one literal.
var dynamic = map[string]string{
	"arrival.":    "clearing/reconcile: arrival. and the proof's state or reason",
	"criterion.":  "clearing/reconcile: criterion. and the criterion",
	"difference.": "clearing/reconcile: difference. and the kind",
	"match.":      "clearing/reconcile: match. and the rule",
	"doc.":        "statements: doc., the list and the value",
}

// languages: every code that the source names has its sentences.
func languages(tree []*source, texts func() map[string]bool) (found []string) {
	known := texts()
	for _, s := range product(tree) {
		builders := wrappers(tree, s.dir())
		names := s.imports()
		check := func(e ast.Expr) {
			if code, ok := literal(e); ok && code != "" && !known[code] {
				found = append(found, s.at(e.Pos(), "%q has no sentence in internal/lang/texts", code))
			}
		}
		each(s, func(c *ast.CallExpr) {
			if i := codeArgument(names, builders, c); i >= 0 && i < len(c.Args) {
				check(c.Args[i])
			}
		})
		each(s, func(c *ast.CompositeLit) {
			if pkg, name := call(names, c.Type); pkg != module+"/internal/fault" || name != "Fault" {
				return
			}
			for _, e := range c.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					if key, ok := kv.Key.(*ast.Ident); ok && (key.Name == "Code" || key.Name == "Hint") {
						check(kv.Value)
					}
				}
			}
		})
	}
	return found
}

// codeArgument returns which argument of a call is a code, or -1.
func codeArgument(names map[string]string, builders map[string]int, c *ast.CallExpr) int {
	switch pkg, name := call(names, c.Fun); {
	case pkg == module+"/internal/fault" && slices.Contains([]string{"Invalid", "Broken", "Locked", "Wait"}, name):
		return 0
	case pkg == module+"/internal/lang" && name == "Text":
		return 1
	case pkg == module+"/internal/lang" && name == "Code":
		return 0
	case pkg != "": // another package's function
		return -1
	case name == "WithHint":
		return 0
	}
	name := ""
	switch f := c.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
	}
	if i, ok := builders[name]; ok {
		return i
	}
	return -1
}

// wrappers returns the functions of a package that hand a parameter on as a
// code, such as r.bad(code, args...), with the number of that parameter. A
// name that stands for two different functions is left out.
func wrappers(tree []*source, dir string) map[string]int {
	found, twice := map[string]int{}, map[string]bool{}
	for range 3 { // a wrapper of a wrapper of a wrapper
		for _, s := range product(tree) {
			if s.dir() != dir {
				continue
			}
			names := s.imports()
			each(s, func(f *ast.FuncDecl) {
				i := handsOn(names, found, f)
				if was, ok := found[f.Name.Name]; ok && i >= 0 && was != i {
					twice[f.Name.Name] = true
				}
				if i >= 0 {
					found[f.Name.Name] = i
				}
			})
		}
	}
	maps.DeleteFunc(found, func(name string, _ int) bool { return twice[name] })
	return found
}

// handsOn returns the number of the parameter that f hands on as a code, or -1.
func handsOn(names map[string]string, builders map[string]int, f *ast.FuncDecl) int {
	params := map[string]int{}
	n := 0
	for _, field := range f.Type.Params.List {
		for _, name := range field.Names {
			params[name.Name] = n
			n++
		}
	}
	at := -1
	if f.Body == nil {
		return at
	}
	ast.Inspect(f.Body, func(node ast.Node) bool {
		c, ok := node.(*ast.CallExpr)
		if !ok {
			return true
		}
		if i := codeArgument(names, builders, c); i >= 0 && i < len(c.Args) {
			if id, ok := c.Args[i].(*ast.Ident); ok {
				if p, ok := params[id.Name]; ok {
					at = p
				}
			}
		}
		return true
	})
	return at
}

// screens returns the texts of templates and scripts, which name codes too.
func screens(t *testing.T) (all []string) {
	t.Helper()
	walk(t, func(name string, read func() string) {
		if slices.Contains([]string{".html", ".tmpl", ".gohtml", ".js"}, path.Ext(name)) {
			all = append(all, read())
		}
	})
	return all
}

// unusedTexts: every sentence is said somewhere. A code counts as used where it
// stands as a literal; a hint belongs to the code that it advises on.
func unusedTexts(tree []*source, screens []string, texts func() map[string]bool) (found []string) {
	used := map[string]bool{}
	for _, s := range product(tree) {
		each(s, func(lit *ast.BasicLit) {
			if v, ok := literal(lit); ok {
				used[v] = true
			}
		})
	}
	for _, code := range slices.Sorted(maps.Keys(texts())) {
		said := used[code] || used[strings.TrimSuffix(code, ".hint")]
		for _, screen := range screens {
			said = said || strings.Contains(screen, `"`+code+`"`)
		}
		for prefix := range dynamic {
			said = said || strings.HasPrefix(code, prefix)
		}
		if !said {
			found = append(found, "internal/lang/texts: nothing says "+code)
		}
	}
	return found
}
