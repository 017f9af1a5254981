package signedorder

import (
	"bytes"
	"encoding/json"
	"slices"

	"custody/internal/fault"
)

// object is a JSON object whose keys are exactly known ones, each once. The
// decoder of the library would take "Amount" for "amount" and the last of two:
// then two readers of one signed file could see two different orders.
type object struct {
	at      string // of the faults
	values  map[string]json.RawMessage
	offsets map[string]int // of the values, in bytes from the beginning of the object
}

// readObject reads an object of valid JSON; signedorder.syntax names the key at fault.
func readObject(raw json.RawMessage, at string, known ...string) (object, error) {
	o := object{at, map[string]json.RawMessage{}, map[string]int{}}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return o, fault.Invalid("signedorder.syntax").On(at, "")
	}
	for decoder.More() {
		token, err := decoder.Token()
		name, _ := token.(string)
		if _, twice := o.values[name]; err != nil || twice || !slices.Contains(known, name) {
			return o, fault.Invalid("signedorder.syntax").On(at+name, "")
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return o, fault.Invalid("signedorder.syntax").On(at+name, "")
		}
		o.values[name], o.offsets[name] = value, int(decoder.InputOffset())-len(value)
	}
	return o, nil
}

// value is what stands under a key; null where it is not there.
func (o object) value(name string) json.RawMessage {
	if v, found := o.values[name]; found {
		return v
	}
	return json.RawMessage("null")
}

// text is a string; a key that is not there is an empty one.
func (o object) text(name string) (string, error) {
	raw, found := o.values[name]
	if !found {
		return "", nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil || raw[0] != '"' {
		return "", fault.Invalid("signedorder.syntax").On(o.at+name, "")
	}
	return s, nil
}

// readItems reads the items of an array with the offset of each in it.
func readItems(raw json.RawMessage) (items []json.RawMessage, offsets []int, ok bool) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if start, err := decoder.Token(); err != nil || start != json.Delim('[') {
		return nil, nil, false
	}
	for decoder.More() {
		var item json.RawMessage
		if err := decoder.Decode(&item); err != nil {
			return nil, nil, false
		}
		items, offsets = append(items, item), append(offsets, int(decoder.InputOffset())-len(item))
	}
	return items, offsets, true
}
