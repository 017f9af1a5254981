package clearing

import (
	"context"
	"slices"
	"strings"

	"custody/clearing/exceptions"
	"custody/clearing/outbox"
	"custody/clearing/payout"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// Proof is one of the four proofs of a night (日终证明), to the fen. Scope is what
// a difference is about: member:CODE, channel:CODE, or empty for the whole.
type Proof struct {
	Proof      string       `db:"proof" json:"proof"`
	Scope      string       `db:"scope" json:"scope"`
	Difference money.Amount `db:"difference_fen" json:"difference_fen"`
}

// The four proofs.
const (
	proofRollForward = "ROLL_FORWARD" // opening + movements = closing, and yesterday's closing = opening
	proofBankBook    = "BANK_BOOK"    // adjusted bank = adjusted book
	proofCustody     = "CUSTODY"      // custody + in transit + shortages = all sub-accounts
	proofRunTotals   = "RUN_TOTALS"   // what the runs took in is what was posted
)

// prove draws up the four proofs of the date: each at least once for the whole,
// and once more for every member and channel that a difference is about.
func (c *checker) prove() ([]Proof, error) {
	list := []Proof{{proofBankBook, "", c.tie.Unexplained}, {proofCustody, "", c.tie.Difference}}
	forward, err := c.provenForward()
	if err != nil {
		return nil, err
	}
	totals, err := c.provenTotals()
	return slices.Concat(list, forward, totals), err
}

// scopes collects differences by scope.
type scopes map[string]money.Amount

func (s scopes) proofs(name string) []Proof {
	list := []Proof{}
	for scope, d := range s {
		if d != 0 || scope == "" {
			list = append(list, Proof{name, scope, d})
		}
	}
	if _, whole := s[""]; !whole {
		list = append(list, Proof{name, "", 0})
	}
	slices.SortFunc(list, func(a, b Proof) int { return strings.Compare(a.Scope, b.Scope) })
	return list
}

// scopeOf says whom an account is about.
func scopeOf(code, owner string) string {
	switch {
	case owner == "":
		return ""
	case code == "1122" || code == "2501":
		return "channel:" + owner
	}
	return "member:" + owner
}

// provenForward carries every account forward: from the closing that its last
// closed day fixed, by the entries of the date, to what stands in the books.
func (c *checker) provenForward() ([]Proof, error) {
	by := scopes{}
	err := c.forward(func(code, owner string, difference money.Amount) { by[scopeOf(code, owner)] += difference })
	return by.proofs(proofRollForward), err
}

// forward tells by how much each account is not what it is carried forward to,
// as an amount without sign, in the order of the accounts.
func (c *checker) forward(tell func(code, owner string, difference money.Amount)) error {
	carried, err := c.w.Book.CarriedForward(c.ctx, c.tx, c.w.Date)
	if err != nil {
		return err
	}
	for _, m := range c.movements {
		at := carried[m.AccountID]
		delete(carried, m.AccountID)
		d := (at.Opening - m.Opening).Abs() + (at.Posted - m.Debit + m.Credit).Abs() // the closing is their sum
		tell(m.Code, m.Owner, d)
	}
	for _, at := range carried { // nothing stands there and nothing moved: so it must be carried
		tell("", "", at.Opening.Abs()+at.Posted.Abs())
	}
	return nil
}

// nightEvents are what the night itself posts on 1122; anything else there a
// person asked for, and it stands beside the runs' totals.
var nightEvents = []any{eventCollect, eventArrive, eventSurplus, eventShortage, eventFound, eventEarlyListed, eventRefundListed, "E17"}

// provenTotals compares what the runs took in with what stands posted: of each
// channel the bill of the date less the money that arrived is the movement of
// what it owes; and all vouchers of the date are all movements of accounts.
func (c *checker) provenTotals() ([]Proof, error) {
	by := scopes{}
	posted, err := c.w.Book.Totals(c.ctx, c.tx, c.w.Date)
	if err != nil {
		return nil, err
	}
	moved := map[string]money.Amount{}
	var debit, credit money.Amount
	for _, m := range c.movements {
		debit, credit = debit+m.Debit, credit+m.Credit
		if m.Code == "1122" {
			moved[m.Owner] += m.Debit - m.Credit
		}
	}
	by[""] = (posted.Debit - debit).Abs() + (posted.Credit - credit).Abs()
	for _, ch := range c.w.Config.Channels {
		taken, err := c.takenIn(ch.Code)
		if err != nil {
			return nil, err
		}
		diff := moved[ch.Code] - taken
		if diff != 0 {
			others, err := c.postedBeside(ch.Code)
			if err != nil {
				return nil, err
			}
			diff -= others
		}
		by["channel:"+ch.Code] = diff
	}
	return by.proofs(proofRunTotals), nil
}

// takenIn is what the runs of the date say that a channel owes more: its bill,
// less the bills whose money arrived.
func (c *checker) takenIn(channel string) (money.Amount, error) {
	bill, found, err := c.w.file(c.ctx, c.tx, fileBill, channel, c.w.Date)
	if err != nil {
		return 0, err
	}
	var sum money.Amount
	if found && bill.State == FileLoaded {
		sum = bill.Pay - bill.Refund
	}
	var arrived money.Amount
	err = c.tx.Get(c.ctx, &arrived, `SELECT CAST(COALESCE(SUM(pay_fen - refund_fen), 0) AS BIGINT) FROM channel_days
		WHERE custody_id = ? AND channel = ? AND arrived_date = ?`, c.w.Book.ID(), channel, c.w.Date)
	return sum - arrived, err
}

// postedBeside is what people moved on a channel's 1122 on the date.
func (c *checker) postedBeside(channel string) (money.Amount, error) {
	var first, last, account int64
	_, _, err := c.w.Book.Entries(c.ctx, c.tx, "1122", channel, c.w.Date, c.w.Date, func(e *subaccounts.Entry) error {
		if account = e.AccountID; first == 0 {
			first = e.Seq
		}
		first, last = min(first, e.Seq), max(last, e.Seq)
		return nil
	})
	if err != nil || account == 0 {
		return 0, err
	}
	var sum money.Amount
	err = c.tx.Get(c.ctx, &sum, `SELECT CAST(COALESCE(SUM(e.amount_fen), 0) AS BIGINT) FROM entries e
		JOIN vouchers v ON v.custody_id = e.custody_id AND v.voucher_id = e.voucher_id
		WHERE e.custody_id = ? AND e.account_id = ? AND e.seq >= ? AND e.seq <= ? AND e.accounting_date = ?
		AND v.event NOT IN (`+strings.TrimSuffix(strings.Repeat("?, ", len(nightEvents)), ", ")+")",
		append([]any{c.w.Book.ID(), account, first, last, c.w.Date}, nightEvents...)...)
	return sum, err
}

// saveProofs keeps the proofs of the date; what an earlier attempt found and this
// one does not is zero now.
func (w *Work) saveProofs(ctx context.Context, tx *store.Tx, list []Proof) error {
	if _, err := tx.Exec(ctx, "UPDATE proofs SET difference_fen = 0 WHERE custody_id = ? AND accounting_date = ?", w.Book.ID(), w.Date); err != nil {
		return err
	}
	for _, p := range list {
		_, err := tx.Exec(ctx, `INSERT INTO proofs (custody_id, accounting_date, proof, scope, difference_fen) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (custody_id, accounting_date, proof, scope) DO UPDATE SET difference_fen = excluded.difference_fen`,
			w.Book.ID(), w.Date, p.Proof, p.Scope, p.Difference)
		if err != nil {
			return err
		}
	}
	return nil
}

// Proofs returns the proofs of a date as its night drew them up.
func (e *Engine) Proofs(ctx context.Context, date bizdate.Date) (list []Proof, err error) {
	list = []Proof{}
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		return tx.Select(ctx, &list, "SELECT proof, scope, difference_fen FROM proofs WHERE custody_id = ? AND accounting_date = ? ORDER BY proof, scope", e.Book.ID(), date)
	})
	return list, err
}

