package store

import "reflect"

// Asked is a statement that a handle ran, with our placeholders, and the rows
// that came back; Rows is 0 for one that only wrote.
type Asked struct {
	Query string
	Args  []any
	Rows  int
}

// Watch tells fn of every statement that the handle runs from now on, but for
// rows written in bulk; nil ends it. Tests look at the plans of a night with it.
// fn may be called from two goroutines at once. Not while others use the handle.
func (db *DB) Watch(fn func(Asked)) { db.watch = fn }

// asked counts a statement and tells who watches.
func (tx *Tx) asked(query string, args []any, rows int) {
	tx.db.counters.statements.Add(1)
	if tx.db.watch != nil {
		tx.db.watch(Asked{query, args, rows})
	}
}

// length is how many rows Select has put into dest, a pointer to a slice.
func length(dest any) int {
	if v := reflect.Indirect(reflect.ValueOf(dest)); v.Kind() == reflect.Slice {
		return v.Len()
	}
	return 1
}
