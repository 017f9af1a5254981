package clearing

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"custody/clearing/exceptions"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// Debtor is a member for whom head office has paid (欠款会员): what it advanced,
// what came back, since when the rest is owed, and what the member's deposit
// covers of it. Limit is how much may be advanced for him; nil for no limit. Fen.
type Debtor struct {
	Member    string        `json:"code"` // empty where the orders behind an advance are archived
	Name      string        `json:"name"`
	Status    string        `json:"status"`
	Advanced  money.Amount  `json:"advanced_fen"`
	Recovered money.Amount  `json:"recovered_fen"`
	Owed      money.Amount  `json:"owed_fen"`
	Deposit   money.Amount  `json:"deposit_fen"`
	Uncovered money.Amount  `json:"uncovered_fen"`
	Limit     *money.Amount `json:"limit_fen"`
	OverLimit money.Amount  `json:"over_limit_fen"`
	Ageing    []AgedAdvance `json:"ageing"`
	Open      []Advance     `json:"advances"` // with anything left, oldest first
}

// Debtors lists who owed head office at the cut of a date, by member; zero is the
// collecting day. Its sum is what 2305 paid for members and has not got back.
func (e *Engine) Debtors(ctx context.Context, date bizdate.Date) (list []Debtor, on bizdate.Date, err error) {
	list = []Debtor{}
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		if on = date; on.IsZero() {
			if on, err = e.work(0, "", nil).today(ctx, tx); err != nil {
				return err
			}
		}
		all, err := e.advances(ctx, tx, on)
		if err != nil {
			return err
		}
		limits, err := e.creditLimits(ctx, tx, on)
		if err != nil {
			return err
		}
		_, open := owedBy(all)
		for _, code := range slices.Sorted(keysOf(open)) {
			d, err := e.debtor(ctx, tx, code, on, all)
			if err != nil {
				return err
			}
			d.Open, d.Ageing = open[code], aged(open[code], on)
			if limit, set := limits[code]; set {
				d.Limit, d.OverLimit = &limit, max(d.Owed-limit, 0)
			}
			list = append(list, d)
		}
		return nil
	})
	return list, on, err
}

// debtor adds up one member.
func (e *Engine) debtor(ctx context.Context, tx *store.Tx, code string, on bizdate.Date, all []*Advance) (Debtor, error) {
	d := Debtor{Member: code}
	for _, a := range all {
		if a.Member == code {
			d.Advanced, d.Recovered = d.Advanced+a.Amount, d.Recovered+a.Recovered
		}
	}
	d.Owed = d.Advanced - d.Recovered
	if code == "" {
		d.Uncovered = d.Owed
		return d, nil
	}
	m, _, err := e.Book.GetMember(ctx, tx, code)
	if err != nil {
		return d, err
	}
	d.Name, d.Status = m.Name, m.Status
	deposit, err := e.Book.BalanceAsOf(ctx, tx, "2304", code, on)
	d.Deposit = -deposit
	d.Uncovered = max(d.Owed-d.Deposit, 0)
	return d, err
}

// parameterCredit is the kind of parameter that says how much may be advanced for
// a member (垫付额度); its subject is the member.
const parameterCredit = "credit-limit"

// creditContent is what the parameter holds; without an amount the limit ends.
type creditContent struct {
	Limit *money.Amount `json:"limit_fen"`
}

// SetCreditLimit submits how much may be advanced for a member; two people set it,
// nil lifts it. Below zero it is debtor.limit-amount, an unknown member member.unknown.
func (e *Engine) SetCreditLimit(ctx context.Context, actor, member string, limit *money.Amount, effective bizdate.Date) (string, error) {
	if limit != nil && *limit < 0 {
		return "", fault.Invalid("debtor.limit-amount").On("AMOUNT", limit.String())
	}
	raw, err := json.Marshal(creditContent{limit})
	if err != nil {
		return "", err
	}
	p := Parameter{Kind: parameterCredit, Subject: member, Effective: effective, Content: raw}
	return e.askParameter(ctx, actor, parameterCredit+"-"+member, p, func(ctx context.Context, tx *store.Tx) error {
		return needMember(ctx, e.work(0, actor, nil), tx, member, "")
	})
}

// creditLimits returns the limits that hold on a date, by member.
func (e *Engine) creditLimits(ctx context.Context, tx *store.Tx, date bizdate.Date) (map[string]money.Amount, error) {
	held, err := e.parameters(ctx, tx, parameterCredit, date)
	limits := map[string]money.Amount{}
	for member, row := range held {
		var c creditContent
		if err := json.Unmarshal([]byte(row.Content), &c); err != nil {
			return nil, err
		}
		if c.Limit != nil {
			limits[member] = *c.Limit
		}
	}
	return limits, err
}

// withinCredit refuses an advance that would let a member owe more than its limit
// (debtor.limit). A member without a limit has none.
func (w *Work) withinCredit(ctx context.Context, tx *store.Tx, member string, amount money.Amount) error {
	limits, err := w.creditLimits(ctx, tx, w.Date)
	limit, set := limits[member]
	if err != nil || !set {
		return err
	}
	all, err := w.advances(ctx, tx, w.Date)
	if err != nil {
		return err
	}
	owed, _ := owedBy(all)
	if owed[member]+amount > limit {
		return fault.Invalid("debtor.limit", member, limit, owed[member], amount).On("AMOUNT", amount.String())
	}
	return nil
}

// owes refuses a recovery from a member for whom nothing, or less, was advanced
// by the refund: flows.debtor, flows.owes. What E26 paid the flow knows itself.
func (w *Work) owes(ctx context.Context, tx *store.Tx, ref, member string, amount money.Amount) error {
	all, err := w.advances(ctx, tx, w.Date)
	if err != nil {
		return err
	}
	known, left := false, money.Amount(0)
	for _, a := range all {
		if a.Reference == ref && a.Event != "E26" && a.Member != "" {
			known = true
			if a.Member == member {
				left += a.Left()
			}
		}
	}
	switch {
	case !known || amount <= 0 || amount <= left:
		return nil // the flow says whether there is such an advance
	case left == 0:
		return fault.Invalid("flows.debtor", member, ref)
	}
	return fault.Invalid("flows.owes", amount, left)
}

// drawnOnReserve tells a person of a refund that the reserve paid for a member who
// has left, or beyond what may be advanced for him: nobody could be asked before,
// since the channel had paid the customer already.
func (w *Work) drawnOnReserve(ctx context.Context, tx *store.Tx, v subaccounts.Voucher, refundNo, channel string) error {
	if !slices.ContainsFunc(v.Entries, func(e subaccounts.Entry) bool { return e.Code == reserve.Code && e.Amount > 0 }) {
		return nil
	}
	taken, err := w.drawnFor(ctx, tx, v)
	if err != nil {
		return err
	}
	for _, d := range taken {
		m, _, err := w.Book.GetMember(ctx, tx, d.member)
		if err != nil {
			return err
		}
		reason := ""
		switch err := w.withinCredit(ctx, tx, d.member, 0); {
		case m.Status == subaccounts.StatusClosed:
			reason = "member.closed"
		case fault.CodeOf(err) == "debtor.limit":
			reason = "debtor.limit"
		case err != nil:
			return err
		default:
			continue
		}
		err = w.open(ctx, tx, exceptions.Exception{Kind: exceptions.Debt, Subject: strings.Join([]string{refundNo, d.member}, "/"), Channel: channel, ClearingDate: w.Date,
			Member: d.member, Amount: d.amount, Ours: reason})
		if err != nil {
			return err
		}
	}
	return nil
}
