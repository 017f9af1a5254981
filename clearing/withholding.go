package clearing

import (
	"context"
	"strconv"

	"custody/clearing/approval"
	"custody/clearing/flows"
	"custody/clearing/payout"
	"custody/internal/audit"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// Tax withheld from a person (代扣税款) leaves the member's withdrawable balance in
// the same voucher as the payout (E5a) and stands in 2201 under the owner TAX and
// the payout's reference until head office remits it (E5f), or until the payout
// fails or comes back and it returns with it. 2201 is what has left its owner and
// not yet left the bank account, which is just what it is: R9 covers it with cash,
// and R6 ties each item to its row of withholdings, so that neither can go astray
// alone. 2301 would mix it with what head office may spend, and 2302 is not covered.
const ownerTax = "TAX"

// eventRemit moves withheld tax to head office's own funds, from which it pays the
// tax office: it alone declares it (代扣税款缴纳).
const eventRemit = "E5f"

// withheldFrom is where the tax of a payout stands.
func withheldFrom(item string) subaccounts.Key { return inFlight(ownerTax, item) }

// Withholding is what was withheld from one payout. Fen.
type Withholding struct {
	Reference  string       `db:"reference" json:"reference"` // of the payout
	Member     string       `db:"member" json:"code"`
	Date       bizdate.Date `db:"accounting_date" json:"date"`
	Gross      money.Amount `db:"gross_fen" json:"gross_fen"`
	Withheld   money.Amount `db:"withheld_fen" json:"withheld_fen"`
	Rule       int          `db:"rule_version" json:"rule_version"`
	Back       bizdate.Date `db:"back_date" json:"back_date"`         // given back with its payout
	Remitted   bizdate.Date `db:"remitted_date" json:"remitted_date"` // to head office
	Remittance string       `db:"remittance" json:"remittance"`
}

const withholdingColumns = "reference, member, accounting_date, gross_fen, withheld_fen, rule_version, back_date, remitted_date, remittance"

// auditedWithholdings is the table as the audit log covers it.
var auditedWithholdings = audit.Table{Name: "withholdings", Key: []string{"reference"}, Columns: []string{"member", "accounting_date", "gross_fen",
	"withheld_fen", "rule_version", "back_date", "remitted_date", "remittance"}}

// monthOf returns the first and last possible date of a date's month.
func monthOf(date bizdate.Date) (first, last bizdate.Date) {
	return date/100*100 + 1, date/100*100 + 31
}

// withhold says what of a payout of a gross amount to a member stays behind, and by
// which version of the rule; version 0 where there is no rule or the member is no
// person. Tax is that of the month's payouts together less what was withheld of
// them, so what one payout had too little the next one makes up.
func (w *Work) withhold(ctx context.Context, tx *store.Tx, member string, gross money.Amount) (tax money.Amount, version int, err error) {
	rule, found, err := w.taxRule(ctx, tx, w.Date)
	if err != nil || !found {
		return 0, 0, err
	}
	i, known, err := w.Book.GetIdentity(ctx, tx, member)
	if err != nil || !known || i.Kind != subaccounts.Person {
		return 0, 0, err
	}
	var before struct {
		Gross    money.Amount `db:"gross"`
		Withheld money.Amount `db:"withheld"`
	}
	first, last := monthOf(w.Date)
	err = tx.Get(ctx, &before, `SELECT COALESCE(SUM(gross_fen), 0) AS gross, COALESCE(SUM(withheld_fen), 0) AS withheld FROM withholdings
		WHERE custody_id = ? AND member = ? AND accounting_date >= ? AND accounting_date <= ? AND back_date = 0`, w.Book.ID(), member, first, last)
	if err != nil {
		return 0, 0, err
	}
	sum, err := before.Gross.Add(gross)
	if err != nil {
		return 0, 0, fault.Invalid("ledger.overflow").Because(err)
	}
	due, err := rule.Tax(sum)
	return min(max(due-before.Withheld, 0), gross), rule.Version, err
}

// setAside are the legs of E5a: amount and fee are on their way, and so is the tax.
func setAside(p payout.Payout) []subaccounts.Leg {
	legs := []subaccounts.Leg{subaccounts.Debit(withdrawable(p.Member), p.Whole()+p.Withheld), subaccounts.Credit(inFlight(p.Member, p.Item()), p.Whole())}
	if p.Withheld > 0 {
		legs = append(legs, subaccounts.Credit(withheldFrom(p.Item()), p.Withheld))
	}
	return legs
}

// withheldNow records what E5a withheld, and tells the bank, which learns of the
// net amount alone by the payout's file.
func (w *Work) withheldNow(ctx context.Context, tx *store.Tx, p payout.Payout) error {
	if p.TaxVersion == 0 {
		return nil
	}
	row := Withholding{Reference: p.Item(), Member: p.Member, Date: w.Date, Gross: p.Amount + p.Withheld, Withheld: p.Withheld, Rule: p.TaxVersion}
	_, err := tx.Exec(ctx, "INSERT INTO withholdings (custody_id, "+withholdingColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, '')",
		w.Book.ID(), row.Reference, row.Member, row.Date, row.Gross, row.Withheld, row.Rule)
	if err == nil {
		err = auditedWithholdings.Record(ctx, tx, w.Book.ID(), w.Stamp, w.Actor, "tax.withhold", []any{row.Reference}, row)
	}
	if err != nil || p.Withheld == 0 {
		return err
	}
	v, found, err := w.Book.VoucherByReference(ctx, tx, eventApply, p.Item())
	if err != nil || !found {
		return firstErr(err, fault.Broken("batch.voucher", p.Item()))
	}
	return w.intendSubAccounts(ctx, tx, v, approval.Approval{Maker: v.Actor})
}

