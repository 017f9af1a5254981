package clearing

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"custody/clearing/exceptions"
	"custody/clearing/orders"
	"custody/clearing/payout"
	"custody/clearing/requests"
	"custody/internal/bizdate"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// checker runs the closing checks (关账检查) of one day as of its cut.
type checker struct {
	ctx       context.Context
	w         *Work
	tx        *store.Tx
	movements []subaccounts.Movement
	open      []exceptions.Exception
	tie       *TieOut
	waived    bool // the bank's list of sub-accounts, or a difference of it
}

// check is one closing check: what it compared and by how much it fails.
type check struct {
	id  string
	run func(*checker) (diff money.Amount, lines []CheckLine, err error)
}

// closingChecks gate the close: an unbalanced day cannot close.
var closingChecks = []check{
	{id: "R1", run: (*checker).trialBalance},
	{id: "R2", run: (*checker).bankReconciliation},
	{id: "R3", run: (*checker).totalOfAccounts},
	{id: "R4", run: (*checker).rollForward},
	{id: "R5", run: (*checker).transitAge},
	{id: "R6", run: (*checker).onTheirWay},
	{id: "R7", run: (*checker).unsplit},
	{id: "R8", run: (*checker).bankSubAccounts},
	{id: "R9", run: (*checker).coverage},
	{id: "R10", run: (*checker).suspense},
	{id: "R11", run: (*checker).numbering},
}

// The states of a check.
const (
	checkPassed      = "passed"
	checkFailed      = "failed"
	checkNotExpected = "not_expected"
	checkWaived      = "waived" // 放行: the file it needs was waived by two people
)

// runChecks runs R1 to R11 and the four proofs for the work's date.
func (w *Work) runChecks(ctx context.Context, tx *store.Tx) ([]CheckView, []Proof, error) {
	c := &checker{ctx: ctx, w: w, tx: tx}
	var err error
	if c.movements, err = w.Book.Movements(ctx, tx, w.Date); err != nil {
		return nil, nil, err
	}
	if c.open, err = exceptions.AsOf(ctx, tx, w.Book.ID(), w.Date); err != nil {
		return nil, nil, err
	}
	if c.tie, err = w.TieOut(ctx, tx, w.Date); err != nil {
		return nil, nil, err
	}
	views := make([]CheckView, 0, len(closingChecks))
	for _, k := range closingChecks {
		diff, lines, err := k.run(c)
		if err != nil {
			return nil, nil, err
		}
		v := CheckView{ID: k.id, OK: diff == 0, State: checkPassed, Difference: diff, Detail: lines}
		switch {
		case diff != 0:
			v.State = checkFailed
		case k.id == "R8" && !w.Config.Files.Balances:
			v.State = checkNotExpected
		case k.id == "R8" && c.waived:
			v.State = checkWaived
		}
		views = append(views, v)
	}
	proofs, err := c.prove()
	return views, proofs, err
}

func line(label string, amount money.Amount, note ...string) CheckLine {
	l := CheckLine{Label: label, Amount: amount}
	if len(note) > 0 {
		l.Note = note[0]
	}
	return l
}

// trialBalance is R1: debits equal credits on the day (试算平衡).
func (c *checker) trialBalance() (money.Amount, []CheckLine, error) {
	t, err := c.w.Book.Totals(c.ctx, c.tx, c.w.Date)
	return t.Debit - t.Credit, []CheckLine{line("check.debits", t.Debit), line("check.credits", t.Credit)}, err
}

// bankReconciliation is R2: nothing between bank and books is unexplained (余额调节表).
func (c *checker) bankReconciliation() (money.Amount, []CheckLine, error) {
	n := len(c.tie.ReceivedNotByBank) + len(c.tie.PaidNotByBank) + len(c.tie.BankReceivedOnly) + len(c.tie.BankPaidOnly)
	return c.tie.Unexplained, []CheckLine{line("check.adjusted-bank", c.tie.AdjustedBank), line("check.adjusted-book", c.tie.AdjustedBook),
		line("check.listed", 0, fmt.Sprint(n))}, nil
}

