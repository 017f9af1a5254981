package clearing

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"time"

	"custody/clearing/approval"
	"custody/clearing/corporate"
	"custody/clearing/identity"
	"custody/clearing/payout"
	"custody/clearing/people"
	"custody/clearing/signedorder"
	"custody/internal/atomicfile"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/signing"
	"custody/internal/store"
)

// signedOrderKind is the kind of approval of a payment that head office's key asked for.
const signedOrderKind = "signed-order"

// SignedOrders is what became of a file of payment orders.
type SignedOrders struct {
	File    string              `json:"file"`
	Key     string              `json:"key"`
	Owner   string              `json:"owner"`
	Orders  []SignedOrderResult `json:"orders"`
	Done    int                 `json:"done"`
	Refused int                 `json:"refused"`
}

// SignedOrderResult is what became of one order: Refusal is the code of what
// stands against it, else Reference names the withdrawal or the approval.
type SignedOrderResult struct {
	ID        string              `json:"id"`
	Outcome   signedorder.Outcome `json:"outcome"`
	Reference string              `json:"reference"`
	Refusal   string              `json:"refusal"`
}

// SignedPayment is what two people decide about an order of head office's key.
type SignedPayment struct {
	Order      signedorder.Order     `json:"order"`
	KeyID      string                `json:"key_id"`
	Amount     money.Amount          `json:"amount_fen"`
	Reference  string                `json:"reference"`
	HeadOffice *HeadOfficeWithdrawal `json:"head_office,omitempty"` // where it pays head office itself
}

// ImportSignedOrders takes in a file of payment orders with its detached
// signature. What is looked at, and in this order: size, signature, form of the
// file, and of each order its time, whether it was seen before, and what it says.
// A file that fails one of the first three is refused whole. An order that is
// refused stops no other; the faults name their lines. An order of a member's own
// key is a withdrawal; one of head office's key waits for a checker.
func (e *Engine) ImportSignedOrders(ctx context.Context, actor, path, signaturePath string) (*SignedOrders, error) {
	w := e.work(0, actor, nil)
	name := filepath.Base(path)
	raw, err := readSmall(path, signedorder.FileMax, "signedorder.size")
	if err != nil {
		return nil, err
	}
	signature, err := readSmall(signaturePath, signing.DetachedMax, "signing.detached")
	if err != nil {
		return nil, err
	}
	key, err := w.signedBy(ctx, raw, signature)
	if err != nil {
		return nil, inFile(err, name)
	}
	orders, err := signedorder.Parse(raw)
	if err != nil {
		return nil, inFile(err, name)
	}
	if err := w.keepOrders(name, raw, signature); err != nil {
		return nil, err
	}
	report := &SignedOrders{File: name, Key: key.Name, Owner: key.Owner, Orders: make([]SignedOrderResult, 0, len(orders))}
	var bad fault.List
	for _, o := range orders {
		result, err := w.takeOrder(ctx, key, o, digestOf(raw))
		f := fault.Of(err)
		if err != nil && (f == nil || f.Kind != fault.Bad) {
			return report, err
		}
		if f != nil {
			report.Refused++
			result = SignedOrderResult{ID: o.ID, Outcome: signedorder.Refused, Refusal: f.Code}
			bad = append(bad, f.In(name).AtLine(o.Line))
		} else {
			report.Done++
		}
		report.Orders = append(report.Orders, result)
	}
	return report, bad.Err()
}

// readSmall reads a file of at most limit bytes.
func readSmall(path string, limit int64, code string) ([]byte, error) {
	name := filepath.Base(path)
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Invalid("file.read", name).In(name).Because(err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, fault.Invalid("file.read", name).In(name).Because(err)
	case int64(len(raw)) > limit:
		return nil, fault.Invalid(code, limit).In(name)
	}
	return raw, nil
}

func inFile(err error, name string) error {
	if f := fault.Of(err); f != nil && f.File == "" {
		return f.In(name)
	}
	return err
}

// signedBy returns the registered key under which the signature of the bytes
// holds. Nothing of the bytes has been read before.
func (w *Work) signedBy(ctx context.Context, raw, signature []byte) (k signedorder.Key, err error) {
	d, err := signing.ParseDetached(signature)
	if err != nil {
		return k, err
	}
	err = w.readOnly(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, w.Actor, people.Make); err != nil {
			return err
		}
		k, err = w.activeKey(ctx, tx, d.KeyID)
		return err
	})
	if err != nil {
		return k, err
	}
	pub, err := k.Public()
	if err != nil {
		return k, err
	}
	return k, d.VerifyFile(pub, raw)
}

