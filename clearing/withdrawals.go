package clearing

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"

	"custody/clearing/corporate"
	"custody/clearing/identity"
	"custody/clearing/payout"
	"custody/clearing/people"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// Withdrawal is what a member asks for (提现申请). Amount is what the bank pays;
// the fee of custody.yaml is on top. From a person's Amount the tax is withheld.
type Withdrawal struct {
	Member    string
	Amount    money.Amount
	Reference string
	Purpose   string // empty: that of custody.yaml
}

// Withdraw applies a withdrawal: its money leaves the withdrawable balance at once
// (E5a), dated the day that is collecting, and the next batch takes it. The same
// reference again is a no-op. It needs no lease. What the limits, the state of the
// member or his bound account forbid is withdraw.*, identity.name or a fault of the ledger.
func (e *Engine) Withdraw(ctx context.Context, actor string, r Withdrawal) (o payout.Order, err error) {
	w := e.work(0, actor, nil)
	err = e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Make); err != nil {
			return err
		}
		o, err = w.withdraw(ctx, tx, r)
		return err
	})
	if err == nil && o.Withheld > 0 {
		err = e.writeInstructions(ctx)
	}
	return o, err
}

func (w *Work) withdraw(ctx context.Context, tx *store.Tx, r Withdrawal) (payout.Order, error) {
	id := w.Book.ID()
	old, found, err := payout.FindOrder(ctx, tx, id, payout.Withdrawal, r.Reference)
	switch {
	case err != nil:
		return old, err
	case found && (old.Owner != r.Member || old.Amount+old.Withheld != r.Amount):
		return old, fault.Invalid("payment.conflict", r.Reference, old.Owner, old.Amount).On("reference", r.Reference)
	case found:
		return old, nil
	}
	date, err := w.collectingDay(ctx, tx)
	if err != nil {
		return old, err
	}
	w.Date = date
	bound, err := w.payable(ctx, tx, r.Member)
	if err != nil {
		return old, err
	}
	if err := w.withinLimits(ctx, tx, r, bound); err != nil {
		return old, err
	}
	tax, version, err := w.withhold(ctx, tx, r.Member, r.Amount)
	if err != nil {
		return old, err
	}
	o := PaymentOrder{Kind: payout.Withdrawal, Owner: r.Member, Reference: r.Reference, Amount: r.Amount - tax, Withheld: tax, TaxVersion: version,
		Fee: w.Config.Payout.FeeFen(), Purpose: r.Purpose,
		Payee: Payee{Name: bound.AccountName, Account: bound.AccountNo, Bank: bound.BankName, CNAPS: bound.CNAPS}}
	if err := w.checkPayment(o); err != nil {
		return old, err
	}
	if _, err := r.Amount.Add(o.Fee); err != nil {
		return old, fault.Invalid("ledger.overflow").Because(err)
	}
	p := payout.Payout{Member: o.Owner, Request: o.Reference, Amount: o.Amount, Fee: o.Fee, Withheld: tax, TaxVersion: version}
	err = w.post(ctx, tx, subaccounts.Posting{Date: date, Event: eventApply, Reference: r.Reference, Source: "withdrawal " + r.Reference, Legs: setAside(p)})
	if err == nil {
		err = firstErr(w.orderPayment(ctx, tx, o), w.withheldNow(ctx, tx, p))
	}
	if err != nil {
		return old, err
	}
	old, _, err = payout.FindOrder(ctx, tx, id, payout.Withdrawal, r.Reference)
	return old, err
}

// payable returns the account that a member may be paid to now: he is NORMAL, it
// is VERIFIED, his by name, not new beyond the cooling-off, and no one else's.
func (w *Work) payable(ctx context.Context, tx *store.Tx, member string) (subaccounts.Binding, error) {
	m, found, err := w.Book.GetMember(ctx, tx, member)
	switch {
	case err != nil:
		return subaccounts.Binding{}, err
	case !found:
		return subaccounts.Binding{}, fault.Invalid("member.unknown", member).On("CODE", member)
	case m.Status != subaccounts.StatusNormal:
		return subaccounts.Binding{}, fault.Invalid("withdraw.member", member, m.Status).On("CODE", member)
	}
	bound, found, err := w.Book.CurrentBinding(ctx, tx, member)
	switch {
	case err != nil:
		return bound, err
	case !found || bound.Status != subaccounts.BindingVerified:
		return bound, fault.Invalid("withdraw.unverified", member).On("CODE", member)
	}
	owner, _, err := w.legalName(ctx, tx, m)
	if err != nil {
		return bound, err
	}
	if err := identity.SameName(owner, bound.AccountName); err != nil {
		return bound, err
	}
	return bound, w.cooledOff(ctx, tx, bound)
}