// totalOfAccounts is R3: assets equal liabilities, and all sub-accounts less
// money in transit and shortages are the money at the bank (总分核对).
func (c *checker) totalOfAccounts() (money.Amount, []CheckLine, error) {
	assets := c.tie.Book + c.tie.InTransit + c.tie.Shortages
	return c.tie.Difference, []CheckLine{line("check.assets", assets), line("check.liabilities", c.tie.SubAccounts)}, nil
}

// rollForward is R4: opening + movements = closing for every account. The opening
// is the closing that the account's last closed day fixed, the movements are its
// entries of the date, and the closing is what stands in the books at the cut.
func (c *checker) rollForward() (money.Amount, []CheckLine, error) {
	var diff money.Amount
	lines := []CheckLine{line("check.accounts", 0, fmt.Sprint(len(c.movements)))}
	err := c.forward(func(code, owner string, d money.Amount) {
		if diff += d; d != 0 {
			lines = append(lines, line(subaccounts.Key{Code: code, Owner: owner}.String(), d))
		}
	})
	return diff, lines, err
}

// transitAge is R5: channel money, and any fee that stands in debit, reaches
// zero within the limit, counted in the channel's own days; what is older must be
// an open exception.
func (c *checker) transitAge() (money.Amount, []CheckLine, error) {
	var late money.Amount
	var lines []CheckLine
	held, err := c.w.heldFees(c.ctx, c.tx, c.w.Date)
	if err != nil {
		return 0, nil, err
	}
	for _, code := range []string{"1122", "2501"} {
		items, err := c.w.Book.ItemsAsOf(c.ctx, c.tx, subaccounts.Filter{Code: code}, c.w.Date)
		if err != nil {
			return 0, nil, err
		}
		for _, it := range items {
			if it.Balance <= 0 {
				continue
			}
			clearing, err := bizdate.Parse(it.Item)
			if err != nil {
				return 0, nil, err
			}
			age, err := c.w.channelAge(it.Key.Owner, clearing)
			if err != nil {
				return 0, nil, err
			}
			lines = append(lines, line(it.Key.String(), it.Balance, fmt.Sprint(age)))
			if age > c.w.Config.Limits.TransitDays && it.Balance > held[it.Key.String()] && !c.excepted(exceptions.InTransit, it.Key.String()) {
				late += it.Balance
			}
		}
	}
	return late, lines, nil
}

func (c *checker) excepted(kind exceptions.Kind, subject string) bool {
	for _, e := range c.open {
		if e.Kind == kind && e.Subject == subject {
			return true
		}
	}
	return false
}

// onTheirWay is R6: 2201, 2202 and 2203 are exactly the open payouts, refunds
// and returned payouts.
func (c *checker) onTheirWay() (money.Amount, []CheckLine, error) {
	id := c.w.Book.ID()
	flying, err := payout.OnTheWay(c.ctx, c.tx, id, c.w.Date)
	if err != nil {
		return 0, nil, err
	}
	back, err := payout.ReturnedOpen(c.ctx, c.tx, id, c.w.Date)
	if err != nil {
		return 0, nil, err
	}
	want := map[subaccounts.Key]money.Amount{}
	for _, p := range flying {
		want[inFlight(p.Owner, p.Item)] += p.Amount
	}
	for _, p := range back {
		want[returned(p.Member, p.Serial)] = p.Amount
	}
	refunds, err := c.w.escrowOrders(c.tx, "").RefundingAsOf(c.ctx, c.w.Date)
	if err != nil {
		return 0, nil, err
	}
	for _, o := range refunds {
		want[refunding(o.Channel, o.RefundNo)] = o.Refund
	}
	if err := firstErr(c.advancedRefunds(want), c.addWithheld(want)); err != nil {
		return 0, nil, err
	}
	var diff money.Amount
	var lines []CheckLine
	for _, code := range []string{"2201", "2202", "2203"} {
		d, l, err := c.compareItems(code, want)
		if err != nil {
			return 0, nil, err
		}
		diff, lines = diff+d, append(lines, l...)
	}
	for _, missing := range want {
		diff += missing.Abs()
	}
	return diff, lines, nil
}

