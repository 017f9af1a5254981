package tidy_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// source is one Go file of the module.
type source struct {
	path string // from the root, with slashes
	text string
	file *ast.File
	fset *token.FileSet
}

func (s *source) dir() string  { return path.Dir(s.path) }
func (s *source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// under reports whether the file lies in one of the directories or below.
func (s *source) under(dirs ...string) bool { return below(s.dir(), dirs...) }

func below(dir string, dirs ...string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool { return dir == d || strings.HasPrefix(dir, d+"/") })
}

// at is file:line of a node, and what is wrong there.
func (s *source) at(pos token.Pos, format string, args ...any) string {
	return fmt.Sprintf("%s:%d: ", s.path, s.fset.Position(pos).Line) + fmt.Sprintf(format, args...)
}

// imports returns the paths by the names under which the file knows them.
func (s *source) imports() map[string]string {
	out := map[string]string{}
	for _, spec := range s.file.Imports {
		p := importPath(spec)
		name := path.Base(p)
		if version.MatchString(name) {
			name = path.Base(path.Dir(p)) // math/rand/v2 is rand
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		out[name] = p
	}
	return out
}

var version = regexp.MustCompile(`^v[0-9]+$`)

func importPath(spec *ast.ImportSpec) string {
	p, _ := strconv.Unquote(spec.Path.Value) // the parser has checked it
	return p
}

// call returns the import path and name of a called or named pkg.Name, or "".
func call(imports map[string]string, e ast.Expr) (pkg, name string) {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	x, ok := sel.X.(*ast.Ident)
	if !ok {
		return "", ""
	}
	return imports[x.Name], sel.Sel.Name
}

// literal returns the value of a string literal.
func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	v, err := strconv.Unquote(lit.Value)
	return v, err == nil
}

// each calls fn for every node of type N in the file.
func each[N ast.Node](s *source, fn func(N)) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		if v, ok := n.(N); ok {
			fn(v)
		}
		return true
	})
}

// product is the tree without its tests.
func product(tree []*source) []*source {
	return slices.DeleteFunc(slices.Clone(tree), (*source).isTest)
}

func parse(t *testing.T, name, text string) *source {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return &source{path: name, text: text, file: file, fset: fset}
}

// root is the directory of go.mod, seen from this package.
const root = "../.."

// walk calls fn for every file that belongs to the source.
func walk(t *testing.T, fn func(name string, read func() string)) {
	t.Helper()
	made := []string{"bin", "demo", "custody-data"} // by make and by use
	err := filepath.WalkDir(root, func(full string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, full)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if d.IsDir() {
			if name != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains(made, name)) {
				return filepath.SkipDir
			}
			return nil
		}
		fn(name, func() string {
			raw, err := os.ReadFile(full)
			if err != nil {
				t.Fatal(err)
			}
			return string(raw)
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// load parses every Go file of the module.
func load(t *testing.T) []*source {
	t.Helper()
	var tree []*source
	walk(t, func(name string, read func() string) {
		if strings.HasSuffix(name, ".go") {
			tree = append(tree, parse(t, name, read()))
		}
	})
	if len(tree) < 10 {
		t.Fatalf("found %d Go files below %s", len(tree), root)
	}
	return tree
}
