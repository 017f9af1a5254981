package inspect_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that the table of quirks names is there.
func TestQuirksNameTheirTests(t *testing.T) {
	var doc []byte
	for _, name := range []string{"channels", "statements"} {
		one, err := os.ReadFile("../../docs/formats-" + name + ".md")
		if err != nil {
			t.Fatal(err)
		}
		doc = append(doc, one...)
	}
	named := regexp.MustCompile("`([a-z0-9]+)\\.((?:Test|Fuzz)\\w+)").FindAllStringSubmatch(string(doc), -1)
	if len(named) < 90 {
		t.Fatalf("only %d tests are named", len(named))
	}
	sources := map[string]string{}
	for _, n := range named {
		dir, test := n[1], n[2]
		if sources[dir] == "" {
			folder := "../" + dir
			if dir == "statements" { // what we issue
				folder = "../../statements"
			}
			files, err := filepath.Glob(folder + "/*_test.go")
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				sources[dir] += string(sample(t, f))
			}
		}
		if !strings.Contains(sources[dir], "func "+test+"(") {
			t.Errorf("%s has no %s", dir, test)
		}
	}
}
