package xsdtest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"custody/bankfiles/xsdtest"
)

var rule = xsdtest.Part("a", 1, xsdtest.Leaf("b", 1, 3), xsdtest.Leaf("c", 0, 3))

func TestCheck(t *testing.T) {
	for text, want := range map[string]string{
		"<a><b>x</b></a>":                 "",
		"<a><b>x</b><c>y</c></a>":         "",
		"<a><c>y</c><b>x</b></a>":         "stands 0 times",
		"<a><b>x</b><b>x</b></a>":         "stands 2 times",
		"<a><b>long</b></a>":              "4 characters",
		"<a><b/></a>":                     "0 characters",
		"<a><b>x</b><d/></a>":             "d has no place",
		"<z/>":                            "z is not a",
		"<a>":                             "EOF",
		"<?xml version='1.0'?><a><b>x</b": "EOF",
	} {
		wrong := strings.Join(xsdtest.Check([]byte(text), rule), "; ")
		if !strings.Contains(wrong, want) || (want == "") != (wrong == "") {
			t.Errorf("%s: %s", text, wrong)
		}
	}
}

// Where there is nothing to validate by, one line says so.
func TestValidateSaysWhyNot(t *testing.T) {
	dir := t.TempDir()
	for _, where := range []string{"", dir} {
		if skip, err := xsdtest.Validate(where, "x", nil); skip == "" || strings.Contains(skip, "\n") || err != nil {
			t.Errorf("%q: %q %v", where, skip, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "x.xsd"), []byte(`<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a" type="xs:int"/></xs:schema>`), 0o600); err != nil {
		t.Fatal(err)
	}
	skip, err := xsdtest.Validate(dir, "x", []byte("<a>1</a>"))
	if err != nil {
		t.Fatal(err)
	}
	if skip != "" {
		t.Skip(skip)
	}
	if _, err := xsdtest.Validate(dir, "x", []byte("<a>x</a>")); err == nil {
		t.Error("a message that is not valid passed")
	}
}
