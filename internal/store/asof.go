package store

// As of a date in the past is open what is not over or was over later. Few rows
// are either, but a planner takes all that lies behind a date for a quarter of the
// table, and reads it from end to end. A second bound, which no date reaches,
// makes it go by the index.
const endOfTime = "99991231"

// OpenAt is the condition that what a column dates was not over at the cut of a
// date, which is its one argument: the column is NULL or lies behind it.
func OpenAt(column string) string { return "(" + column + " IS NULL OR " + Behind(column) + ")" }

// Behind is the condition that a column lies behind the date that is its one argument.
func Behind(column string) string {
	return "(" + column + " > ? AND " + column + " <= " + endOfTime + ")"
}