// advancedRefunds adds the refunds that head office advanced and no bill lists yet.
func (c *checker) advancedRefunds(want map[subaccounts.Key]money.Amount) error {
	items, err := c.w.Book.ItemsAsOf(c.ctx, c.tx, subaccounts.Filter{Code: "2202"}, c.w.Date)
	for _, it := range items {
		amount, advErr := c.w.advancedOpen(c.ctx, c.tx, it.Key)
		if err = firstErr(err, advErr); amount != 0 && want[it.Key] == 0 {
			want[it.Key] = amount
		}
	}
	return err
}

// compareItems compares an account's open items at the cut with what they
// should be, and takes them out of want.
func (c *checker) compareItems(code string, want map[subaccounts.Key]money.Amount) (money.Amount, []CheckLine, error) {
	items, err := c.w.Book.ItemsAsOf(c.ctx, c.tx, subaccounts.Filter{Code: code}, c.w.Date)
	var diff money.Amount
	var lines []CheckLine
	for _, it := range items {
		diff += (-it.Balance - want[it.Key]).Abs()
		lines = append(lines, line(it.Key.String(), -it.Balance))
		delete(want, it.Key)
	}
	return diff, lines, err
}

// closing returns what the accounts of a code stand at, credit positive.
func (c *checker) closing(codes ...string) money.Amount {
	var sum money.Amount
	for _, m := range c.movements {
		for _, code := range codes {
			if m.Code == code {
				sum -= m.Closing
			}
		}
	}
	return sum
}

// unsplit is R7: 2102 is exactly the orders that are not split, 2101 the escrow
// orders whose money is held.
func (c *checker) unsplit() (money.Amount, []CheckLine, error) {
	list, err := orders.OpenAsOf(c.ctx, c.tx, c.w.Book.ID(), c.w.Date)
	var sum money.Amount
	var lines []CheckLine
	for _, o := range list {
		if o.Amount, err = c.w.openAmount(c.ctx, c.tx, o); err != nil {
			return 0, nil, err
		}
		sum += o.Amount
		lines = append(lines, line(o.OrderNo, o.Amount, o.Reason))
	}
	if err != nil {
		return 0, nil, err
	}
	waiting, err := requests.AsOf(c.ctx, c.tx, c.w.Book.ID(), c.w.Date)
	if err != nil {
		return 0, nil, err
	}
	for _, r := range waiting { // split by requests: a line per channel and clearing date, there may be a hundred thousand a day
		sum += r.Left
		lines = append(lines, line(r.Channel+"."+r.Clearing.Compact(), r.Left, "REQUESTS"))
	}
	held, more, err := c.escrowHeld()
	return (c.closing("2102") - sum).Abs() + held, append(lines, more...), err
}

// bankSubAccounts is R8: each member is what the bank's own list says, available
// and frozen separately; not expected where the bank sends no such list. What two
// people have decided of a difference counts as waived and is listed with its case.
func (c *checker) bankSubAccounts() (money.Amount, []CheckLine, error) {
	if !c.w.Config.Files.Balances {
		return 0, nil, nil
	}
	f, ok, err := c.w.file(c.ctx, c.tx, fileBalances, c.w.Config.Account, c.w.Date)
	if err != nil || !ok {
		return 0, nil, firstErr(err, waitFor("file", fileBalances+" "+c.w.Date.String(), instant(fileBalances, c.w.Date)))
	}
	if f.State == FileWaived {
		c.waived = true
		return 0, []CheckLine{line("check.waived", 0, f.Name)}, nil
	}
	list, err := c.w.balanceDifferences(c.ctx, c.tx, f.ID, c.movements)
	var diff money.Amount
	var lines []CheckLine
	for _, d := range list {
		rest, cases := d.agreed(c.open)
		c.waived = c.waived || len(cases) > 0
		diff += rest.Available.Abs() + rest.Frozen.Abs()
		for _, part := range []money.Amount{d.Available, d.Frozen} {
			if part != 0 {
				lines = append(lines, line(d.Member, part, strings.Join(cases, " ")))
			}
		}
	}
	return diff, lines, err
}

