// Package xsdtest holds messages that we write to the structure of their
// schema, for tests. ISO's schemas may not be passed on, so the tests carry the
// part that we use as a table of rules; who has the schemas points XSD_DIR to
// them and has every message validated by xmllint as well.
package xsdtest

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"unicode/utf8"
)

// Rule is one element of a schema: its children in their order, each with how
// often it may stand, and the length of its text.
type Rule struct {
	Name     string
	Min, Max int // 0 is no limit
	Text     int // most characters; 0: an element of elements
	Kids     []Rule
}

// Leaf is an element with text that stands once at most.
func Leaf(name string, least, text int) Rule { return Rule{Name: name, Min: least, Max: 1, Text: text} }

// Part is an element of elements that stands once at most.
func Part(name string, least int, kids ...Rule) Rule {
	return Rule{Name: name, Min: least, Max: 1, Kids: kids}
}

// element is an element as it was written.
type element struct {
	name, text string
	kids       []element
}

// Check returns what in a message does not follow the rule of its root.
func Check(message []byte, root Rule) []string {
	d := xml.NewDecoder(bytes.NewReader(message))
	for {
		token, err := d.Token()
		if err != nil {
			return []string{err.Error()}
		}
		if start, ok := token.(xml.StartElement); ok {
			e, err := parse(d, start)
			if err != nil {
				return []string{err.Error()}
			}
			if e.name != root.Name {
				return []string{e.name + " is not " + root.Name}
			}
			return hold(e, root, "")
		}
	}
}

func parse(d *xml.Decoder, start xml.StartElement) (element, error) {
	e := element{name: start.Name.Local}
	for {
		token, err := d.Token()
		if err != nil {
			return e, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			kid, err := parse(d, t)
			if err != nil {
				return e, err
			}
			e.kids = append(e.kids, kid)
		case xml.CharData:
			e.text += string(t)
		case xml.EndElement:
			return e, nil
		}
	}
}

// hold checks an element against its rule: order, cardinality, length.
func hold(e element, r Rule, path string) (wrong []string) {
	path += "/" + e.name
	if r.Text > 0 {
		if n := utf8.RuneCountInString(e.text); n == 0 || n > r.Text || len(e.kids) > 0 {
			wrong = append(wrong, fmt.Sprintf("%s: %d characters of 1 to %d", path, n, r.Text))
		}
		return wrong
	}
	at := 0
	for _, kid := range r.Kids {
		n := 0
		for at < len(e.kids) && e.kids[at].name == kid.Name {
			wrong = append(wrong, hold(e.kids[at], kid, path)...)
			n, at = n+1, at+1
		}
		if n < kid.Min || kid.Max > 0 && n > kid.Max {
			wrong = append(wrong, fmt.Sprintf("%s/%s stands %d times", path, kid.Name, n))
		}
	}
	if at < len(e.kids) {
		wrong = append(wrong, path+"/"+e.kids[at].name+" has no place there")
	}
	return wrong
}

// Validate validates a message by the schema version.xsd in dir with xmllint. skip
// says in one line why it could not: no directory, no such schema, no xmllint.
func Validate(dir, version string, message []byte) (skip string, err error) {
	if dir == "" {
		return "not validated by " + version + ".xsd: set XSD_DIR to the folder of the ISO 20022 schemas", nil
	}
	schema := filepath.Join(dir, version+".xsd")
	if _, err := os.Stat(schema); err != nil {
		return "not validated: XSD_DIR has no " + version + ".xsd", nil
	}
	lint, err := exec.LookPath("xmllint")
	if err != nil {
		return "not validated: xmllint is not installed (package libxml2-utils)", nil
	}
	cmd := exec.Command(lint, "--noout", "--nonet", "--schema", schema, "-")
	cmd.Stdin = bytes.NewReader(message)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.Discard, &out
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out.Bytes())
	}
	return "", nil
}
