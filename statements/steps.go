package statements

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"custody/clearing"
	"custody/internal/atomicfile"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/lang"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// Prover draws up the proofs of a date; the clearing engine is one.
type Prover interface {
	TieOut(ctx context.Context, tx *store.Tx, date bizdate.Date) (*clearing.TieOut, error)
	CheckViews(ctx context.Context, tx *store.Tx, date bizdate.Date) ([]clearing.CheckView, error)
}

var _ Prover = (*clearing.Engine)(nil)

// Steps returns the reporting steps of the night phase (日结报表).
func Steps() []clearing.Step {
	return []clearing.Step{{Name: "reports", Phase: clearing.NightPhase,
		Run: func(ctx context.Context, w *clearing.Work) (clearing.Counts, error) { return Reports(ctx, w, w.Engine) }}}
}

// Reports writes the reports of a date to reports/<date> in the home: the
// reconciliation workbook, members' balances (会员余额), differences (差错日报) and
// the general ledger (科目日报). Reports written before are replaced.
func Reports(ctx context.Context, w *clearing.Work, prover Prover) (clearing.Counts, error) {
	dir := filepath.Join(w.Home, "reports", w.Date.String())
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return clearing.Counts{}, fault.Broken("document.folder", dir).Because(err)
	}
	var done clearing.Counts
	err := w.DB.Read(ctx, func(tx *store.Tx) error {
		done = clearing.Counts{}
		in, err := inputOf(ctx, tx, w, prover)
		if err != nil {
			return err
		}
		for _, f := range []struct {
			name  string
			write func(io.Writer) error
		}{
			{"reconciliation", func(out io.Writer) error { return Workbook(ctx, tx, in, out) }},
			{"members", func(out io.Writer) error { return memberBalances(ctx, tx, in, out) }},
			{"exceptions", func(out io.Writer) error { return exceptionList(ctx, tx, in, out) }},
			{"ledger", func(out io.Writer) error { return ledgerList(ctx, tx, in, out) }},
		} {
			suffix := ".csv"
			if f.name == "reconciliation" {
				suffix = ".xlsx"
			}
			done.In++
			if err := atomicfile.Write(filepath.Join(dir, f.name+"-"+w.Date.Compact()+suffix), 0o640, f.write); err != nil {
				return err
			}
			done.Done++
		}
		return nil
	})
	return done, err
}

// inputOf gathers what the workbook of a day says of the day itself.
func inputOf(ctx context.Context, tx *store.Tx, w *clearing.Work, prover Prover) (WorkbookInput, error) {
	in := WorkbookInput{Custody: w.Book.ID(), Config: w.Config, Date: w.Date, Lang: lang.ZH}
	var day struct {
		State string `db:"state"`
		Hash  string `db:"result_hash"`
	}
	_, err := tx.Find(ctx, &day, "SELECT state, result_hash FROM days WHERE custody_id = ? AND accounting_date = ?", in.Custody, in.Date)
	if err != nil {
		return in, err
	}
	in.State, in.ResultHash = day.State, day.Hash
	if in.TieOut, err = prover.TieOut(ctx, tx, w.Date); err != nil {
		return in, err
	}
	in.Checks, err = prover.CheckViews(ctx, tx, w.Date)
	return in, err
}

// headings is a header row of a CSV file.
func headings(l lang.Lang, codes ...string) []any {
	out := make([]any, len(codes))
	for i, c := range codes {
		out[i] = lang.Text(l, "doc.col."+c)
	}
	return out
}

// memberBalances writes the balances of all members at the cut (会员余额).
func memberBalances(ctx context.Context, tx *store.Tx, in WorkbookInput, out io.Writer) error {
	var members []struct {
		Code   string `db:"code"`
		Name   string `db:"name"`
		Kind   string `db:"kind"`
		Status string `db:"status"`
	}
	if err := tx.Select(ctx, &members, "SELECT code, name, kind, status FROM members WHERE custody_id = ? ORDER BY code", in.Custody); err != nil {
		return err
	}
	positions, err := readPositions(ctx, tx, in.Custody, in.Date)
	if err != nil {
		return err
	}
	balances := map[subaccounts.Key]money.Amount{}
	for _, p := range positions {
		balances[subaccounts.Key{Code: p.Code, Owner: p.Owner}] = p.shown(p.closing())
	}
	t := newTable(out)
	t.row(headings(in.Lang, "member", "member_name", "member_kind", "member_status", "balance", "available", "withdrawable", "pending", "frozen", "paying", "returned_money")...)
	for _, m := range members {
		of := func(code string) money.Amount { return balances[subaccounts.Key{Code: code, Owner: m.Code}] }
		t.row(m.Code, m.Name, named(in.Lang, "member_kind", m.Kind), named(in.Lang, "member_status", m.Status),
			of("2001")+of("2002")+of("2003"), of("2001")+of("2002"), of("2001"), of("2002"), of("2003"), of("2201"), of("2203"))
	}
	return t.close()
}

// exceptionList writes the differences that were open on the date (差错日报).
func exceptionList(ctx context.Context, tx *store.Tx, in WorkbookInput, out io.Writer) error {
	list, err := readExceptions(ctx, tx, in.Custody, in.Date)
	if err != nil {
		return err
	}
	t := newTable(out)
	t.row(headings(in.Lang, "exception", "kind", "subject", "state", "channel", "clearing_date", "member", "opened", "closed", "amount", "ours", "theirs", "person", "due", "age")...)
	for _, x := range list {
		t.row(x.ID, named(in.Lang, "kind", x.Kind), x.Subject, named(in.Lang, "exception_state", x.stateAt(in.Date)), x.Channel, x.Clearing, x.Member,
			x.Opened, until(x.Closed, in.Date), x.Amount, x.Ours, x.Theirs, x.Owner, x.Due, strconv.Itoa(x.Opened.DaysUntil(in.Date)))
	}
	return t.close()
}

// ledgerList writes the general ledger of the date (科目日报).
func ledgerList(ctx context.Context, tx *store.Tx, in WorkbookInput, out io.Writer) error {
	positions, err := readPositions(ctx, tx, in.Custody, in.Date)
	if err != nil {
		return err
	}
	totals, err := totalByCode(positions)
	if err != nil {
		return err
	}
	t := newTable(out)
	t.row(headings(in.Lang, "code", "account", "side", "opening", "debit", "credit", "closing")...)
	for _, x := range totals {
		p := position{Code: x.Code}
		side := "doc.side.debit"
		if p.side() == subaccounts.CreditSide {
			side = "doc.side.credit"
		}
		t.row(x.Code, accountName(in.Lang, x.Code), lang.Text(in.Lang, side), p.shown(x.Opening), x.Debit, x.Credit, p.shown(x.Closing))
	}
	return t.close()
}
