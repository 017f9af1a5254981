package store

import (
	"context"
	"fmt"
	"math"
	"strings"
)

// SQLite without statistics takes ten rows for what one value of an index's first
// column selects. Ours is custody_id, which in a file of one head office selects
// everything: it then reads a table from end to end rather than use the index
// that was made for the query, and a night costs more with every closed day. So
// each index is given figures of our own, the same in every file, and with them
// every statement has the same plan on every machine.

// supposedRows is how many rows every table is taken to have, supposedOpen how
// many those of a partial index, which holds what is open.
const (
	supposedRows = 1_000_000
	supposedOpen = 1_000
)

// supposed returns the statistics of an index in the form of sqlite_stat1: its
// rows, then how many of them the first column selects, the first two, and so on.
// The first, custody_id, selects all; each further one as much less as the others.
func supposed(columns int, unique, partial bool) string {
	rows := float64(supposedRows)
	if partial {
		rows = supposedOpen
	}
	figures := []string{fmt.Sprintf("%.0f", rows)}
	steps := float64(columns - 1)
	if !unique {
		steps++
	}
	for n := range columns {
		selected := rows
		if n > 0 {
			selected = math.Ceil(math.Pow(rows, (steps-float64(n))/steps))
		}
		if columns == 1 && unique {
			selected = 1
		}
		figures = append(figures, fmt.Sprintf("%.0f", selected))
	}
	// Looking up every value of a first column in turn reads all history too.
	return strings.Join(append(figures, "noskipscan"), " ")
}

// index is one index of a table as the catalogue of SQLite has it.
type index struct {
	Table   string `db:"tbl"`
	Name    string `db:"idx"`
	Unique  bool   `db:"is_unique"`
	Partial bool   `db:"is_partial"`
	Columns int    `db:"columns"`
}

// indexesQuery lists all indexes. The key of a table without rowid is known to
// the planner by the table's name.
const indexesQuery = `SELECT t.name AS tbl, CASE WHEN i.origin = 'pk' AND t.wr = 1 THEN t.name ELSE i.name END AS idx, i."unique" AS is_unique,
	i.partial AS is_partial, (SELECT COUNT(*) FROM pragma_index_info(i.name) WHERE cid >= 0) AS columns
	FROM pragma_table_list t JOIN pragma_index_list(t.name) i WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'goose%' ORDER BY 1, 2`

// suppose gives every index its statistics, unless all have them. A connection
// that is opened after it reads them with the catalogue.
func (db *DB) suppose(ctx context.Context) error {
	var indexes []index
	if err := db.write.SelectContext(ctx, &indexes, indexesQuery); err != nil {
		return err
	}
	var made, known int
	if err := db.write.GetContext(ctx, &made, "SELECT COUNT(*) FROM main.sqlite_schema WHERE name = 'sqlite_stat1'"); err != nil {
		return err
	}
	if made == 1 {
		if err := db.write.GetContext(ctx, &known, "SELECT COUNT(*) FROM main.sqlite_stat1"); err != nil || known == len(indexes) {
			return err
		}
	} else if _, err := db.write.ExecContext(ctx, "ANALYZE main.sqlite_schema"); err != nil { // makes the table of statistics
		return err
	}
	tx, err := db.write.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it reports ErrTxDone
	if _, err := tx.ExecContext(ctx, "DELETE FROM sqlite_stat1"); err != nil {
		return err
	}
	for _, i := range indexes {
		_, err := tx.ExecContext(ctx, "INSERT INTO main.sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", i.Table, i.Name, supposed(i.Columns, i.Unique, i.Partial))
		if err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	_, err = db.write.ExecContext(ctx, "ANALYZE main.sqlite_schema") // reads them
	return err
}
