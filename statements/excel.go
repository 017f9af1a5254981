package statements

import (
	"strconv"

	"github.com/xuri/excelize/v2"

	"custody/internal/money"
)

// excelize takes measures and numbers as floats. All of them are made here;
// nothing is ever computed with them.

// rowHeight is the usual height of a row in points.
const rowHeight = 18.0

// setWidth sets the width of a column in characters.
func setWidth(w *excelize.StreamWriter, column, characters int) error {
	return w.SetColWidth(column, column, float64(characters))
}

// rowHeightOf is a row's height in points.
func rowHeightOf(points int) excelize.RowOpts { return excelize.RowOpts{Height: float64(points)} }

// margins are in inches; the centre line is that of the printed table.
func margins() *excelize.PageLayoutMarginsOptions {
	side, edge, foot, centred := 0.5, 0.6, 0.3, true
	return &excelize.PageLayoutMarginsOptions{Left: &side, Right: &side, Top: &edge, Bottom: &edge, Header: &foot, Footer: &foot, Horizontally: &centred}
}

// maxCellFen is the largest amount of 15 digits: a spreadsheet keeps no more.
const maxCellFen = 999_999_999_999_999

// number is an amount as a cell's value. The writer prints a number in its
// shortest form, and up to 15 digits that form is the decimal text it was read
// from, so the file holds exactly the amount. Longer amounts stand as text.
func number(a money.Amount) any {
	if a > maxCellFen || a < -maxCellFen {
		return a.Grouped()
	}
	value, err := strconv.ParseFloat(a.String(), 64)
	if err != nil {
		return a.Grouped()
	}
	return value
}