// coverage is R9: what could be claimed in cash is covered by the bank balance.
func (c *checker) coverage() (money.Amount, []CheckLine, error) {
	claimed := c.closing(claims...)
	return max(claimed-c.tie.Book, 0), []CheckLine{line("check.claims", claimed), line("check.bank", c.tie.Book)}, nil
}

// suspense is R10: every open item of 2401, 1402 and 2402 is an open exception.
func (c *checker) suspense() (money.Amount, []CheckLine, error) {
	subjects := map[string]bool{}
	for _, e := range c.open {
		subjects[e.Subject] = true
	}
	var diff money.Amount
	var lines []CheckLine
	for _, code := range []string{"1402", "2401", "2402"} {
		items, err := c.w.Book.ItemsAsOf(c.ctx, c.tx, subaccounts.Filter{Code: code}, c.w.Date)
		if err != nil {
			return 0, nil, err
		}
		for _, it := range items {
			lines = append(lines, line(it.Key.String(), it.Balance.Abs()))
			if !subjects[it.Item] {
				diff += it.Balance.Abs()
			}
		}
	}
	return diff, lines, nil
}

// numbering is R11: voucher numbers have no gap and the log holds them all.
func (c *checker) numbering() (money.Amount, []CheckLine, error) {
	t, err := c.w.Book.Totals(c.ctx, c.tx, c.w.Date)
	if err != nil {
		return 0, nil, err
	}
	var n struct {
		Count int `db:"n"`
		Last  int `db:"last"`
	}
	err = c.tx.Get(c.ctx, &n, "SELECT COUNT(*) AS n, COALESCE(MAX(voucher_no), 0) AS last FROM vouchers WHERE custody_id = ? AND accounting_date = ?",
		c.w.Book.ID(), c.w.Date)
	gap := money.Amount(max(n.Last-n.Count, n.Count-n.Last) + max(t.Vouchers-n.Count, n.Count-t.Vouchers))
	return gap, []CheckLine{line("check.vouchers", 0, fmt.Sprint(n.Count))}, err
}

// CheckViews returns the stored checks of a day in their order.
func (e *Engine) CheckViews(ctx context.Context, tx *store.Tx, date bizdate.Date) ([]CheckView, error) {
	byID := map[string]CheckView{}
	err := tx.Each(ctx, "SELECT check_id, state, difference_fen, detail FROM checks WHERE custody_id = ? AND accounting_date = ?",
		[]any{e.Book.ID(), date}, func(scan func(...any) error) error {
			var v CheckView
			var detail []byte
			if err := scan(&v.ID, &v.State, &v.Difference, &detail); err != nil {
				return err
			}
			v.OK = v.State != checkFailed
			byID[v.ID] = v
			if err := json.Unmarshal(detail, &v.Detail); err != nil {
				return err
			}
			byID[v.ID] = v
			return nil
		})
	views := []CheckView{}
	for _, k := range closingChecks {
		if v, ok := byID[k.id]; ok {
			views = append(views, v)
		}
	}
	return views, err
}