// failedProof returns a Books fault that names the first proof that does not hold.
func failedProof(list []Proof, date bizdate.Date) error {
	for _, p := range list {
		if p.Difference != 0 {
			return fault.Broken("day.proof", date, p.Proof, p.Scope, p.Difference)
		}
	}
	return nil
}

// heldProof holds the money of a channel that a failed proof is about.
const heldProof = "PROOF"

// stopped says whose money may not leave while a proof of a night does not hold.
type stopped struct {
	reason map[string]string // by scope: the proof and its day
}

// stops reads the proofs of the days that are not closed. A day closes only when
// all of its proofs hold, so that what is closed stops nothing.
func (w *Work) stops(ctx context.Context, tx *store.Tx) (stopped, error) {
	s := stopped{map[string]string{}}
	err := tx.Each(ctx, `SELECT p.accounting_date, p.proof, p.scope FROM proofs p
		JOIN days d ON d.custody_id = p.custody_id AND d.accounting_date = p.accounting_date
		WHERE p.custody_id = ? AND p.difference_fen <> 0 AND d.state NOT IN ('CLOSED', 'SEALED') ORDER BY p.accounting_date, p.proof, p.scope`,
		[]any{w.Book.ID()}, func(scan func(...any) error) error {
			var date bizdate.Date
			var proof, scope string
			if err := scan(&date, &proof, &scope); err != nil {
				return err
			}
			if s.reason[scope] == "" {
				s.reason[scope] = proof + " " + date.String()
			}
			return nil
		})
	return s, err
}

