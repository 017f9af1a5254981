package profile_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"custody/bankfiles/profile"
)

// The document names every shipped profile, and only tests and cases that are there.
func TestDocumentHolds(t *testing.T) {
	raw, err := os.ReadFile("../../docs/formats-profiles.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(raw)
	for _, p := range profile.Shipped() {
		if !strings.Contains(doc, "| `"+p.Name+"` |") {
			t.Errorf("%s is not in the document", p.Name)
		}
		if !strings.Contains(p.Note, "not verified with the bank") {
			t.Errorf("%s does not say what it is", p.Name)
		}
	}
	tests := ""
	for _, name := range []string{"profile_test.go", "shipped_test.go", "forms_test.go"} {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tests += strings.ReplaceAll(string(source), " ", "_")
	}
	named := regexp.MustCompile("`profile\\.((?:Test|Fuzz)\\w+)(?:/([^`*]*))?|`/([^`*]+)").FindAllStringSubmatch(doc, -1)
	if len(named) < 30 {
		t.Fatalf("only %d tests are named", len(named))
	}
	for _, n := range named {
		if n[1] != "" && !strings.Contains(tests, "func_"+n[1]+"(") {
			t.Errorf("there is no %s", n[1])
		}
		if part := n[2] + n[3]; part != "" && !strings.Contains(tests, "{\""+part) {
			t.Errorf("there is no case %s", part)
		}
	}
	yaml := doc[strings.Index(doc, "```yaml")+len("```yaml"):]
	if _, err := profile.Parse("example", []byte(yaml[:strings.Index(yaml, "```")])); err != nil {
		t.Errorf("the example: %v", err)
	}
}
