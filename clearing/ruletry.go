package clearing

import (
	"context"
	"slices"
	"strings"

	"custody/clearing/orders"
	"custody/clearing/split"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
)

// TryLine is what one member, or head office (empty code), would get of the orders of a
// period by the draft and by the rules in force. Head office's is without a fee
// that it bears. Fen.
type TryLine struct {
	Code       string       `json:"code"`
	Name       string       `json:"name"`
	Old        money.Amount `json:"old_fen"`
	New        money.Amount `json:"new_fen"`
	Difference money.Amount `json:"difference_fen"`
}

// TryReport is `custody rule try`: last month's orders through a draft. Nothing
// is posted. Refunds are left out on both sides.
type TryReport struct {
	Rule    string       `json:"rule"`
	Version int          `json:"version"` // 0: of a file
	From    bizdate.Date `json:"from"`    // clearing dates
	To      bizdate.Date `json:"to"`
	Scope   *Scope       `json:"scope"` // of the draft; null: a default
	Orders  int          `json:"orders"`
	Chosen  int          `json:"chosen"`  // orders that the draft would split; the others go by the rules in force on both sides
	Refused int          `json:"refused"` // orders that a rule cannot split; in no line
	Amount  money.Amount `json:"amount_fen"`
	Fee     money.Amount `json:"fee_fen"` // of the channels, the same on both sides
	Lines   []TryLine    `json:"lines"`   // head office first, then the members by code
	Total   TryLine      `json:"total"`
}

// maxTryDays bounds a trial: a year and a day.
const maxTryDays = 366

// TryRule sends the orders of the clearing dates from..to through the draft,
// whatever its effective date, and through the rules in force. progress, which
// may be nil, is told how many orders are done.
func (e *Engine) TryRule(ctx context.Context, c RuleConfig, version int, from, to bizdate.Date, progress func(done int)) (*TryReport, error) {
	if n := from.DaysUntil(to); n < 0 || n >= maxTryDays {
		return nil, fault.Invalid("rule.period", from, to, maxTryDays).On("--to", to.String())
	}
	draft, err := e.dated(SplitRule{ID: c.ID, Version: version}, c)
	if err != nil {
		return nil, err
	}
	t := &trial{report: &TryReport{Rule: c.ID, Version: version, From: from, To: to, Scope: c.Scope}, draft: &draft,
		by: map[string]*TryLine{"": {}}, progress: progress}
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		if err := e.checkScope(ctx, tx, c); err != nil {
			return err
		}
		for _, ch := range e.Config.Channels {
			if t.rules, err = e.newChoices(ctx, tx, ch.Code); err != nil {
				return err
			}
			t.others = t.rules.without(c)
			if err := t.channel(ctx, tx, e.Book.ID(), ch); err != nil {
				return err
			}
		}
		members, err := e.Book.Members(ctx, tx)
		for _, m := range members {
			if line := t.by[m.Code]; line != nil {
				line.Name = m.Name
			}
		}
		return err
	})
	return t.report, firstErr(err, t.finish())
}

// trial adds up both sides.
type trial struct {
	report   *TryReport
	draft    *datedRule
	rules    *choices // in force
	others   *choices // without the earlier versions of the draft, where it has a scope
	by       map[string]*TryLine
	old, new []money.Amount // room for the shares of one order
	progress func(done int)
}

// channel tries the orders that a channel's bills of the period brought.
func (t *trial) channel(ctx context.Context, tx *store.Tx, custodyID int64, ch Channel) error {
	var bills []struct {
		ID   int64        `db:"file_id"`
		Date bizdate.Date `db:"business_date"`
	}
	err := tx.Select(ctx, &bills, `SELECT file_id, business_date FROM files WHERE custody_id = ? AND kind = ? AND source = ?
		AND state = 'LOADED' AND business_date >= ? AND business_date <= ? ORDER BY business_date`,
		custodyID, fileBill, ch.Code, t.report.From, t.report.To)
	if err != nil {
		return err
	}
	for _, bill := range bills {
		err := orders.EachCleared(ctx, tx, custodyID, bill.ID, func(o *orders.Order) error {
			return t.order(o, bill.Date, ch)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *trial) order(o *orders.Order, clearing bizdate.Date, ch Channel) error {
	r := t.report
	r.Orders++
	if t.progress != nil && r.Orders%10_000 == 0 {
		t.progress(r.Orders)
	}
	fee, err := split.Fee(o.Amount, ch.FeePPM)
	if err != nil {
		return err
	}
	choice := t.rules.of(o.Member)
	rule := choice.inForce(clearing, o.Time)
	draft, chosen := t.next(o, clearing)
	if rule.config.byRequests() || draft.config.byRequests() { // head office will name the amounts
		r.Refused++
		return nil
	}
	chain, old, next := choice.chain, rule.scheme, draft.scheme
	before, err1 := old.Split(t.old[:0], chain, o.Amount, fee)
	after, err2 := next.Split(t.new[:0], chain, o.Amount, fee)
	if err1 != nil || err2 != nil {
		r.Refused++
		return nil
	}
	t.old, t.new = before.Parts, after.Parts
	if chosen {
		r.Chosen++
	}
	r.Amount += o.Amount // both sums stay below the books' own balances: no overflow
	r.Fee += fee
	for i, part := range before.Parts {
		t.line(old.Owner(i, chain)).Old += part
	}
	for i, part := range after.Parts {
		t.line(next.Owner(i, chain)).New += part
	}
	t.by[""].Old -= before.HeadOfficeFee()
	t.by[""].New -= after.HeadOfficeFee()
	return nil
}

// next returns the rule that the order would have with the draft in force: the
// draft where its scope covers the order and no more specific rule holds.
func (t *trial) next(o *orders.Order, clearing bizdate.Date) (rule *datedRule, chosen bool) {
	choice := t.others.of(o.Member)
	other := choice.inForce(clearing, o.Time)
	if t.draft.scope().covers(choice.channel, choice.chain) && t.draft.scope().weight() >= other.scope().weight() {
		return t.draft, true
	}
	return other, false
}

func (t *trial) line(code string) *TryLine {
	line := t.by[code]
	if line == nil {
		line = &TryLine{Code: code}
		t.by[code] = line
	}
	return line
}

// finish sums up. Both sides must be what the customers paid, less the fees.
func (t *trial) finish() error {
	r := t.report
	r.Lines = []TryLine{}
	for _, line := range t.by {
		line.Difference = line.New - line.Old
		r.Lines = append(r.Lines, *line)
		r.Total.Old, r.Total.New = r.Total.Old+line.Old, r.Total.New+line.New
	}
	slices.SortFunc(r.Lines, func(a, b TryLine) int { return strings.Compare(a.Code, b.Code) })
	r.Total.Difference = r.Total.New - r.Total.Old
	if r.Total.Old != r.Amount-r.Fee || r.Total.New != r.Amount-r.Fee {
		return fault.Broken("rule.try-sum", r.Total.Old, r.Total.New, r.Amount-r.Fee)
	}
	return nil
}
