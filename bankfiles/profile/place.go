package profile

import (
	"bytes"
	"errors"
	"strings"

	"go.yaml.in/yaml/v4"
)

// lineOfYAML is the line at which a text stopped being a profile.
func lineOfYAML(err error) int {
	var many *yaml.LoadErrors
	if errors.As(err, &many) && len(many.Errors) > 0 {
		return many.Errors[0].Mark.Line
	}
	var one *yaml.LoadError
	if errors.As(err, &one) {
		return one.Mark.Line
	}
	return 0
}

// lineOf is the line of a profile on which a fault's key stands, or of the value
// in its list that is wrong. A key that is missing is told by the one above it,
// and by the first line where that is missing, too.
func lineOf(raw []byte, field, value string) int {
	var root yaml.Node
	if yaml.NewDecoder(bytes.NewReader(raw)).Decode(&root) != nil || len(root.Content) == 0 {
		return 1
	}
	at, line := root.Content[0], 1
	for _, key := range pathOf(field) {
		next := under(at, key)
		if next == nil {
			return line
		}
		at, line = next.value, next.line
	}
	for _, item := range at.Content {
		if at.Kind == yaml.SequenceNode && item.Value == value {
			return item.Line
		}
	}
	return line
}

// pathOf is the way to a fault's key: the columns are named by themselves.
func pathOf(field string) []string {
	switch field {
	case "name", "encoding", "unit", "separator", "dates", "fields":
		return []string{field}
	case "":
		return []string{"columns"}
	}
	if parts := strings.Split(field, "."); len(parts) > 1 {
		return parts
	}
	return []string{"columns", field}
}

// pair is a key's line with its value.
type pair struct {
	value *yaml.Node
	line  int
}

// under finds a key of a mapping.
func under(n *yaml.Node, key string) *pair {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return &pair{n.Content[i+1], n.Content[i].Line}
		}
	}
	return nil
}
