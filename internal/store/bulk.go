package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

type columnKind int

const (
	intColumn columnKind = iota
	textColumn
	blobColumn
	constColumn
)

// Column names a column of a bulk insert and says what it holds.
type Column struct {
	name     string
	kind     columnKind
	constant any
}

// Int is an integer column.
func Int(name string) Column { return Column{name: name, kind: intColumn} }

// Text is a text column. Its values must not end in a space.
func Text(name string) Column { return Column{name: name, kind: textColumn} }

// Blob is a column of byte strings of one length, such as hashes.
func Blob(name string) Column { return Column{name: name, kind: blobColumn} }

// Const is a column with the same value in every row; nil is NULL.
func Const(name string, value any) Column {
	return Column{name: name, kind: constColumn, constant: value}
}

// bulkColumn stages the values of one column, one after the other.
type bulkColumn struct {
	Column
	ints  []int64
	bytes []byte
	ends  []int // of each text or blob in bytes
}

// Bulk stages rows of one table and writes them in sets. Values are given
// column by column in the order of the columns, constants left out:
//
//	b := tx.Bulk("entries", store.Const("custody_id", 1), store.Int("seq"), store.Text("item"))
//	b.Int(1).Text("WX.20260212")
//	b.Int(2).Text("")
//	err := b.Flush(ctx)
//
// Rows go in fastest in the order of the table's key.
type Bulk struct {
	tx      *Tx
	table   string
	columns []bulkColumn
	next    int // column of the next value
	rows    int
	upsert  string // ON CONFLICT clause, or empty
	bad     error

	spare   []bulkColumn // takes the next rows while the staged ones are written
	writing chan error   // of the rows that were sent; nil while none are
}

// Bulk starts a bulk insert.
func (tx *Tx) Bulk(table string, columns ...Column) *Bulk {
	b := &Bulk{tx: tx, table: table, columns: make([]bulkColumn, len(columns))}
	for i, c := range columns {
		b.columns[i].Column = c
	}
	b.skipConstants()
	return b
}

// OnConflict makes a row whose key is there already take the staged values of
// the columns in set instead of being refused. No key may be staged twice.
func (b *Bulk) OnConflict(key []string, set ...string) *Bulk {
	assigned := make([]string, len(set))
	for i, column := range set {
		assigned[i] = column + " = excluded." + column
	}
	b.upsert = " ON CONFLICT (" + strings.Join(key, ", ") + ") DO UPDATE SET " + strings.Join(assigned, ", ")
	return b
}

func (b *Bulk) skipConstants() {
	for b.next < len(b.columns) && b.columns[b.next].kind == constColumn {
		b.next++
	}
}

// value returns the column that takes the next value and moves on.
func (b *Bulk) value(kind columnKind) *bulkColumn {
	c := &b.columns[b.next]
	if c.kind != kind && b.bad == nil {
		b.bad = fmt.Errorf("store: bulk %s: wrong kind of value for %s", b.table, c.name)
	}
	b.next++
	b.skipConstants()
	if b.next == len(b.columns) {
		b.next = 0
		b.rows++
		b.skipConstants()
	}
	return c
}

// Int gives the next value.
func (b *Bulk) Int(v int64) *Bulk {
	c := b.value(intColumn)
	c.ints = append(c.ints, v)
	return b
}

// Text gives the next value.
func (b *Bulk) Text(s string) *Bulk {
	c := b.value(textColumn)
	if strings.HasSuffix(s, " ") && b.bad == nil {
		b.bad = fmt.Errorf("store: bulk %s: value of %s ends in a space", b.table, c.name)
	}
	c.bytes = append(c.bytes, s...)
	c.ends = append(c.ends, len(c.bytes))
	return b
}

// Bytes gives the next value of a text column from a byte slice, which is copied.
func (b *Bulk) Bytes(s []byte) *Bulk {
	c := b.value(textColumn)
	if len(s) > 0 && s[len(s)-1] == ' ' && b.bad == nil {
		b.bad = fmt.Errorf("store: bulk %s: value of %s ends in a space", b.table, c.name)
	}
	c.bytes = append(c.bytes, s...)
	c.ends = append(c.ends, len(c.bytes))
	return b
}

