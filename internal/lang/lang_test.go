package lang_test

import (
	"errors"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"custody/internal/fault"
	"custody/internal/lang"
)

// codes loads every text; loading itself refuses a code that stands twice or
// lacks a language.
func codes(t *testing.T) map[string]map[lang.Lang]string {
	t.Helper()
	all, err := lang.Codes()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("there are no texts")
	}
	return all
}

var verb = regexp.MustCompile(`%(?:%|(\[[0-9]+\])?[-+# 0-9.]*[a-zA-Z])`)

// verbs returns the arguments that a text uses, such as "%[1]s", each once.
func verbs(text string) []string {
	set := map[string]bool{}
	for _, v := range verb.FindAllString(text, -1) {
		if v != "%%" {
			set[v] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// TestBothLanguagesUseTheSameArguments: a text that says less in one language
// hides a figure from half of its readers. The order may differ, hence indexes.
func TestBothLanguagesUseTheSameArguments(t *testing.T) {
	all := codes(t)
	for _, code := range slices.Sorted(maps.Keys(all)) {
		zh, en := verbs(all[code][lang.ZH]), verbs(all[code][lang.EN])
		if diff := cmp.Diff(zh, en); diff != "" {
			t.Errorf("%s: arguments differ (-zh +en):\n%s", code, diff)
		}
		for _, v := range zh {
			if !strings.HasPrefix(v, "%[") {
				t.Errorf("%s: %s has no index; write %%[1]%s", code, v, v[1:])
			}
		}
	}
}

// TestNothingStandsBesideAVerb: what is left of a text without its verbs has no
// percent sign, which Printf would take for one.
func TestNothingStandsBesideAVerb(t *testing.T) {
	for code, texts := range codes(t) {
		for l, text := range texts {
			if strings.Contains(verb.ReplaceAllString(text, ""), "%") {
				t.Errorf("%s (%s): %q has a lone %%; write %%%%", code, l, text)
			}
		}
	}
}

func TestChineseIsChinese(t *testing.T) {
	for code, texts := range codes(t) {
		if len(texts) != 2 {
			t.Errorf("%s: has %d languages", code, len(texts))
		}
		if strings.ContainsFunc(texts[lang.EN], func(r rune) bool { return unicode.Is(unicode.Han, r) }) &&
			!strings.ContainsFunc(texts[lang.ZH], func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("%s: zh and en have changed places", code)
		}
		for _, text := range texts {
			if strings.TrimSpace(text) == "" {
				t.Errorf("%s: has an empty text", code)
			}
		}
	}
}

// TestHintsBelongToASentence: advice for a code that has no sentence is never shown.
func TestHintsBelongToASentence(t *testing.T) {
	all := codes(t)
	for code := range all {
		if sentence, isHint := strings.CutSuffix(code, ".hint"); isHint && all[sentence] == nil {
			t.Errorf("%s: there is no %s", code, sentence)
		}
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		name, code string
		args       []any
		en, zh     string
	}{
		{"unknown code", "no.such", []any{"x", 2}, "no.such x 2", "no.such x 2"},
		{"unknown code alone", "no.such", nil, "no.such", "no.such"},
		{"argument", "place.line", []any{7}, ", line 7", " 第 7 行"},
		{"argument that is a code", "place.advice", []any{lang.Code("internal.name")}, "hint: internal.name", "提示：internal.name"},
		{"more arguments than verbs", "translog.missing.hint", []any{1, 2, 3, 4},
			lang.Text(lang.EN, "translog.missing.hint"), lang.Text(lang.ZH, "translog.missing.hint")},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := lang.Text(lang.EN, c.code, c.args...); got != c.en {
				t.Errorf("en: got %q, want %q", got, c.en)
			}
			if got := lang.Text(lang.ZH, c.code, c.args...); got != c.zh {
				t.Errorf("zh: got %q, want %q", got, c.zh)
			}
		})
	}
	if !lang.Has("internal") || lang.Has("no.such") {
		t.Error("Has is wrong about internal or no.such")
	}
}

func TestReport(t *testing.T) {
	exposed := fault.Broken("signing.exposed", "-rw-r--r--").In("seal.pem")
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"any other error", io.EOF, "internal error: EOF"},
		{"place, field and value", fault.Invalid("translog.hash").In("proof.json").AtLine(7).On("root", "12zz"),
			"proof.json, line 7: " + lang.Text(lang.EN, "translog.hash") + "\n  field root: \"12zz\""},
		{"hint without verbs", exposed, "seal.pem: this secret file may be used by other users of the machine (mode -rw-r--r--)\n" +
			"  hint: " + lang.Text(lang.EN, "signing.exposed.hint")},
		{"list in an error", errors.Join(fault.List{fault.Invalid("signing.public"), exposed}),
			lang.Report(lang.EN, fault.Invalid("signing.public")) + "\n" + lang.Report(lang.EN, exposed)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, lang.Report(lang.EN, c.err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParse(t *testing.T) {
	for in, want := range map[string]lang.Lang{
		"": lang.EN, "C.UTF-8": lang.EN, "en_US.UTF-8": lang.EN, "de": lang.EN,
		"zh": lang.ZH, "zh_CN.UTF-8": lang.ZH, "ZH-Hans": lang.ZH,
	} {
		if got := lang.Parse(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}
