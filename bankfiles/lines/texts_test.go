package lines_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every code that a reader of trades can return has its sentence and its hint,
// and no sentence is left over.
func TestEveryCodeHasTexts(t *testing.T) {
	raw, err := os.ReadFile("../../internal/lang/texts/trades.yaml")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	code := regexp.MustCompile(`"((?:bill|orders|lines)\.[a-z_]+)"`)
	for _, dir := range []string{".", "../orderfile", "../wechat", "../alipay"} {
		names, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range code.FindAllSubmatch(source, -1) {
				used[string(m[1])] = true
			}
		}
	}
	if len(used) < 40 {
		t.Fatalf("only %d codes found in the source", len(used))
	}
	texts := "\n" + string(raw)
	loading, err := os.ReadFile("../../internal/lang/texts/loading.yaml") // of columns that only the order file has
	if err != nil {
		t.Fatal(err)
	}
	for c := range used {
		for _, entry := range []string{c, c + ".hint"} {
			if !strings.Contains(texts+string(loading), "\n"+entry+":\n") {
				t.Errorf("%s has no text", entry)
			}
		}
	}
	for _, m := range regexp.MustCompile(`\n([a-z_.]+):\n`).FindAllStringSubmatch(texts, -1) {
		if c := strings.TrimSuffix(m[1], ".hint"); !used[c] {
			t.Errorf("%s is used nowhere", c)
		}
	}
}