// legalName is the name that a bound account must carry: that of the member's
// identity, where it is known, else the member's own.
func (w *Work) legalName(ctx context.Context, tx *store.Tx, m subaccounts.Member) (name string, known bool, err error) {
	i, known, err := w.Book.GetIdentity(ctx, tx, m.Code)
	if known {
		return i.Name, true, err
	}
	return m.Name, false, err
}

// withinLimits holds a withdrawal to the limits of custody.yaml, those of the day
// counted over what the member applied for on the collecting date.
func (w *Work) withinLimits(ctx context.Context, tx *store.Tx, r Withdrawal, bound subaccounts.Binding) error {
	limits := w.Config.Payout.Withdrawals
	least, perItem, perDay := max(mustYuan(limits.Minimum), 1), mustYuan(limits.PerItem), mustYuan(limits.PerDay)
	switch {
	case slices.ContainsFunc(limits.Blacklist, func(s string) bool {
		return s == r.Member || corporate.Plain(s) == corporate.Plain(bound.AccountNo)
	}):
		return fault.Invalid("withdraw.blacklist", r.Member).On("CODE", r.Member)
	case r.Amount < least:
		return fault.Invalid("withdraw.least", least).On("amount", r.Amount.String())
	case perItem > 0 && r.Amount > perItem:
		return fault.Invalid("withdraw.item", perItem).On("amount", r.Amount.String())
	}
	today, err := payout.AppliedOn(ctx, tx, w.Book.ID(), payout.Withdrawal, r.Member, w.Date)
	if err != nil {
		return err
	}
	sum := r.Amount
	for _, o := range today {
		if sum, err = sum.Add(o.Amount + o.Withheld); err != nil {
			return fault.Invalid("ledger.overflow").Because(err)
		}
	}
	switch {
	case limits.DayCount > 0 && len(today) >= limits.DayCount:
		return fault.Invalid("withdraw.day-count", limits.DayCount, w.Date).On("CODE", r.Member)
	case perDay > 0 && sum > perDay:
		return fault.Invalid("withdraw.day-amount", perDay, w.Date, sum-r.Amount).On("amount", r.Amount.String())
	}
	return nil
}

// CancelWithdrawal takes a withdrawal back that no batch has taken: E5a is
// reversed in red, dated the day that is collecting. Later it is payment.batched.
func (e *Engine) CancelWithdrawal(ctx context.Context, actor, reference string) error {
	w := e.work(0, actor, nil)
	return e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Make); err != nil {
			return err
		}
		o, found, err := payout.FindOrder(ctx, tx, e.Book.ID(), payout.Withdrawal, reference)
		switch {
		case err != nil:
			return err
		case !found:
			return fault.Invalid("withdraw.unknown", reference).On("reference", reference)
		case o.State == payout.OrderCancelled:
			return nil
		case o.State != payout.OrderApplied:
			return fault.Invalid("payment.batched", reference).On("reference", reference)
		}
		date, err := w.collectingDay(ctx, tx)
		if err != nil {
			return err
		}
		return firstErr(w.takeBack(ctx, tx, payoutOf(o), date, "withdrawal "+reference),
			payout.CancelOrder(ctx, tx, e.Book.ID(), o.Kind, reference, date))
	})
}

// withdrawalColumns are those of a file of withdrawals; amounts are yuan.
var withdrawalColumns = []string{"member", "amount", "reference"}

// Limits of a file of withdrawals: what one batch holds, at 200 bytes a row.
const (
	withdrawalRowsMax  = payout.MaxRows
	withdrawalBytesMax = (withdrawalRowsMax + 1) * 200
)

// Import is what became of a file of withdrawals.
type Import struct {
	Rows    int `json:"rows"`
	Done    int `json:"done"`
	Skipped int `json:"skipped"` // applied before
	Failed  int `json:"failed"`
}