// keepOrders keeps what was signed and the signature: the proof of who asked.
func (w *Work) keepOrders(name string, raw, signature []byte) error {
	vault := filepath.Join(w.Home, "vault")
	path := filepath.Join(vault, digestOf(raw)[:16]+"-"+name)
	return firstErr(os.MkdirAll(vault, 0o700), atomicfile.WriteFile(path, raw, 0o600),
		atomicfile.WriteFile(path+signing.SignatureSuffix, signature, 0o600))
}

// takeOrder decides one order. What it says is looked at in the transaction that
// takes its number and nonce; where it is refused for that, they stay taken: a
// refused order is not left lying about to be tried again.
func (w *Work) takeOrder(ctx context.Context, k signedorder.Key, o signedorder.Order, sha string) (r SignedOrderResult, err error) {
	seen := signedorder.Seen{Owner: k.Owner, ID: o.ID, Nonce: o.Nonce, KeyID: k.ID, FileSHA: sha, Actor: w.Actor}
	said := false // the order came so far that what it says was read
	err = w.DB.Tx(ctx, func(tx *store.Tx) error {
		said = false
		now, err := w.orderTime(ctx, tx)
		if err != nil {
			return err
		}
		if _, err := w.activeKey(ctx, tx, k.ID); err != nil { // revoked since
			return err
		}
		if err := firstErr(o.Timely(now), o.Named()); err != nil {
			return err
		}
		if seen.Decided, err = w.collectingDay(ctx, tx); err != nil {
			return err
		}
		seen.Outcome, seen.Reference, seen.Refusal = signedorder.Applied, signedorder.Reference(k.Owner, o.ID), ""
		if k.Owner == signedorder.HeadOffice {
			seen.Outcome = signedorder.Submitted
		}
		if err := signedorder.Add(ctx, tx, w.Book.ID(), w.Stamp, seen); err != nil {
			return err
		}
		said = true
		return w.carryOut(ctx, tx, k, o, seen)
	})
	if f := fault.Of(err); said && f != nil && f.Kind == fault.Bad {
		return r, firstErr(w.recordRefusal(ctx, seen, f.Code), err)
	}
	return SignedOrderResult{ID: o.ID, Outcome: seen.Outcome, Reference: seen.Reference}, err
}

// recordRefusal takes the number and nonce of a refused order. Where another
// import was faster, they are taken already.
func (w *Work) recordRefusal(ctx context.Context, seen signedorder.Seen, code string) error {
	seen.Outcome, seen.Reference, seen.Refusal = signedorder.Refused, "", code
	err := w.DB.Tx(ctx, func(tx *store.Tx) error { return signedorder.Add(ctx, tx, w.Book.ID(), w.Stamp, seen) })
	if fault.CodeOf(err) == "signedorder.replay" {
		return nil
	}
	return err
}

// orderTime is the instant at which orders must be good: now, and in a replayed
// home the hour at which the day that is collecting draws its payments.
func (w *Work) orderTime(ctx context.Context, tx *store.Tx) (time.Time, error) {
	if w.Config.Clock == Live {
		return w.Stamp, nil
	}
	date, err := w.today(ctx, tx)
	if err == nil && date.IsZero() {
		err = fault.Wait("day.none")
	}
	if err != nil {
		return time.Time{}, err
	}
	return instant(stepBatch, date), nil
}

// carryOut makes an order of a member's key a withdrawal, and one of head office's
// a payment that waits for a checker. A member's key pays out of his own account
// alone: signedorder.owner.
func (w *Work) carryOut(ctx context.Context, tx *store.Tx, k signedorder.Key, o signedorder.Order, seen signedorder.Seen) error {
	amount, err := o.Check(w.Config.Code)
	if err != nil {
		return err
	}
	p := SignedPayment{Order: o, KeyID: k.ID, Amount: amount, Reference: seen.Reference}
	if k.Owner != signedorder.HeadOffice {
		if o.Payer != k.Owner {
			return fault.Invalid("signedorder.owner", k.Owner).On("payer", o.Payer)
		}
		return w.withdrawSigned(ctx, tx, p, seen.Decided)
	}
	if o.Payer == signedorder.HeadOffice {
		if err := w.samePayee(o.Payee, w.corporatePayee()); err != nil {
			return err
		}
		h, err := w.planHeadOffice(ctx, tx, p.Reference, amount, 0)
		if err != nil {
			return err
		}
		h.Purpose = o.Purpose
		p.HeadOffice = &h
	} else if err := w.checkSigned(ctx, tx, p, seen.Decided); err != nil {
		return err
	}
	return approval.Submit(ctx, tx, w.Book.ID(), w.Stamp, w.Actor, p.Reference, signedOrderKind, p.Reference, p)
}