// Blob gives the next value, which is copied.
func (b *Bulk) Blob(v []byte) *Bulk {
	c := b.value(blobColumn)
	c.bytes = append(c.bytes, v...)
	c.ends = append(c.ends, len(c.bytes))
	return b
}

// Rows returns how many whole rows are staged.
func (b *Bulk) Rows() int { return b.rows }

// Flush writes the staged rows and forgets them.
func (b *Bulk) Flush(ctx context.Context) error {
	if err := b.wait(); err != nil {
		return err
	}
	if b.bad != nil {
		return b.bad
	}
	if b.rows == 0 {
		return nil
	}
	if err := b.write(ctx); err != nil {
		return err
	}
	b.forget()
	return nil
}

// Send writes the staged rows as [Bulk.Flush] does, but returns while they are
// written on the second core: the next rows can be staged meanwhile. What went
// wrong is told by the next Send or by Flush, which must come last.
func (b *Bulk) Send(ctx context.Context) error {
	if b.tx.db.path == "" { // a server works by itself while rows are sent
		return b.Flush(ctx)
	}
	if err := b.wait(); err != nil || b.bad != nil {
		return errors.Join(err, b.bad)
	}
	if b.spare == nil {
		b.spare = make([]bulkColumn, len(b.columns))
		for i := range b.columns {
			b.spare[i].Column = b.columns[i].Column
		}
	}
	sent := *b
	b.columns, b.spare = b.spare, b.columns
	b.forget()
	b.writing = make(chan error, 1)
	go func(done chan<- error) { done <- sent.write(ctx) }(b.writing)
	return nil
}

// wait waits for the rows that were sent.
func (b *Bulk) wait() error {
	if b.writing == nil {
		return nil
	}
	err := <-b.writing
	b.writing = nil
	return err
}

func (b *Bulk) write(ctx context.Context) error {
	if err := b.tx.db.engine.bulkInsert(ctx, b.tx, b); err != nil {
		return fmt.Errorf("store: bulk %s: %w", b.table, err)
	}
	b.tx.wrote(b.table, b.rows)
	return nil
}

// forget empties the columns and keeps their memory.
func (b *Bulk) forget() {
	for i := range b.columns {
		c := &b.columns[i]
		c.ints, c.bytes, c.ends = c.ints[:0], c.bytes[:0], c.ends[:0]
	}
	b.rows, b.next = 0, 0
	b.skipConstants()
}

func (b *Bulk) names() []string {
	names := make([]string, len(b.columns))
	for i, c := range b.columns {
		names[i] = c.name
	}
	return names
}

// packed returns rows from..to of the column as one byte string of fields of
// equal width, and whether any field had to be padded with spaces.
func (c *bulkColumn) packed(from, to int) (blob []byte, width int, padded bool) {
	if c.kind == intColumn {
		return packInts(c.ints[from:to])
	}
	start := c.start(from)
	previous := start
	shortest := int(^uint(0) >> 1)
	for _, end := range c.ends[from:to] {
		width = max(width, end-previous)
		shortest = min(shortest, end-previous)
		previous = end
	}
	if shortest == width && width > 0 {
		return c.bytes[start:previous], width, false
	}
	width = max(width, 1)
	blob = make([]byte, 0, width*(to-from))
	previous = start
	for _, end := range c.ends[from:to] {
		blob = append(blob, c.bytes[previous:end]...)
		blob = appendSpaces(blob, width-(end-previous))
		previous = end
	}
	return blob, width, true
}

func (c *bulkColumn) start(row int) int {
	if row == 0 {
		return 0
	}
	return c.ends[row-1]
}

func packInts(values []int64) (blob []byte, width int, padded bool) {
	var low, high int64
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	width = max(len(strconv.FormatInt(low, 10)), len(strconv.FormatInt(high, 10)))
	blob = make([]byte, 0, width*len(values))
	for _, v := range values {
		before := len(blob)
		blob = strconv.AppendInt(blob, v, 10)
		blob = appendSpaces(blob, width-(len(blob)-before))
	}
	return blob, width, true
}

const spaces = "                                                                "

func appendSpaces(b []byte, n int) []byte {
	for n > len(spaces) {
		b = append(b, spaces...)
		n -= len(spaces)
	}
	return append(b, spaces[:n]...)
}