// taxBack are the legs by which what was withheld from a payout returns to the
// member with it, unless it was remitted: then head office claims it where it went.
func (w *Work) taxBack(ctx context.Context, tx *store.Tx, p payout.Payout) (legs []subaccounts.Leg, amount money.Amount, err error) {
	if p.Withheld == 0 {
		return nil, 0, nil
	}
	row, err := w.withholding(ctx, tx, p.Item())
	if err != nil || row.Remitted != 0 {
		return nil, 0, err
	}
	return []subaccounts.Leg{subaccounts.Debit(withheldFrom(p.Item()), p.Withheld)}, p.Withheld, nil
}

func (w *Work) withholding(ctx context.Context, tx *store.Tx, ref string) (Withholding, error) {
	var row Withholding
	found, err := tx.Find(ctx, &row, "SELECT "+withholdingColumns+" FROM withholdings WHERE custody_id = ? AND reference = ?", w.Book.ID(), ref)
	if err == nil && !found {
		err = fault.Broken("tax.row", ref)
	}
	return row, err
}

// withheldBack records that a payout ended without being paid: its amount no longer
// counts in its month.
func (w *Work) withheldBack(ctx context.Context, tx *store.Tx, p payout.Payout, date bizdate.Date) error {
	if p.TaxVersion == 0 {
		return nil
	}
	row, err := w.withholding(ctx, tx, p.Item())
	if err != nil || row.Remitted != 0 {
		return err
	}
	row.Back = date
	return w.moveWithholding(ctx, tx, "tax.back", row)
}

func (w *Work) moveWithholding(ctx context.Context, tx *store.Tx, action string, row Withholding) error {
	_, err := tx.Exec(ctx, "UPDATE withholdings SET back_date = ?, remitted_date = ?, remittance = ? WHERE custody_id = ? AND reference = ?",
		row.Back, row.Remitted, row.Remittance, w.Book.ID(), row.Reference)
	if err != nil {
		return err
	}
	return auditedWithholdings.Record(ctx, tx, w.Book.ID(), w.Stamp, w.Actor, action, []any{row.Reference}, row)
}

