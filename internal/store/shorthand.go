package store

import (
	"bytes"
	"fmt"
)

// shorthand returns rows from..to of the column as an expression over one
// parameter, number n, and the row's number i, where the values are all equal
// or each is one more than the one before. Rows in the order of a key are often
// so: dates, events, accounts, sequences. SQLite then need not cut and convert.
func (c *bulkColumn) shorthand(from, to, n int) (expression string, arg any, ok bool) {
	switch c.kind {
	case intColumn:
		values := c.ints[from:to]
		first := values[0]
		step := int64(0)
		if len(values) > 1 {
			step = values[1] - first
		}
		if step != 0 && step != 1 {
			return "", nil, false
		}
		for i, v := range values {
			if v != first+step*int64(i) {
				return "", nil, false
			}
		}
		if step == 1 {
			return fmt.Sprintf("?%d + i", n), first, true
		}
		return fmt.Sprintf("?%d", n), first, true
	case textColumn:
		start := c.start(from)
		first := c.bytes[start:c.ends[from]]
		at := start
		for _, end := range c.ends[from:to] {
			if !bytes.Equal(c.bytes[at:end], first) {
				return "", nil, false
			}
			at = end
		}
		return fmt.Sprintf("?%d", n), string(first), true
	}
	return "", nil, false
}
