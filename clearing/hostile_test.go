package clearing_test

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"custody/bankfiles"
	"custody/bankfiles/alipay"
	"custody/bankfiles/camt"
	"custody/bankfiles/orderfile"
	"custody/bankfiles/payfile"
	"custody/bankfiles/wechat"
	"custody/clearing"
	"custody/clearing/exceptions"
	"custody/clearing/payout"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// scene is a home with its own story: what it says of the bank chains by
// itself, and after every run the invariants of the books are looked at.
type scene struct {
	*workedBooks
	balance money.Exact // of the bank at the last statement's close
	closed  bizdate.Date
}

func newScene(t *testing.T, changes ...string) *scene {
	t.Helper()
	return &scene{workedBooks: newBooksWith(t, strings.NewReplacer(changes...).Replace(workedConfig)), balance: money.FromFen(0)}
}

// play runs a day and proves what must hold after every run, whatever came.
func (s *scene) play(date string, code int) *clearing.DayView { return s.playUntil(date, "", code) }

func (s *scene) playUntil(date, until string, code int) *clearing.DayView {
	s.t.Helper()
	view := s.runUntil(date, until, code)
	s.invariants()
	return view
}

// over plays the night of a date whose own hours have passed.
func (s *scene) over(date string, code int) *clearing.DayView {
	s.t.Helper()
	view, err := s.engine.Run(s.ctx, clearing.RunRequest{Date: day(date), Actor: "maker1", Now: day(date).At(34, 30)})
	if fault.ExitCode(err) != code {
		s.t.Fatalf("run %s: exit code %d, want %d: %v", date, fault.ExitCode(err), code, err)
	}
	s.invariants()
	return view
}

// invariants: every voucher sums to zero, claims in cash are covered (R9), the
// whole ledger re-derives.
func (b *workedBooks) invariants() {
	b.t.Helper()
	b.read(func(tx *store.Tx) error {
		var bad int
		if err := tx.Get(b.ctx, &bad, `SELECT COUNT(*) FROM (SELECT voucher_id FROM entries GROUP BY voucher_id HAVING SUM(amount_fen) <> 0) AS unbalanced`); err != nil {
			return err
		}
		if bad != 0 {
			b.t.Errorf("%d vouchers do not balance", bad)
		}
		var claims, bank money.Amount
		list, err := b.engine.Book.Balances(b.ctx, tx, subaccounts.Filter{})
		for _, a := range list {
			switch a.Code {
			case "1001":
				bank += a.Balance
			case "2001", "2003", "2201", "2203", "2301", "2303", "2304", "2305", "2306", "2401", "2601":
				claims -= a.Balance
			}
		}
		if claims > bank {
			b.t.Errorf("R9: claims %s above the bank's %s", claims, bank)
		}
		return err
	})
	report, err := b.engine.Verify(b.ctx, nil)
	if err != nil || !report.OK {
		b.t.Errorf("verify: %v %+v", err, report)
	}
}

// bank drops the statement of a date with these lines.
func (s *scene) bank(date string, list ...bankLine) {
	s.t.Helper()
	opening := s.balance
	entries := entriesOf(list)
	for _, e := range entries {
		s.balance, _ = s.balance.Add(e.Amount)
	}
	s.closed = day(date)
	s.dropStatement("statement-"+day(date).Compact()+".xml", date, opening, s.balance, entries)
}

func entriesOf(list []bankLine) []bankfiles.StatementEntry {
	var entries []bankfiles.StatementEntry
	for _, l := range list {
		entries = append(entries, l.entry())
	}
	return entries
}

func (b *workedBooks) dropStatement(name, date string, opening, closing money.Exact, entries []bankfiles.StatementEntry) {
	b.t.Helper()
	head := statementHead(day(date), "STMT")
	head.Opening, head.Closing = &opening, &closing
	b.drop(name, func(w io.Writer) error {
		return camt.Write(w, camt.Document{Kind: bankfiles.EndOfDay, MessageID: "M" + day(date).Compact(), Created: day(date).At(24, 30),
			Statements: []camt.Content{{Head: head, Entries: entries}}})
	})
}