// Withholdings lists what was withheld in the month of a date, by date and reference.
func (e *Engine) Withholdings(ctx context.Context, month bizdate.Date) ([]Withholding, error) {
	list := []Withholding{}
	err := e.readOnly(ctx, func(tx *store.Tx) (err error) {
		list, err = e.withheldIn(ctx, tx, month)
		return err
	})
	return list, err
}

func (e *Engine) withheldIn(ctx context.Context, tx *store.Tx, month bizdate.Date) ([]Withholding, error) {
	list := []Withholding{}
	first, last := monthOf(month)
	err := tx.Select(ctx, &list, "SELECT "+withholdingColumns+` FROM withholdings WHERE custody_id = ? AND accounting_date >= ? AND accounting_date <= ?
		ORDER BY accounting_date, reference`, e.Book.ID(), first, last)
	return list, err
}

// addWithheld adds to what 2201 must hold at a cut the tax that is neither given
// back nor remitted (R6).
func (c *checker) addWithheld(want map[subaccounts.Key]money.Amount) error {
	var list []Withholding
	standing := "SELECT " + withholdingColumns + ` FROM withholdings WHERE custody_id = ? AND withheld_fen > 0 AND accounting_date <= ?
		AND (back_date = 0 OR back_date > ?) AND `
	id, date := c.w.Book.ID(), c.w.Date
	err := c.tx.Select(c.ctx, &list, standing+"remitted_date = 0 UNION ALL "+standing+store.Behind("remitted_date"), id, date, date, id, date, date, date)
	for _, row := range list {
		want[withheldFrom(row.Reference)] = row.Withheld
	}
	return err
}

// TaxRemittance moves the tax of a month to head office's own funds (E5f). Amount is
// what was withheld of paid payouts and not remitted; another is tax.changed.
type TaxRemittance struct {
	Reference string
	Month     bizdate.Date // any date of it
	Amount    money.Amount
}

// Remittable adds up what of a month's tax can be remitted: that of payouts which
// the bank has made. One that is on its way may still come back.
func (e *Engine) Remittable(ctx context.Context, month bizdate.Date) (sum money.Amount, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		list, err := e.remittable(ctx, tx, month)
		for _, row := range list {
			sum += row.Withheld
		}
		return err
	})
	return sum, err
}

func (e *Engine) remittable(ctx context.Context, tx *store.Tx, month bizdate.Date) ([]Withholding, error) {
	all, err := e.withheldIn(ctx, tx, month)
	if err != nil {
		return nil, err
	}
	var list []Withholding
	for _, row := range all {
		if row.Withheld == 0 || row.Back != 0 || row.Remitted != 0 {
			continue
		}
		var paid int
		err := tx.Get(ctx, &paid, `SELECT COUNT(*) FROM payouts WHERE custody_id = ? AND state = 'SUCCESS' AND (serial = ? OR request = ?)`,
			e.Book.ID(), row.Reference, row.Reference)
		if err != nil {
			return nil, err
		}
		if paid > 0 {
			list = append(list, row)
		}
	}
	return list, nil
}

// remitTax posts a remittance.
func remitTax(ctx context.Context, w *Work, j flows.Journal, r TaxRemittance, id string) error {
	if err := j.Decided(ctx, id, eventRemit, r); err != nil {
		return err
	}
	list, err := w.remittable(ctx, j.Tx, r.Month)
	if err != nil {
		return err
	}
	var sum money.Amount
	var legs []subaccounts.Leg
	for _, row := range list {
		sum += row.Withheld
		legs = append(legs, subaccounts.Debit(withheldFrom(row.Reference), row.Withheld))
		row.Remitted, row.Remittance = j.Date, r.Reference
		if err := w.moveWithholding(ctx, j.Tx, "tax.remit", row); err != nil {
			return err
		}
	}
	if sum != r.Amount || sum == 0 {
		return fault.Invalid("tax.changed", strconv.Itoa(int(r.Month/100)), sum, r.Amount).On("MONTH", r.Month.String())
	}
	return j.Post(ctx, eventRemit, r.Reference, append(legs, subaccounts.Credit(subaccounts.Key{Code: "2301"}, sum))...)
}
