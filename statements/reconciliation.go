package statements

import (
	"context"
	"path/filepath"
	"strconv"

	"custody/clearing"
	"custody/internal/bizdate"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// transitRows says where the sheet of items in transit lists what.
type transitRows struct{ received, paid, bankReceived, bankPaid, channels, shortages rows }

// Column of amounts on the sheet of items in transit.
const transitAmount = 7

// writeTransit writes the items in transit (未达账项): what only one side of the
// tie-out has, and what lines (10) and (11) consist of.
func (r *report) writeTransit(ctx context.Context, tx *store.Tx) error {
	s, err := r.open(form{code: "transit", frozen: 3, widths: []int{10, 30, 13, 34, 32, 9, 18}})
	if err != nil {
		return err
	}
	r.transit = s
	t := r.in.TieOut
	s.heading(r.text("title.transit"), r.below)
	s.head("line", "subject", "date", "text", "file", "file_line", "amount")
	r.transitRows.received = r.transitBlock(s, "line.2", t.ReceivedNotByBank)
	r.transitRows.paid = r.transitBlock(s, "line.3", t.PaidNotByBank)
	r.transitRows.bankReceived = r.transitBlock(s, "line.6", t.BankReceivedOnly)
	r.transitRows.bankPaid = r.transitBlock(s, "line.7", t.BankPaidOnly)
	if r.transitRows.channels, err = r.openItemBlock(ctx, tx, s, "line.10", "1122"); err != nil {
		return err
	}
	if r.transitRows.shortages, err = r.openItemBlock(ctx, tx, s, "line.11", "1402"); err != nil {
		return err
	}
	return s.close()
}

// transitBlock lists the items of one line of the tie-out and their sum.
func (r *report) transitBlock(s *sheet, line string, items []clearing.TieItem) rows {
	s.section(line)
	x := rows{first: s.row + 1}
	for _, i := range items {
		row := s.add(s.cell(lookCentre, r.text(line+".no")), s.cell(r.linked(i), i.Subject), s.day(i.Date), s.cell(lookWrap, r.itemText(i.Text)),
			s.cell(lookWrap, filepath.Base(orEmpty(i.File))), s.lineNumber(i.Line), s.amount(i.Amount))
		r.toSource(s, 2, row, i)
	}
	return s.endBlock(x, len(items), total(items))
}

// itemText writes an item's text with the member's name where it is a member's code.
func (r *report) itemText(text string) string {
	if name, ok := r.members[text]; ok {
		return text + " " + name
	}
	return r.named("event", text)
}

// openItemBlock lists the open items of a code at the cut and their sum.
func (r *report) openItemBlock(ctx context.Context, tx *store.Tx, s *sheet, line, code string) (rows, error) {
	items, err := readItems(ctx, tx, r.in.Custody, code, r.in.Date)
	if err != nil {
		return rows{}, err
	}
	s.section(line)
	x := rows{first: s.row + 1}
	var sum money.Amount
	for _, i := range items {
		s.plus(&sum, i.Balance)
		// The item of a channel's account is a clearing date, that of a shortage an order.
		clearing, err := bizdate.Parse(i.Item)
		if err != nil {
			clearing = 0
		}
		s.add(s.cell(lookCentre, r.text(line+".no")), s.str(subaccounts.Key{Code: code, Owner: i.Owner, Item: i.Item}.String()), s.day(clearing),
			s.str(r.channelName(i.Owner)), s.str(""), s.str(""), s.amount(i.Balance))
	}
	return s.endBlock(x, len(items), sum), nil
}

func (s *sheet) endBlock(x rows, n int, value money.Amount) rows {
	if n == 0 {
		s.none()
	}
	x.last = s.row
	s.total("subtotal", map[int]any{transitAmount: s.formula(lookTotal, value, "%s", sum(transitAmount, x.first, x.last))})
	return x
}

// section is a heading within a sheet.
func (s *sheet) section(code string) int {
	row := s.tall(20, s.span(lookSection, s.text(code))...)
	s.merge(row, 1, s.width)
	return row
}

func orEmpty(file string) string {
	if file == "" {
		return " "
	}
	return file
}

func (s *sheet) lineNumber(n int) any {
	if n == 0 {
		return s.str("")
	}
	return s.count(n)
}

// Column of amounts on the bank reconciliation.
const reconciliationAmount = 6

// writeReconciliation writes the bank reconciliation (银行存款余额调节表), lines (1)
// to (11), as the form that is signed.
func (r *report) writeReconciliation(context.Context, *store.Tx) error {
	s, err := r.open(form{code: "reconciliation", widths: []int{8, 42, 13, 36, 34, 20}})
	if err != nil {
		return err
	}
	t := r.in.TieOut
	s.heading(r.text("title.reconciliation"), r.below)
	s.head("line", "line_name", "date", "text", "source", "amount")
	one := s.figure("line.1", s.bankClosing(r))
	two := r.listed(s, "line.2", t.ReceivedNotByBank, r.transitRows.received)
	three := r.listed(s, "line.3", t.PaidNotByBank, r.transitRows.paid)
	four := s.figure("line.4", s.formula(lookTotal, t.AdjustedBank, "%s+%s-%s", one, two, three))
	five := s.figure("line.5", s.fromLedger(r, t.Book, "1001"))
	six := r.listed(s, "line.6", t.BankReceivedOnly, r.transitRows.bankReceived)
	seven := r.listed(s, "line.7", t.BankPaidOnly, r.transitRows.bankPaid)
	eight := s.figure("line.8", s.formula(lookTotal, t.AdjustedBook, "%s+%s-%s", five, six, seven))
	s.figure("line.rest", s.formula(lookGrand, t.AdjustedBank-t.AdjustedBook, "%s-%s", four, eight))
	s.verdict(t.AdjustedBank == t.AdjustedBook)
	s.skip(1)
	s.section("title.coverage")
	nine := s.figure("line.9", s.formula(lookAmount, t.SubAccounts, "%s", r.liabilityCells()))
	ten := s.figure("line.10", s.fromLedger(r, t.InTransit, "1122"))
	eleven := s.figure("line.11", s.fromLedger(r, t.Shortages, "1402"))
	covered := s.figure("line.12", s.formula(lookTotal, t.SubAccounts-t.InTransit-t.Shortages, "%s-%s-%s", nine, ten, eleven))
	s.figure("line.difference", s.formula(lookGrand, t.SubAccounts-t.InTransit-t.Shortages-t.Book, "%s-%s", covered, five))
	s.verdict(t.SubAccounts-t.InTransit-t.Shortages == t.Book)
	s.signatures()
	return s.close()
}

// bankClosing is the amount of line (1): the end of the sheet of bank lines,
// where the statement of the date is loaded.
func (s *sheet) bankClosing(r *report) any {
	if r.bankEnd == "" {
		return s.amount(r.in.TieOut.BankClosing)
	}
	return s.formula(lookAmount, r.in.TieOut.BankClosing, "%s", r.bankEnd)
}

// fromLedger is the closing balance of a code on the sheet of the general ledger.
func (s *sheet) fromLedger(r *report, value money.Amount, code string) any {
	row, ok := r.ledgerRow[code]
	if !ok {
		return s.amount(value)
	}
	return s.formula(lookAmount, value, "%s", r.ledger.ref(ledgerClosing, row))
}

// liabilityCells adds up all sub-accounts on the sheet of the general ledger.
func (r *report) liabilityCells() string {
	var cells []string
	for _, t := range r.totals {
		if t.Code >= "2" {
			cells = append(cells, r.ledger.ref(ledgerClosing, r.ledgerRow[t.Code]))
		}
	}
	return plus(cells)
}

// figure writes a numbered line and returns the cell of its amount.
func (s *sheet) figure(line string, amount any) string {
	look := lookStrong
	switch line {
	case "line.4", "line.8", "line.12", "line.rest", "line.difference":
		look = lookTotalText
	}
	row := s.tall(23, s.cell(lookCentre, s.text(line+".no")), s.cell(look, s.text(line)), s.cell(look, ""), s.cell(look, ""), s.cell(look, ""), amount)
	s.merge(row, 2, reconciliationAmount-1)
	return at(reconciliationAmount, row)
}

// listed writes a line whose amount is the sum of items listed below it, each
// leading to its row on the sheet of items in transit.
func (r *report) listed(s *sheet, line string, items []clearing.TieItem, x rows) string {
	first := s.row + 2
	text := r.transit.ref(transitAmount, x.last+1) // the subtotal below "none"
	if len(items) > 0 {
		text = sum(reconciliationAmount, first, first+len(items)-1)
	}
	cell := s.figure(line, s.formula(lookAmount, total(items), "%s", text))
	for n, i := range items {
		source := filepath.Base(orEmpty(i.File))
		if i.Line > 0 {
			source += ":" + strconv.Itoa(i.Line)
		}
		row := s.add(s.cell(lookCentre, ""), s.cell(lookLink, i.Subject), s.day(i.Date), s.cell(lookWrap, r.itemText(i.Text)), s.cell(r.linked(i), source),
			s.formula(lookAmount, i.Amount, "%s", r.transit.ref(transitAmount, x.first+n)))
		s.link(2, row, r.transit.name, x.first+n)
		r.toSource(s, 5, row, i)
	}
	return cell
}

// verdict says in words whether the lines above agree.
func (s *sheet) verdict(holds bool) {
	look, code := lookGood, "verdict.holds"
	if !holds {
		look, code = lookBad, "verdict.fails"
	}
	row := s.tall(20, s.span(look, s.text(code))...)
	s.merge(row, 1, s.width)
}

// signatures leaves lines for preparer, reviewer and date; never a stamp.
func (s *sheet) signatures() {
	s.skip(1)
	row := s.tall(30, s.span(lookSign, s.text("sign"))...)
	s.merge(row, 1, s.width)
}