// report drops the intraday report of a date.
func (b *workedBooks) report(date string, list ...bankLine) {
	b.drop("intraday-"+day(date).Compact()+".xml", func(w io.Writer) error {
		return camt.Write(w, camt.Document{Kind: bankfiles.Intraday, MessageID: "I" + day(date).Compact(), Created: day(date).At(11, 0),
			Statements: []camt.Content{{Head: statementHead(day(date), "RPT"), Entries: entriesOf(list)}}})
	})
}

func (b *workedBooks) dropOrders(date string, rows ...bankfiles.Order) {
	b.drop("orders-"+day(date).Compact()+".csv", func(w io.Writer) error {
		return orderfile.Write(w, day(date), slices.Values(rows))
	})
}

func writeBill(channel string, date bizdate.Date, rows []bankfiles.BillRow) func(io.Writer) error {
	return func(w io.Writer) error {
		switch {
		case len(rows) == 0 && channel == "WX":
			return wechat.WriteNoBill(w)
		case len(rows) == 0:
			return alipay.WriteNoBill(w)
		case channel == "WX":
			return wechat.Write(w, wechat.Head{AppID: "wx0000000000000000", Merchant: "1900000109", Rate: "0.60%", Product: "门店消费"}, slices.Values(rows))
		}
		return alipay.Write(w, alipay.Head{Account: "20880000000000010156", Date: date, Exported: date.AddDays(1).At(9, 0), Product: "门店消费"}, slices.Values(rows))
	}
}

func (b *workedBooks) bill(channel, date string, rows ...bankfiles.BillRow) {
	b.drop("bill-"+channel+"-"+day(date).Compact()+".csv", writeBill(channel, day(date), rows))
}

