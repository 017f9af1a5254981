package clearing

import (
	"context"
	"regexp"
	"strings"

	"custody/clearing/approval"
	"custody/clearing/corporate"
	"custody/clearing/exceptions"
	"custody/clearing/payout"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// All money leaves the custody account by one way, whoever asked for it: payment
// order, route, batch, maker and checker, file, answer and statement. What
// differs is where the money was before, and so which events say that it is on
// its way, was paid, never left, or came back.

// Owners in 2201 of payments that are no member's.
const (
	ownerHeadOffice = "HQ"
	ownerPayer      = "UNK"
	ownerConsumer   = "REFUND"
	ownerCourt      = "COURT"
)

// Payee is who is paid. Exactly one of CNAPS (联行号) and SuperBank (超级网银号) is
// set where rails are configured; without rails CNAPS alone.
type Payee struct {
	Name, Account, Bank, CNAPS, SuperBank string
}

// PaymentOrder is a payment that was decided or asked for. Its money must stand
// in 2201 under Owner and Reference already; that of a micro-payment in 2306.
// Fee is on top of Amount; both fen.
type PaymentOrder struct {
	Kind       payout.Kind
	Owner      string // of 2201: member, HQ, UNK, REFUND, COURT
	Reference  string // unique within the kind; also of the voucher that set the money aside
	Payee      Payee
	Amount     money.Amount
	Fee        money.Amount
	Purpose    string       // empty: that of custody.yaml
	ApprovalID string       // of the two people who decided it; a member's own withdrawal has none
	Withheld   money.Amount // tax that stays behind, beside Amount; of a withdrawal alone
	TaxVersion int
}

// paymentKind is what is posted for a kind of payouts.
type paymentKind struct {
	owner string // required one, "" for a member
	apply string // event of the voucher that set the money aside
	paid  string // event of the payment
	fees  subaccounts.Key
	// decided: two people have decided before the order is made.
	decided bool
}

// paymentKinds are the kinds of payouts and their events. Fees of members are
// head office's (2302), those of head office are the bank's (2502); nobody else
// pays any.
var paymentKinds = map[payout.Kind]paymentKind{
	payout.Settlement:    {apply: eventApply, paid: eventPaid, fees: payoutFees},
	payout.Withdrawal:    {apply: eventApply, paid: eventPaid, fees: payoutFees},
	payout.HeadOffice:    {owner: ownerHeadOffice, apply: "E8b", paid: "E8c", fees: subaccounts.Key{Code: "2502"}, decided: true},
	payout.ReturnToPayer: {owner: ownerPayer, apply: "E9d", paid: "E9e", decided: true},
	payout.RefundByHand:  {owner: ownerConsumer, apply: "E22c", paid: "E22d", decided: true},
	payout.Court:         {owner: ownerCourt, apply: "E12b", paid: "E12c", decided: true},
	payout.Micro:         {paid: "E15"},
}

// verificationFund is head office's account for micro-payments (打款验证户).
var verificationFund = subaccounts.Key{Code: "2306"}

// follower is told what became of a payment of its kind: payout.Success, Failed,
// Returned or Cancelled. It works in the same transaction.
type follower func(w *Work, ctx context.Context, tx *store.Tx, p payout.Payout) error

// followers tells for each kind who must know. A kind without one needs nobody.
func followers() map[payout.Kind]follower {
	return map[payout.Kind]follower{
		payout.Micro: (*Work).microEnded,
	}
}

// followed tells the kind's follower.
func (w *Work) followed(ctx context.Context, tx *store.Tx, p payout.Payout) error {
	if f := followers()[p.Kind]; f != nil {
		return f(w, ctx, tx, p)
	}
	return nil
}

// serialForm is what our serials look like; a reference of that form could
// meet one of them in 2201 and in E5a.
var serialForm = regexp.MustCompile(`^\d{14}$`)

// orderPayment records a payment order; the next batch takes it. The same
// reference with the same content is a no-op, with other content
// payment.conflict. Money that does not stand ready is payment.money, a payee
// that only head office may pay is payment.corporate, a decision without two
// people is payment.approval. An order is dated the day that is collecting.
func (w *Work) orderPayment(ctx context.Context, tx *store.Tx, o PaymentOrder) error {
	if err := w.checkPayment(o); err != nil {
		return err
	}
	date, err := w.collectingDay(ctx, tx)
	if err != nil {
		return err
	}
	added, err := payout.AddOrder(ctx, tx, w.Book.ID(), payout.Order{Kind: o.Kind, Reference: o.Reference, Owner: o.Owner,
		AccountName: o.Payee.Name, AccountNo: o.Payee.Account, BankName: o.Payee.Bank, CNAPS: o.Payee.CNAPS, SuperBank: o.Payee.SuperBank,
		Amount: o.Amount, Fee: o.Fee, Purpose: o.Purpose, ApprovalID: o.ApprovalID, Actor: w.Actor, Applied: date,
		Withheld: o.Withheld, TaxVersion: o.TaxVersion})
	if err != nil || !added {
		return err
	}
	if err := payout.AuditedOrders.Record(ctx, tx, w.Book.ID(), w.Stamp, w.Actor, "payment.order", []any{o.Kind, o.Reference}, nil); err != nil {
		return err
	}
	if err := w.checkDecided(ctx, tx, o); err != nil {
		return err
	}
	return w.checkSetAside(ctx, tx, o)
}

// checkPayment looks at the order alone.
func (w *Work) checkPayment(o PaymentOrder) error {
	kind, known := paymentKinds[o.Kind]
	toCorporate := corporate.Plain(o.Payee.Account) == corporate.Plain(w.Config.Corporate.Account)
	switch {
	case !known || o.Kind == payout.Settlement:
		return fault.Invalid("payment.kind", string(o.Kind))
	case o.Reference == "" || len(o.Reference) > referenceMax || strings.ContainsAny(o.Reference, "|\n\r\t ") || serialForm.MatchString(o.Reference):
		return fault.Invalid("payment.reference", referenceMax).On("reference", o.Reference)
	case o.Owner == "" || kind.owner != "" && o.Owner != kind.owner:
		return fault.Invalid("payment.owner", string(o.Kind)).On("owner", o.Owner)
	case o.Amount <= 0 || o.Fee < 0 || o.Fee > 0 && kind.fees.Code == "":
		return fault.Invalid("payment.amount", o.Amount, o.Fee).On("reference", o.Reference)
	case o.Payee.Account == "" || o.Payee.Name == "":
		return fault.Invalid("payment.payee").On("reference", o.Reference)
	case o.Payee.CNAPS == "" && o.Payee.SuperBank == "" || len(w.Config.Payout.Rails) == 0 && o.Payee.CNAPS != "" && o.Payee.SuperBank != "":
		return fault.Invalid("payment.bank").On("reference", o.Reference)
	case toCorporate && o.Kind != payout.HeadOffice:
		return fault.Invalid("payment.corporate", Mask(o.Payee.Account)).On("reference", o.Reference)
	case !toCorporate && o.Kind == payout.HeadOffice:
		return fault.Invalid("payment.not-corporate", Mask(o.Payee.Account)).On("reference", o.Reference)
	}
	return nil
}

// referenceMax is the longest reference: it is an item of the ledger and goes
// into the file for the bank.
const referenceMax = 64

// checkDecided refuses what two people must decide and have not.
func (w *Work) checkDecided(ctx context.Context, tx *store.Tx, o PaymentOrder) error {
	if !paymentKinds[o.Kind].decided {
		return nil
	}
	a, found, err := approval.Find(ctx, tx, w.Book.ID(), o.ApprovalID)
	if err != nil {
		return err
	}
	if !found || a.State != approval.Approved || a.Checker == nil || *a.Checker == a.Maker {
		return fault.Invalid("payment.approval", o.Reference).On("approval", o.ApprovalID)
	}
	return a.Intact()
}

// checkSetAside refuses an order whose money is not exactly on its way.
func (w *Work) checkSetAside(ctx context.Context, tx *store.Tx, o PaymentOrder) error {
	if o.Kind == payout.Micro {
		return nil // stays in 2306 until the bank has paid
	}
	ready, err := w.Book.Balance(ctx, tx, inFlight(o.Owner, o.Reference))
	if err != nil {
		return err
	}
	if whole, err := o.Amount.Add(o.Fee); err != nil || -ready != whole {
		return fault.Invalid("payment.money", o.Reference, -ready, o.Amount, o.Fee).Because(err)
	}
	_, found, err := w.Book.VoucherByReference(ctx, tx, paymentKinds[o.Kind].apply, o.Reference)
	if err == nil && !found {
		err = fault.Invalid("payment.money", o.Reference, -ready, o.Amount, o.Fee)
	}
	return err
}

// payoutOf makes the row of a batch out of an order.
func payoutOf(o payout.Order) payout.Payout {
	return payout.Payout{Kind: o.Kind, Request: o.Reference, Member: o.Owner, AccountNo: o.AccountNo, AccountName: o.AccountName,
		BankName: o.BankName, CNAPS: o.CNAPS, SuperBank: o.SuperBank, Amount: o.Amount, Fee: o.Fee, Purpose: o.Purpose,
		Withheld: o.Withheld, TaxVersion: o.TaxVersion}
}

// paidPosting is the voucher of a payment (E5b and its like): what was on its way
// has left the bank account, the fee is whose it is. A micro-payment leaves 2306,
// where it had stayed.
func paidPosting(p payout.Payout, date bizdate.Date, src string) subaccounts.Posting {
	kind := paymentKinds[p.Kind]
	from := inFlight(p.Member, p.Item())
	if p.Kind == payout.Micro {
		from = verificationFund
	}
	legs := []subaccounts.Leg{subaccounts.Debit(from, p.Whole()), subaccounts.Credit(bank, p.Amount)}
	if p.Fee > 0 {
		legs = append(legs, subaccounts.Credit(kind.fees, p.Fee))
	}
	return subaccounts.Posting{Date: date, Event: kind.paid, Reference: p.Item(), Source: src, Legs: legs}
}

// giveBack posts that a payout never left. Members' money goes to the
// withdrawable balance (E5c), as the table of events says. Of the other kinds the
// voucher that had set the money aside is taken back in red (E17): the money
// stands again exactly where it was, own funds in 2301, a receipt or a refund in
// 2401 under its item, frozen money under its document, and nobody can mistake
// what never happened for a new event. A micro-payment had stayed in 2306.
func (w *Work) giveBack(ctx context.Context, tx *store.Tx, p payout.Payout, date bizdate.Date, src string) error {
	switch {
	case p.Kind == payout.Micro:
		return nil
	case p.Kind.OfMember():
		return w.giveBackToMember(ctx, tx, p, date, src)
	}
	return w.takeBack(ctx, tx, p, date, src)
}

// giveBackToMember posts E5c: with the payout returns what was withheld from it.
func (w *Work) giveBackToMember(ctx context.Context, tx *store.Tx, p payout.Payout, date bizdate.Date, src string) error {
	legs, tax, err := w.taxBack(ctx, tx, p)
	if err != nil {
		return err
	}
	legs = append([]subaccounts.Leg{subaccounts.Debit(inFlight(p.Member, p.Item()), p.Whole()), subaccounts.Credit(withdrawable(p.Member), p.Whole()+tax)}, legs...)
	err = w.post(ctx, tx, subaccounts.Posting{Date: date, Event: eventRefused, Reference: p.Item(), Source: src, Legs: legs})
	if err = firstErr(err, w.withheldBack(ctx, tx, p, date)); err != nil || tax == 0 {
		return err
	}
	v, found, err := w.Book.VoucherByReference(ctx, tx, eventRefused, p.Item())
	if err != nil || !found {
		return firstErr(err, fault.Broken("batch.voucher", p.Item()))
	}
	return w.tellLater(ctx, tx, v) // the night posts it: the bank's list of the day is made
}

// takeBack reverses in red the voucher that set the money of a payout aside, and
// sees to it that money which is in suspense again is again somebody's work.
func (w *Work) takeBack(ctx context.Context, tx *store.Tx, p payout.Payout, date bizdate.Date, src string) error {
	if p.Kind == payout.Micro {
		return nil
	}
	v, found, err := w.Book.VoucherByReference(ctx, tx, paymentKinds[p.Kind].apply, p.Item())
	if err != nil || !found {
		return firstErr(err, fault.Broken("batch.voucher", p.Item()))
	}
	out, err := w.Book.Reverse(ctx, tx, w.Actor, w.Stamp, v.ID, date, src)
	if err != nil {
		return err
	}
	if err := w.withheldBack(ctx, tx, p, date); err != nil {
		return err
	}
	if !p.Kind.OfMember() || p.Withheld > 0 { // of members' payouts the bank hears when they are sent, and this one was not
		if err := w.tellReversal(ctx, tx, out.VoucherID); err != nil {
			return err
		}
	}
	for _, e := range v.Entries {
		if e.Amount > 0 && e.Code == "2401" {
			if err := w.reopenSuspense(ctx, tx, e.Item, e.Amount, date); err != nil {
				return err
			}
		}
	}
	return nil
}

// reopenSuspense opens an exception about money that is in 2401 again, of the
// kind that it had before: every item there is somebody's open work (R10).
func (w *Work) reopenSuspense(ctx context.Context, tx *store.Tx, item string, amount money.Amount, date bizdate.Date) error {
	x := exceptions.Exception{Kind: exceptions.UnknownPayer, Subject: item, Amount: amount}
	all, err := exceptions.About(ctx, tx, w.Book.ID(), item)
	if err != nil {
		return err
	}
	for _, e := range all {
		x.Kind, x.Channel, x.ClearingDate, x.Member, x.Theirs = e.Kind, e.Channel, e.ClearingDate, e.Member, e.Theirs
	}
	at := *w
	at.Date = date
	return at.openAgain(ctx, tx, x)
}

// returnLegs is 退票入户 (E5e): what left and came back goes to where it had been
// before it was set aside. It is a new event and no reversal: the payment did
// happen and stays in the books, and the fee is given back by head office's rule,
// to members alone, because the bank keeps its own.
func (w *Work) returnLegs(ctx context.Context, tx *store.Tx, p payout.Payout) ([]subaccounts.Leg, error) {
	legs := []subaccounts.Leg{subaccounts.Debit(returned(p.Member, p.Serial), p.Amount)}
	back := p.Amount
	switch {
	case p.Kind == payout.Micro:
		return append(legs, subaccounts.Credit(verificationFund, back)), nil
	case p.Kind.OfMember():
		if w.Config.Payout.FeeBack && p.Fee > 0 {
			back += p.Fee
			legs = append(legs, subaccounts.Debit(payoutFees, p.Fee))
		}
		tax, amount, err := w.taxBack(ctx, tx, p)
		if err != nil {
			return nil, err
		}
		back, legs = back+amount, append(legs, tax...)
		return append(legs, subaccounts.Credit(withdrawable(p.Member), back)), nil
	}
	v, found, err := w.Book.VoucherByReference(ctx, tx, paymentKinds[p.Kind].apply, p.Item())
	if err != nil || !found {
		return nil, firstErr(err, fault.Broken("batch.voucher", p.Item()))
	}
	for _, e := range v.Entries {
		if part := min(e.Amount, back); part > 0 {
			legs = append(legs, subaccounts.Credit(e.Key, part))
			back -= part
		}
	}
	return legs, nil
}
