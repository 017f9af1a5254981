package statements

import (
	"context"
	"path/filepath"

	"custody/clearing"
	"custody/internal/store"
)

// sourceKey is a line of a source file.
type sourceKey struct {
	sha  string
	line int
}

// writeSources writes the lines of source files (来源明细) that items of the bank
// reconciliation come from: the file's digest, under which its original lies in
// vault/, and the line in it. The items on other sheets lead here.
func (r *report) writeSources(context.Context, *store.Tx) error {
	s, err := r.open(form{code: "sources", frozen: 3, widths: []int{24, 9, 34, 68, 13, 40, 18}})
	if err != nil {
		return err
	}
	r.sources, r.sourceRows = s, map[sourceKey]int{}
	s.heading(r.text("title.sources"), r.below)
	s.head("subject", "file_line", "file", "sha256", "date", "text", "amount")
	t := r.in.TieOut
	for _, list := range [][]clearing.TieItem{t.ReceivedNotByBank, t.PaidNotByBank, t.BankReceivedOnly, t.BankPaidOnly} {
		for _, i := range list {
			key := sourceKey{i.SHA256, i.Line}
			if _, there := r.sourceRows[key]; there || i.SHA256 == "" {
				continue
			}
			r.sourceRows[key] = s.add(s.str(i.Subject), s.lineNumber(i.Line), s.cell(lookWrap, filepath.Base(orEmpty(i.File))), s.cell(lookHash, i.SHA256),
				s.day(i.Date), s.cell(lookWrap, r.itemText(i.Text)), s.amount(i.Amount))
		}
	}
	if len(r.sourceRows) == 0 {
		s.none()
	}
	return s.close()
}

// linked is the look of an item's subject: a link where its source is known.
func (r *report) linked(i clearing.TieItem) look {
	if _, ok := r.sourceRows[sourceKey{i.SHA256, i.Line}]; ok {
		return lookLink
	}
	return lookWrap
}

// toSource makes a cell lead to the item's line of its source file.
func (r *report) toSource(s *sheet, column, row int, i clearing.TieItem) {
	if target, ok := r.sourceRows[sourceKey{i.SHA256, i.Line}]; ok {
		s.link(column, row, r.sources.name, target)
	}
}