// ImportWithdrawals applies the withdrawals of a CSV file, each by itself: one
// that is refused stops no other. The faults name their lines.
func (e *Engine) ImportWithdrawals(ctx context.Context, actor, path string) (Import, error) {
	name := filepath.Base(path)
	rows, err := readWithdrawals(name, path)
	if err != nil {
		return Import{}, err
	}
	sum := Import{Rows: len(rows)}
	var bad fault.List
	for i, row := range rows {
		before, known, err := e.PaymentOrder(ctx, payout.Withdrawal, row[2])
		if err != nil {
			return sum, err
		}
		amount, err := money.ParseYuan(row[1])
		if err != nil {
			err = fault.Invalid("withdraw.amount").On("amount", row[1])
		} else {
			_, err = e.Withdraw(ctx, actor, Withdrawal{Member: row[0], Amount: amount, Reference: row[2]})
		}
		switch f := fault.Of(err); {
		case f != nil && f.Kind == fault.Bad:
			sum.Failed++
			bad = append(bad, f.In(name).AtLine(i+2))
		case err != nil:
			return sum, err
		case known && before.Reference == row[2]:
			sum.Skipped++
		default:
			sum.Done++
		}
	}
	return sum, bad.Err()
}

func readWithdrawals(name, path string) ([][]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Invalid("file.read", name).In(name).Because(err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, withdrawalBytesMax+1))
	if err != nil || len(raw) > withdrawalBytesMax {
		return nil, fault.Invalid("withdraw.size", withdrawalRowsMax).In(name).Because(err)
	}
	r := csv.NewReader(skipMark(bytes.NewReader(raw)))
	r.FieldsPerRecord = len(withdrawalColumns)
	rows, err := r.ReadAll()
	var syntax *csv.ParseError
	switch {
	case errors.As(err, &syntax):
		return nil, fault.Invalid("withdraw.header", "member,amount,reference").In(name).AtLine(syntax.Line).Because(err)
	case err != nil:
		return nil, err
	case len(rows) == 0 || !slices.Equal(rows[0], withdrawalColumns):
		return nil, fault.Invalid("withdraw.header", "member,amount,reference").In(name).AtLine(1)
	case len(rows)-1 > withdrawalRowsMax:
		return nil, fault.Invalid("withdraw.size", withdrawalRowsMax).In(name)
	}
	return rows[1:], nil
}

// PaymentOrder returns the order of a kind with the reference.
func (e *Engine) PaymentOrder(ctx context.Context, k payout.Kind, reference string) (o payout.Order, found bool, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		o, found, err = payout.FindOrder(ctx, tx, e.Book.ID(), k, reference)
		return err
	})
	return o, found, err
}

// PaymentOrders returns the orders of a kind, of all for "".
func (e *Engine) PaymentOrders(ctx context.Context, k payout.Kind) (list []payout.Order, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		list, err = payout.Orders(ctx, tx, e.Book.ID(), k)
		return err
	})
	return list, err
}

// Payout returns the payout with the serial.
func (e *Engine) Payout(ctx context.Context, serial string) (p payout.Payout, b payout.Batch, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		var found bool
		if p, found, err = payout.BySerial(ctx, tx, e.Book.ID(), serial); err != nil || !found {
			return firstErr(err, fault.Invalid("payout.unknown", serial).On("serial", serial))
		}
		b, _, err = payout.FindBatch(ctx, tx, e.Book.ID(), p.BatchNo)
		return err
	})
	return p, b, err
}

// DrawRound draws the payment orders that wait into a further batch of the day
// that is collecting (第二场出款) and submits it. Its file goes with the day's next run.
func (e *Engine) DrawRound(ctx context.Context, actor string) (drawn int, date bizdate.Date, err error) {
	w := e.work(0, actor, nil)
	err = e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Make); err != nil {
			return err
		}
		if date, err = w.collectingDay(ctx, tx); err != nil {
			return err
		}
		w.Date = date
		d, _, err := w.day(ctx, tx, date)
		if err != nil {
			return err
		}
		if d.DayPhase != phaseRunning {
			return fault.Invalid("withdraw.round", date).On("--date", date.String())
		}
		list, _, err := w.drawOrders(ctx, tx)
		if err != nil {
			return err
		}
		drawn = len(list)
		return w.saveRounds(ctx, tx, list)
	})
	if err != nil || drawn == 0 {
		return drawn, date, err
	}
	return drawn, date, w.submitDrafts(ctx)
}
