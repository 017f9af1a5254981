package clearing

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"custody/bankfiles"
	"custody/bankfiles/payfile"
	"custody/clearing/approval"
	"custody/clearing/outbox"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// subAccountEffect is the kind of instruction files (分户指令) of what people
// start themselves; the subject is the voucher. The bank keeps its own sub-ledger
// and cannot know of a transfer or a freeze: without these files its list of
// balances would differ from the books ever after (R8).
const subAccountEffect = "sub-account"

// intendSubAccounts records what the bank must change, in the transaction that
// posts the voucher.
func (w *Work) intendSubAccounts(ctx context.Context, tx *store.Tx, v subaccounts.Voucher, as approval.Approval) error {
	return w.intendOn(ctx, tx, v.Date, v, as)
}

// tellLater records the change for the day after the voucher's: a night books
// what the bank's list of that day no longer takes in.
func (w *Work) tellLater(ctx context.Context, tx *store.Tx, v subaccounts.Voucher) error {
	return w.intendOn(ctx, tx, v.Date.AddDays(1), v, approval.Approval{Maker: v.Actor})
}

func (w *Work) intendOn(ctx context.Context, tx *store.Tx, date bizdate.Date, v subaccounts.Voucher, as approval.Approval) error {
	if len(subAccountItems(v)) == 0 {
		return nil
	}
	var n int
	err := tx.Get(ctx, &n, "SELECT COUNT(*) FROM outbox WHERE custody_id = ? AND accounting_date = ? AND kind = ?", w.Book.ID(), date, subAccountEffect)
	if err != nil {
		return err
	}
	no := fmt.Sprintf("SI%s-A%04d", date.Compact(), n+1)
	raw, err := subAccountFile(no, date, v, as)
	if err != nil {
		return err
	}
	return outbox.Intend(ctx, tx, w.Book.ID(), w.Stamp, outbox.Effect{Date: date, Kind: subAccountEffect, Subject: v.Event + ":" + v.Reference,
		FileName: no + ".txt", SHA256: digestOf(raw)})
}

// tellReversal tells the bank what a payout that never left gives back to a
// member's sub-account: frozen money that an authority was to get.
func (w *Work) tellReversal(ctx context.Context, tx *store.Tx, voucher int64) error {
	v, found, err := w.Book.VoucherByID(ctx, tx, voucher)
	if err != nil || !found {
		return err
	}
	return w.intendSubAccounts(ctx, tx, v, approval.Approval{Maker: v.Actor})
}

// oneActor stands for the checker of what one person may do.
const oneActor = "-"

// subAccountFile returns the bytes for the bank; they follow from the voucher
// and from who decided.
func subAccountFile(no string, date bizdate.Date, v subaccounts.Voucher, as approval.Approval) ([]byte, error) {
	f := bankfiles.InstructionFile{No: no, Date: date, Maker: as.Maker, Checker: oneActor, Items: subAccountItems(v)}
	if as.Checker != nil {
		f.Checker = *as.Checker
	}
	var out bytes.Buffer
	err := payfile.WriteInstruct(&out, &f)
	return out.Bytes(), err
}

// subAccountItems says per member what a voucher changes of what the bank knows:
// available is 2001 and 2002 together, frozen is 2003.
func subAccountItems(v subaccounts.Voucher) []bankfiles.InstructionItem {
	type change struct{ available, frozen money.Amount }
	changes := map[string]*change{}
	var members []string
	for _, e := range taxAlone(v) {
		if e.Code != "2001" && e.Code != "2002" && e.Code != "2003" {
			continue
		}
		c := changes[e.Owner]
		if c == nil {
			c = &change{}
			changes[e.Owner], members = c, append(members, e.Owner)
		}
		if e.Code == "2003" {
			c.frozen -= e.Amount
		} else {
			c.available -= e.Amount
		}
	}
	slices.Sort(members)
	var items []bankfiles.InstructionItem
	add := func(kind bankfiles.InstructionKind, member string, amount money.Amount) {
		if amount > 0 {
			seq := len(items) + 1
			items = append(items, bankfiles.InstructionItem{Seq: seq, Kind: kind, Member: member, Amount: amount,
				Reference: fmt.Sprintf("%s:%s/%d", v.Event, v.Reference, seq)})
		}
	}
	for _, m := range members {
		c := changes[m]
		if c.frozen > 0 && c.available >= 0 { // a deduction that is taken back: in, then frozen
			add(bankfiles.InstructCredit, m, c.available+c.frozen)
			add(bankfiles.InstructFreeze, m, c.frozen)
			continue
		}
		froze, thawed := max(min(-c.available, c.frozen), 0), max(min(c.available, -c.frozen), 0)
		add(bankfiles.InstructFreeze, m, froze)
		add(bankfiles.InstructThaw, m, thawed)
		add(bankfiles.InstructDebit, m, -c.available-froze)
		add(bankfiles.InstructCredit, m, c.available-thawed)
		add(bankfiles.InstructDeduct, m, -c.frozen-thawed)
	}
	return items
}

// taxAlone returns what of a voucher the bank hears by an instruction: of a payout
// to a person the tax, since the payment's own file tells of the rest; of any other
// voucher all.
func taxAlone(v subaccounts.Voucher) []subaccounts.Entry {
	var tax money.Amount
	member := ""
	for _, e := range v.Entries {
		switch {
		case e.Code == "2201" && e.Owner == ownerTax:
			tax += e.Amount
		case e.Code == "2001":
			member = e.Owner
		}
	}
	if tax == 0 || member == "" {
		return v.Entries
	}
	return []subaccounts.Entry{{Key: withdrawable(member), Amount: -tax}}
}

// subAccountOf makes the bytes of a recorded instruction again.
func (e *Engine) subAccountOf(ctx context.Context, tx *store.Tx, p outbox.Effect) ([]byte, error) {
	event, reference, _ := strings.Cut(p.Subject, ":")
	v, found, err := e.Book.VoucherByReference(ctx, tx, event, reference)
	if err != nil || !found {
		return nil, firstErr(err, fault.Broken("action.unposted", p.Subject))
	}
	as := approval.Approval{Maker: v.Actor}
	list, err := approval.Of(ctx, tx, e.Book.ID(), event, p.Subject)
	for _, a := range list {
		if a.State == approval.Approved {
			as = a
		}
	}
	if err != nil {
		return nil, err
	}
	return subAccountFile(strings.TrimSuffix(p.FileName, ".txt"), p.Date, v, as)
}

// toldLater returns what the books gave members on a date of which the bank
// hears with the next day's instructions, available only.
func (w *Work) toldLater(ctx context.Context, tx *store.Tx, date bizdate.Date) (map[string]money.Amount, error) {
	next, err := outbox.All(ctx, tx, w.Book.ID(), date.AddDays(1))
	if err != nil {
		return nil, err
	}
	later := map[string]money.Amount{}
	for _, p := range next {
		event, reference, _ := strings.Cut(p.Subject, ":")
		if p.Kind != subAccountEffect {
			continue
		}
		v, _, err := w.Book.VoucherByReference(ctx, tx, event, reference)
		if err != nil {
			return nil, err
		}
		for _, e := range taxAlone(v) {
			if v.Date == date && (e.Code == "2001" || e.Code == "2002") {
				later[e.Owner] -= e.Amount
			}
		}
	}
	return later, nil
}