// answer drops the result file of a batch: S for every payout that status does
// not name by its serial.
func (b *workedBooks) answer(batch string, status map[string]bankfiles.ResultStatus) {
	b.t.Helper()
	list, err := b.engine.Payouts(b.ctx, batch)
	if err != nil {
		b.t.Fatal(err)
	}
	batches, err := b.engine.Batches(b.ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	f := &bankfiles.ResultFile{BatchNo: batch}
	for _, x := range batches {
		if x.BatchNo == batch {
			f.Date = x.FileDate
		}
	}
	for _, p := range list {
		it := bankfiles.ResultItem{Seq: p.Seq, Serial: p.Serial, Amount: p.Amount, Status: "S", Code: "0000", BankTime: f.Date.At(14, 0)}
		if st, ok := status[p.Serial]; ok {
			it.Status, it.Code, it.Reason = st, "1005", "收款行日限额"
			if st == "U" {
				it.Code, it.Reason = "9999", "处理中"
			}
		}
		f.Items = append(f.Items, it)
	}
	b.drop("result-"+batch+".txt", func(w io.Writer) error { return payfile.WriteResult(w, f) })
}

// debits are the bank's lines of a batch, booked on a date.
func (b *workedBooks) debits(batch, booked string, without ...string) []bankLine {
	b.t.Helper()
	list, err := b.engine.Payouts(b.ctx, batch)
	if err != nil {
		b.t.Fatal(err)
	}
	var out []bankLine
	for _, p := range list {
		if !slices.Contains(without, p.Serial) {
			out = append(out, debit(p, "D"+p.Serial, booked))
		}
	}
	return out
}

func debit(p payout.Payout, ref, booked string) bankLine {
	return bankLine{ref, booked, (-p.Amount).String(), p.AccountName, p.AccountNo, p.Serial, "结算款"}
}

func (b *workedBooks) payout(serial string) payout.Payout {
	b.t.Helper()
	var p payout.Payout
	b.read(func(tx *store.Tx) (err error) {
		var found bool
		p, found, err = payout.BySerial(b.ctx, tx, b.engine.Book.ID(), serial)
		if !found {
			b.t.Fatalf("no payout %s", serial)
		}
		return err
	})
	return p
}

// live is what accounts stand at now: 2001.A, 2201, 1402; positive on their own side.
func (b *workedBooks) live(key string) string {
	b.t.Helper()
	var sum money.Amount
	b.read(func(tx *store.Tx) error {
		items, err := b.engine.Book.Items(b.ctx, tx, subaccounts.Filter{})
		if err != nil {
			return err
		}
		for _, it := range items {
			if k := it.Key.String(); strings.ReplaceAll(k, "2026", "") == key || k == key {
				sum += it.Balance
			}
		}
		if sum != 0 {
			return nil
		}
		list, err := b.engine.Book.Balances(b.ctx, tx, subaccounts.Filter{})
		for _, a := range list {
			if k := (subaccounts.Key{Code: a.Code, Owner: a.Owner}).String(); k == key || a.Code == key {
				sum += a.Balance
			}
		}
		return err
	})
	if key[0] == '2' {
		sum = -sum
	}
	return sum.String()
}

func (b *workedBooks) want(what map[string]string) {
	b.t.Helper()
	for _, key := range slices.Sorted(maps.Keys(what)) {
		if got := b.live(key); got != what[key] {
			b.t.Errorf("%s: got %s, want %s", key, got, what[key])
		}
	}
}

// posted lists the vouchers of a day as event: legs, without the ones of other events.
func (b *workedBooks) posted(date string, events ...string) []string {
	b.t.Helper()
	var out []string
	b.read(func(tx *store.Tx) error {
		return b.engine.Book.Vouchers(b.ctx, tx, day(date), func(v *subaccounts.Voucher) error {
			if len(events) > 0 && !slices.Contains(events, v.Event) {
				return nil
			}
			var legs []string
			for _, e := range v.Entries {
				side, amount := "Dr", e.Amount
				if amount < 0 {
					side, amount = "Cr", -amount
				}
				legs = append(legs, side+" "+shown(e.Key)+" "+amount.String())
			}
			slices.Sort(legs)
			out = append(out, v.Event+" "+strings.Join(legs, "; "))
			return nil
		})
	})
	return out
}

// open lists the exceptions that are open: kind, subject, state.
func (b *workedBooks) open() []string {
	b.t.Helper()
	list, err := b.engine.Exceptions(b.ctx, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	var out []string
	for _, e := range list {
		if e.ClosedDate == nil && e.Subject != "W4" { // W4 waits in the pool of every story that begins with 02-12
			out = append(out, fmt.Sprintf("%s %s %s", e.Kind, e.Subject, e.State))
		}
	}
	slices.Sort(out)
	return out
}

func (b *workedBooks) wantOpen(want ...string) {
	b.t.Helper()
	slices.Sort(want)
	if got := b.open(); !slices.Equal(got, want) {
		b.t.Errorf("open exceptions:\n got %q\nwant %q", got, want)
	}
}

func (b *workedBooks) exception(kind exceptions.Kind, subject string) exceptions.Exception {
	b.t.Helper()
	list, err := b.engine.Exceptions(b.ctx, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, e := range list {
		if e.Kind == kind && e.Subject == subject {
			return e
		}
	}
	b.t.Fatalf("no exception %s %s in %v", kind, subject, b.open())
	return exceptions.Exception{}
}

func wantList(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %s\nwant %s", what, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

func wantWaits(t *testing.T, view *clearing.DayView, want ...string) {
	t.Helper()
	if !slices.Equal(view.WaitsFor, want) {
		t.Errorf("waits for %q, want %q", view.WaitsFor, want)
	}
}

// exec changes the books behind the back of the program.
func (b *workedBooks) exec(query string, args ...any) {
	b.t.Helper()
	err := b.engine.DB.Tx(b.ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(b.ctx, query, args...)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// tieHolds checks that the tie-out of a date explains everything and lists what
// the bank alone has paid.
func tieHolds(s *scene, date, bankPaidOnly string) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		tie, err := s.engine.TieOut(s.ctx, tx, day(date))
		if err != nil {
			return err
		}
		var sum money.Amount
		for _, it := range tie.BankPaidOnly {
			sum += it.Amount
		}
		if tie.Unexplained != 0 || tie.Difference != 0 || sum.String() != bankPaidOnly {
			s.t.Errorf("tie-out: unexplained %s, difference %s, paid by the bank only %s", tie.Unexplained, tie.Difference, sum)
		}
		return nil
	}
}