// checkSigned holds a payment out of a member's account to everything that a
// withdrawal is held to, and its payee to the member's bound account.
func (w *Work) checkSigned(ctx context.Context, tx *store.Tx, p SignedPayment, date bizdate.Date) error {
	w.Date = date
	o := p.Order
	err := w.checkPayment(PaymentOrder{Kind: payout.Withdrawal, Owner: o.Payer, Reference: p.Reference, Amount: p.Amount,
		Payee: Payee{Name: o.Payee.Name, Account: o.Payee.Account, CNAPS: o.Payee.CNAPS, SuperBank: o.Payee.SuperBank}})
	if err != nil {
		return err
	}
	old, found, err := payout.FindOrder(ctx, tx, w.Book.ID(), payout.Withdrawal, p.Reference)
	if err != nil {
		return err
	}
	if found { // somebody typed our reference
		return fault.Invalid("payment.conflict", p.Reference, old.Owner, old.Amount).On("id", o.ID)
	}
	bound, err := w.payable(ctx, tx, o.Payer)
	if err != nil {
		return err
	}
	return firstErr(w.samePayee(o.Payee, Payee{Name: bound.AccountName, Account: bound.AccountNo, CNAPS: bound.CNAPS}),
		w.withinLimits(ctx, tx, Withdrawal{Member: o.Payer, Amount: p.Amount, Reference: p.Reference}, bound))
}

// withdrawSigned makes a payment order a withdrawal of its payer.
func (w *Work) withdrawSigned(ctx context.Context, tx *store.Tx, p SignedPayment, date bizdate.Date) error {
	if err := w.checkSigned(ctx, tx, p, date); err != nil {
		return err
	}
	_, err := w.withdraw(ctx, tx, Withdrawal{Member: p.Order.Payer, Amount: p.Amount, Reference: p.Reference, Purpose: p.Order.Purpose})
	return err
}

func (w *Work) corporatePayee() Payee {
	c := w.Config.Corporate
	return Payee{Name: c.Name, Account: c.Account, CNAPS: c.CNAPS, SuperBank: c.SuperBank}
}

// samePayee refuses a payee that is not the one account that the payer may pay
// to: signedorder.stranger.
func (w *Work) samePayee(asked signedorder.Payee, is Payee) error {
	if corporate.Plain(asked.Account) != corporate.Plain(is.Account) || identity.SameName(is.Name, asked.Name) != nil ||
		asked.CNAPS != "" && asked.CNAPS != is.CNAPS || asked.SuperBank != "" && asked.SuperBank != is.SuperBank {
		return fault.Invalid("signedorder.stranger", Mask(asked.Account)).On("payee", asked.Name)
	}
	return nil
}

// decideSignedOrder pays what head office's key asked for and a checker approved,
// if the key still stands and the order is still good.
func (w *Work) decideSignedOrder(ctx context.Context, tx *store.Tx, a approval.Approval, to approval.State, d *Decision) error {
	if to == approval.Rejected {
		return nil
	}
	var p SignedPayment
	if err := json.Unmarshal([]byte(a.Content), &p); err != nil {
		return err
	}
	now, err := w.orderTime(ctx, tx)
	if err != nil {
		return err
	}
	if _, err := w.activeKey(ctx, tx, p.KeyID); err != nil {
		return err
	}
	if err := p.Order.Timely(now); err != nil {
		return err
	}
	if p.HeadOffice != nil {
		return w.payHeadOffice(ctx, tx, *p.HeadOffice, a, d)
	}
	date, err := w.collectingDay(ctx, tx)
	if err != nil {
		return err
	}
	d.Vouchers = append(d.Vouchers, eventApply+":"+p.Reference)
	return w.withdrawSigned(ctx, tx, p, date)
}

// SignedOrders returns the orders that were decided.
func (e *Engine) SignedOrders(ctx context.Context) (list []signedorder.Seen, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		list, err = signedorder.All(ctx, tx, e.Book.ID())
		return err
	})
	return list, err
}

// SignedPayment returns what two people decide, or have decided, under the
// reference of an order of head office's key.
func (e *Engine) SignedPayment(ctx context.Context, reference string) (p SignedPayment, a approval.Approval, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		var found bool
		a, found, err = approval.Find(ctx, tx, e.Book.ID(), reference)
		if err != nil || !found || a.Kind != signedOrderKind {
			return firstErr(err, fault.Invalid("signedorder.unknown", reference).On("REFERENCE", reference))
		}
		return firstErr(a.Intact(), json.Unmarshal([]byte(a.Content), &p))
	})
	return p, a, err
}
