package store

import "sync/atomic"

// Counts is what a handle has asked of its database since it was opened. Counts
// do not depend on the machine: a test bounds them where it could not bound time.
type Counts struct {
	Statements  int64 // sent to the database, a bulk statement as one
	Rows        int64 // inserted, updated or deleted
	Commits     int64 // of writing transactions
	Checkpoints int64 // of the write-ahead log, asked for by us
}

type counters struct {
	statements, rows, commits, checkpoints atomic.Int64
}

// Counts returns what the handle has asked for so far.
func (db *DB) Counts() Counts {
	c := &db.counters
	return Counts{c.statements.Load(), c.rows.Load(), c.commits.Load(), c.checkpoints.Load()}
}

// Sub returns what was added since before.
func (c Counts) Sub(before Counts) Counts {
	return Counts{c.Statements - before.Statements, c.Rows - before.Rows, c.Commits - before.Commits, c.Checkpoints - before.Checkpoints}
}
