package statements

import (
	"context"
	"io"

	"custody/clearing"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/lang"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// WorkbookInput is what a reconciliation workbook is of.
type WorkbookInput struct {
	Custody    int64
	Config     *clearing.Config
	Date       bizdate.Date // accounting date (会计日)
	TieOut     *clearing.TieOut
	Checks     []clearing.CheckView
	Lang       lang.Lang
	State      string // of the day
	ResultHash string // empty until the day is closed
}

// report is a workbook with what its sheets share.
type report struct {
	*book
	in        WorkbookInput
	custody   custodyRow
	members   map[string]string
	positions []position
	totals    codeTotals
	below     string // the line under every title

	accounts, ledger, transit, checks, sources *sheet // written ones that others lead to
	accountRows                                map[string]rows
	ledgerRow                                  map[string]int
	transitRows                                transitRows
	sourceRows                                 map[sourceKey]int
	bankEnd                                    string // cell of the statement's closing balance; empty without a statement
}

// rows is a range of rows of a sheet.
type rows struct{ first, last int }

// Workbook writes the reconciliation of a date (对账工作簿): cover, bank
// reconciliation, items in transit, accounts, channels, matches, exceptions and
// payouts. It returns document.tieout or document.balance where the tie-out and
// the books do not agree, document.custody for an unknown custody account.
func Workbook(ctx context.Context, tx *store.Tx, in WorkbookInput, out io.Writer) error {
	if in.Lang == "" {
		in.Lang = lang.ZH
	}
	if in.TieOut == nil || in.Config == nil || in.TieOut.Date != in.Date {
		return fault.Invalid("document.input", in.Date)
	}
	r := &report{in: in}
	if err := r.read(ctx, tx); err != nil {
		return err
	}
	var err error
	if r.book, err = newBook(in.Lang, r.custody.Name); err != nil {
		return err
	}
	defer r.file.Close()
	r.below = r.text("below", r.custody.Name, masked(r.custody.Account), in.Date)
	for _, code := range []string{"cover", "reconciliation", "transit", "sources", "checks", "accounts", "ledger", "channels",
		"bank", "matched", "exceptions", "payouts"} {
		if err := r.tab(code); err != nil {
			return err
		}
	}
	// Sheets that others quote come first.
	for _, write := range []func(context.Context, *store.Tx) error{r.writeAccounts, r.writeLedger, r.writeSources, r.writeTransit,
		r.writeBank, r.writeReconciliation, r.writeChecks, r.writeCover, r.writeChannels, r.writeMatched,
		r.writeExceptions, r.writePayouts} {
		if err := write(ctx, tx); err != nil {
			return err
		}
	}
	return r.write(out, r.text("title.workbook"), r.custody.Name, in.Date)
}

func (r *report) read(ctx context.Context, tx *store.Tx) error {
	var err error
	if r.custody, err = readCustody(ctx, tx, r.in.Custody); err != nil {
		return err
	}
	if r.members, err = readMembers(ctx, tx, r.in.Custody); err != nil {
		return err
	}
	if r.positions, err = readPositions(ctx, tx, r.in.Custody, r.in.Date); err != nil {
		return err
	}
	if r.totals, err = totalByCode(r.positions); err != nil {
		return err
	}
	return r.agree()
}

// agree compares the tie-out, which the clearing day drew up, with the accounts
// that this document lists.
func (r *report) agree() error {
	t := r.in.TieOut
	lines := []struct {
		line        string
		tie, listed money.Amount
	}{
		{"(5)", t.Book, r.totals.closing("1001")},
		{"(9)", t.SubAccounts, r.totals.liabilities()},
		{"(10)", t.InTransit, r.totals.closing("1122")},
		{"(11)", t.Shortages, r.totals.closing("1402")},
	}
	for _, l := range lines {
		if l.tie != l.listed {
			return fault.Broken("document.tieout", l.line, l.tie.Grouped(), l.listed.Grouped())
		}
	}
	if err := adjusts("(4)", t.BankClosing, t.ReceivedNotByBank, t.PaidNotByBank, t.AdjustedBank); err != nil {
		return err
	}
	return adjusts("(8)", t.Book, t.BankReceivedOnly, t.BankPaidOnly, t.AdjustedBook)
}

// adjusts compares an adjusted balance with the items that are to lead to it.
func adjusts(line string, balance money.Amount, add, less []clearing.TieItem, adjusted money.Amount) error {
	want := balance
	var err error
	for _, i := range add {
		if want, err = want.Add(i.Amount); err != nil {
			return err
		}
	}
	for _, i := range less {
		if want, err = want.Sub(i.Amount); err != nil {
			return err
		}
	}
	if want != adjusted {
		return fault.Broken("document.tieout", line, adjusted.Grouped(), want.Grouped())
	}
	return nil
}

func total(items []clearing.TieItem) money.Amount {
	var sum money.Amount
	for _, i := range items {
		sum += i.Amount
	}
	return sum
}

// codeTotal is all accounts of one chart code, signed: debit positive.
type codeTotal struct {
	Code                            string
	Opening, Debit, Credit, Closing money.Amount
}

// codeTotals is the general ledger (总账), in the order of codes.
type codeTotals []codeTotal

// totalByCode adds up positions, which are sorted by code; overflow is an error.
func totalByCode(positions []position) (codeTotals, error) {
	var out codeTotals
	for _, p := range positions {
		if len(out) == 0 || out[len(out)-1].Code != p.Code {
			out = append(out, codeTotal{Code: p.Code})
		}
		t := &out[len(out)-1]
		for _, part := range []struct {
			to    *money.Amount
			value money.Amount
		}{{&t.Opening, p.Opening}, {&t.Debit, p.Debit}, {&t.Credit, p.Credit}, {&t.Closing, p.closing()}} {
			sum, err := part.to.Add(part.value)
			if err != nil {
				return nil, err
			}
			*part.to = sum
		}
	}
	return out, nil
}

// closing is the closing balance of a code on the account's own side.
func (c codeTotals) closing(code string) money.Amount {
	for _, t := range c {
		if t.Code == code {
			return position{Code: code}.shown(t.Closing)
		}
	}
	return 0
}

// liabilities is the sum of all sub-accounts (2xxx), credit positive.
func (c codeTotals) liabilities() money.Amount {
	var sum money.Amount
	for _, t := range c {
		if t.Code >= "2" && t.Code < "3" {
			sum -= t.Closing
		}
	}
	return sum
}

// accountName is the name of a chart code in the document's language.
func accountName(l lang.Lang, code string) string {
	def, ok := subaccounts.Chart(code)
	switch {
	case !ok:
		return code
	case l == lang.ZH:
		return def.ZH
	default:
		return def.EN
	}
}

// ownerName is the name of a member or channel, or the head office's.
func (r *report) ownerName(owner string) string {
	if name, ok := r.members[owner]; ok {
		return name
	}
	return r.channelName(owner)
}

func (r *report) channelName(code string) string {
	if ch, ok := r.in.Config.Channel(code); ok {
		return ch.Name
	}
	return ""
}