// stepProve runs the closing checks and keeps what they found. The day is
// BALANCED when all hold; otherwise the night stops here.
func (w *Work) stepProve(ctx context.Context) (Counts, error) {
	done, err := w.isDone(ctx, stepTrial, "")
	if err != nil {
		return Counts{}, err
	}
	if done {
		return w.once(ctx, stepTrial, "", nil, nil)
	}
	var views []CheckView
	var proofs []Proof
	err = w.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := firstErr(w.overdueTransit(ctx, tx), w.overdueDebits(ctx, tx)); err != nil {
			return err
		}
		if err := exceptions.Expire(ctx, tx, w.Book.ID(), w.Date, w.Config.Limits.PoolDays); err != nil {
			return err
		}
		var err error
		if views, proofs, err = w.runChecks(ctx, tx); err != nil {
			return err
		}
		return firstErr(w.saveChecks(ctx, tx, views), w.saveProofs(ctx, tx, proofs))
	})
	if err != nil {
		return Counts{}, err
	}
	if err := failedChecks(views, w.Date); err != nil {
		return Counts{In: len(views), Failed: 1}, err
	}
	if err := failedProof(proofs, w.Date); err != nil {
		return Counts{In: len(views), Failed: 1}, err
	}
	return w.once(ctx, stepTrial, "", nil, func(tx *store.Tx) (Counts, error) {
		if err := w.endStops(ctx, tx); err != nil {
			return Counts{}, err
		}
		return Counts{In: len(views), Done: len(views)}, w.moveDay(ctx, tx, w.Date, DayBalanced)
	})
}

// undebitedDays is for how many working days a payout that was answered S may
// stand without its debit before a person must look.
const undebitedDays = 1

// overdueDebits opens an exception for payouts that the bank says it made and
// whose debit no statement has shown.
func (w *Work) overdueDebits(ctx context.Context, tx *store.Tx) error {
	list, err := payout.Undebited(ctx, tx, w.Book.ID(), w.Date)
	if err != nil {
		return err
	}
	for _, p := range list {
		age, err := w.Calendar.WorkingDaysBetween(*p.Settled, w.Date)
		if err != nil {
			return err
		}
		if age <= undebitedDays {
			continue
		}
		err = w.open(ctx, tx, exceptions.Exception{Kind: exceptions.Status, Subject: p.Serial, Member: p.Member, Amount: p.Amount, Ours: p.Answer})
		if err != nil {
			return err
		}
	}
	return nil
}

// overdueTransit opens an exception for channel money beyond its limit (R5).
func (w *Work) overdueTransit(ctx context.Context, tx *store.Tx) error {
	items, err := w.Book.ItemsAsOf(ctx, tx, subaccounts.Filter{Code: "1122"}, w.Date)
	if err != nil {
		return err
	}
	fees, err := w.Book.ItemsAsOf(ctx, tx, subaccounts.Filter{Code: "2501"}, w.Date)
	if err != nil {
		return err
	}
	held, err := w.heldFees(ctx, tx, w.Date)
	if err != nil {
		return err
	}
	for _, it := range append(items, fees...) {
		clearing, err := bizdate.Parse(it.Item)
		if err != nil || it.Balance <= held[it.Key.String()] {
			continue
		}
		age, err := w.channelAge(it.Owner, clearing)
		if err != nil {
			return err
		}
		if age <= w.Config.Limits.TransitDays {
			continue
		}
		err = w.open(ctx, tx, exceptions.Exception{Kind: exceptions.InTransit, Subject: it.Key.String(), Channel: it.Owner, ClearingDate: clearing, Amount: it.Balance})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *Work) saveChecks(ctx context.Context, tx *store.Tx, views []CheckView) error {
	for _, v := range views {
		detail, err := json.Marshal(v.Detail)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO checks (custody_id, accounting_date, check_id, state, difference_fen, detail) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (custody_id, accounting_date, check_id) DO UPDATE SET
			state = excluded.state, difference_fen = excluded.difference_fen, detail = excluded.detail`,
			w.Book.ID(), w.Date, v.ID, v.State, v.Difference, string(detail))
		if err != nil {
			return err
		}
	}
	return nil
}