// why is the proof that stops a scope, or the whole; empty where none does.
func (s stopped) why(scope string) string {
	if whole := s.reason[""]; whole != "" {
		return whole
	}
	return s.reason[scope]
}

// unstopped drops the payouts that a failed proof is about, each with an
// exception that says which proof it is.
func (w *Work) unstopped(ctx context.Context, tx *store.Tx, list []payout.Payout) (rest []payout.Payout, n int, err error) {
	s, err := w.stops(ctx, tx)
	if err != nil || len(s.reason) == 0 {
		return list, 0, err
	}
	for _, p := range list {
		why := s.why("member:" + p.Member)
		if why == "" {
			rest = append(rest, p)
			continue
		}
		n++
		err := w.open(ctx, tx, exceptions.Exception{Kind: exceptions.Balance, Subject: "proof:" + p.Member, Member: p.Member, Amount: p.Amount, Ours: why})
		if err != nil {
			return nil, n, err
		}
	}
	return rest, n, nil
}

// unstoppedBatch refuses to send a batch that was drawn up before a proof about
// one of its rows broke: batch.proof, with the member and the proof. One whose
// sending has begun is sent to the end, for its file may be with the bank.
func (w *Work) unstoppedBatch(ctx context.Context, tx *store.Tx, b payout.Batch) error {
	s, err := w.stops(ctx, tx)
	if err != nil || len(s.reason) == 0 {
		return err
	}
	begun, err := outbox.Intended(ctx, tx, w.Book.ID(), "payout-file", b.BatchNo)
	if err != nil || begun {
		return err
	}
	list, err := payout.OfBatch(ctx, tx, w.Book.ID(), b.BatchNo)
	for _, p := range list {
		if why := s.why("member:" + p.Member); why != "" {
			return fault.Broken("batch.proof", b.BatchNo, p.Member, why).On("batch", b.BatchNo)
		}
	}
	return err
}

// endStops closes what failed proofs had opened, when all of them hold again.
func (w *Work) endStops(ctx context.Context, tx *store.Tx) error {
	list, err := exceptions.StillOpen(ctx, tx, w.Book.ID())
	if err != nil {
		return err
	}
	for _, e := range list {
		if e.Kind == exceptions.Balance && strings.HasPrefix(e.Subject, "proof:") {
			if err := exceptions.Move(ctx, tx, w.Book.ID(), e.ID, exceptions.AutoCleared, w.Date); err != nil {
				return err
			}
		}
	}
	return nil
}
