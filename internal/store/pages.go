package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Row is one row of [Tx.Pages]. Its texts are parts of a whole page: copy what
// is to be kept.
type Row struct {
	fields []string
	bad    error
}

// Text returns a column; 0 is the key.
func (r *Row) Text(i int) string { return r.fields[i] }

// Int returns an integer column; one that is no integer ends the reading.
func (r *Row) Int(i int) int64 {
	n, err := strconv.ParseInt(r.fields[i], 10, 64)
	if err != nil && r.bad == nil {
		r.bad = err
	}
	return n
}

// pageRows is how many rows cross from the database to us in one piece: of 100
// bytes each they make half a megabyte.
const pageRows = 5_000

// Separators of fields and rows within a page. A value that holds one is found
// by the count of fields or of rows.
const (
	fieldMark = "\x1f"
	rowMark   = "\n"
)

// PageQuery says what [Tx.Pages] reads. Columns and key are expressions that
// are never NULL; the key is an integer above zero, unique among the rows.
type PageQuery struct {
	Key     string
	Columns []string
	From    string // tables and WHERE
	Args    []any
}

// Hex returns the expression that writes a column of bytes as lower-case hex.
func (tx *Tx) Hex(column string) string {
	if tx.db.engine.name() == "sqlite" {
		return "lower(hex(" + column + "))"
	}
	return "encode(" + column + ", 'hex')"
}

// query returns the statement for the page behind a key: the rows in the order
// of the key, put together to one text by the database.
func (q *PageQuery) query() string {
	inner := make([]string, len(q.Columns))
	outer := make([]string, len(q.Columns))
	for i, c := range q.Columns {
		inner[i] = fmt.Sprintf(", %s AS c%d", c, i)
		outer[i] = fmt.Sprintf(", c%d", i)
	}
	return "SELECT COUNT(*), COALESCE(MAX(k), 0), COALESCE(string_agg(concat_ws(CAST(? AS TEXT), k" + strings.Join(outer, "") + "), CAST(? AS TEXT)), '') FROM (SELECT " +
		q.Key + " AS k" + strings.Join(inner, "") + " FROM " + q.From + " AND " + q.Key + " > ? ORDER BY " + q.Key + " LIMIT " + strconv.Itoa(pageRows) + ") AS page"
}

// Pages calls fn for every row in the order of the key. It reads a million rows
// in a third of the time of [Tx.Each], because rows cross the border to the
// database thousands at a time:
//
//	q := store.PageQuery{Key: "row_no", Columns: []string{"order_no"}, From: "orders WHERE file_id = ?", Args: []any{7}}
//	err := tx.Pages(ctx, q, func(r *store.Row) error { list = append(list, strings.Clone(r.Text(1))); return nil })
func (tx *Tx) Pages(ctx context.Context, q PageQuery, fn func(*Row) error) error {
	plain := q.query()
	query := tx.inner.Rebind(plain)
	row := &Row{fields: make([]string, 1+len(q.Columns))}
	args := append(append([]any{fieldMark, rowMark}, q.Args...), int64(0))
	read := func() (p page) {
		p.err = tx.inner.QueryRowContext(ctx, query, args...).Scan(&p.rows, &p.last, &p.text)
		tx.asked(plain, args, p.rows)
		return p
	}
	for at := read(); ; {
		if at.err != nil || at.rows == 0 {
			return at.err
		}
		if at.rows < pageRows {
			return row.each(at.text, at.rows, fn)
		}
		// The next page is read on the other core while this one is taken apart.
		args[len(args)-1] = at.last
		next := make(chan page, 1)
		go func() { next <- read() }()
		err := row.each(at.text, at.rows, fn)
		at = <-next
		if err != nil {
			return err
		}
	}
}

// page is some thousand rows as one text.
type page struct {
	rows int
	last int64 // their highest key
	text string
	err  error
}

// each calls fn for the rows of a page.
func (r *Row) each(page string, rows int, fn func(*Row) error) error {
	for ; rows > 0; rows-- {
		line, rest, more := strings.Cut(page, rowMark)
		if more != (rows > 1) {
			return errPage
		}
		page = rest
		last := len(r.fields) - 1
		for i := range last {
			field, behind, found := strings.Cut(line, fieldMark)
			if !found {
				return errPage
			}
			r.fields[i], line = field, behind
		}
		if strings.Contains(line, fieldMark) {
			return errPage
		}
		r.fields[last] = line
		if err := fn(r); err != nil {
			return err
		}
		if r.bad != nil {
			return r.bad
		}
	}
	return nil
}

var errPage = fmt.Errorf("store: a value holds %q or %q, or is NULL", fieldMark, rowMark)
