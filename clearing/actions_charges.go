package clearing

import (
	"context"
	"slices"
	"strings"

	"custody/clearing/exceptions"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// BankWords are the words by which a statement's line is known as a charge that
// the bank took by itself (账户管理费、汇划费), or as its interest (结息). Every
// bank has its own; without them such lines are differences for a person.
type BankWords struct {
	Names           []string `yaml:"names"` // counterparty names of the bank itself; empty: not looked at
	FeeRemarks      []string `yaml:"fee_remarks"`
	InterestRemarks []string `yaml:"interest_remarks"`
}

// charges reports whether a debit is a charge of the bank.
func (b BankWords) charges(line bankLine) bool {
	return b.own(line) && holds(line.Remark, b.FeeRemarks)
}

// pays reports whether a credit is interest.
func (b BankWords) pays(line bankLine) bool {
	return line.Amount > 0 && b.own(line) && holds(line.Remark, b.InterestRemarks)
}

// own reports whether the bank itself stands on the other side: a customer can
// write any remark, but not in the bank's name. Lines of the bank often carry no
// name at all, and never an account.
func (b BankWords) own(line bankLine) bool {
	return line.Account == "" && (line.Name == "" || slices.Contains(b.Names, line.Name))
}

func holds(s string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return w != "" && strings.Contains(s, w) })
}

// receiveByRule books lines that a rule knows: a member's by association, the
// bank's charges and interest. done is false where no rule knows the line.
func (w *Work) receiveByRule(ctx context.Context, tx *store.Tx, line bankLine, use string, date bizdate.Date) (done bool, err error) {
	switch use {
	case useUnknown:
		member, approvalID, err := w.associated(ctx, tx, line)
		if err != nil || member == "" {
			return false, err
		}
		return true, w.receiveFor(ctx, tx, line, date, member, approvalID)
	case useInterest:
		err = w.journal(tx, date, w.lineSource(line)).OwnFunds().Interest(ctx, line.reference(), line.Amount)
		return true, firstErr(err, w.matchLine(ctx, tx, line.ID, use, eventInterest+":"+line.reference(), date))
	case useCharge:
		return true, w.charge(ctx, tx, line, date)
	}
	return false, nil
}

// charge books what the bank took by itself: against what was set aside for it
// (E8d), else out of own funds (E8e). What they lack is a shortage with an
// exception until head office tops it up.
func (w *Work) charge(ctx context.Context, tx *store.Tx, line bankLine, date bizdate.Date) error {
	amount, ref := -line.Amount, line.reference()
	own := w.journal(tx, date, w.lineSource(line)).OwnFunds()
	set, err := w.Book.Balance(ctx, tx, subaccounts.Key{Code: "2502"})
	if err != nil {
		return err
	}
	if -set >= amount {
		return firstErr(own.BankFee(ctx, ref, amount), w.matchLine(ctx, tx, line.ID, useCharge, eventBankFee+":"+ref, date))
	}
	if err := own.BankCharge(ctx, ref, amount); err != nil {
		return err
	}
	if err := w.matchLine(ctx, tx, line.ID, useCharge, eventCharge+":"+ref, date); err != nil {
		return err
	}
	short, err := w.Book.Balance(ctx, tx, shortage(ref))
	if err != nil || short == 0 {
		return err
	}
	return w.open(ctx, tx, exceptions.Exception{Kind: exceptions.OffSystem, Subject: ref, Amount: short, Theirs: strings.TrimSpace(line.Name + " " + line.Remark)})
}

// ownFundsLegs is how a debit that no instruction explains is booked (E8e): own
// funds bear it, what they lack is a shortage until head office tops it up. Only
// head office's people can have made such a payment in the bank's pages, so it is
// never a member's loss.
func ownFundsLegs(ctx context.Context, w *Work, tx *store.Tx, e exceptions.Exception, _ Handling) ([]subaccounts.Leg, error) {
	line, err := w.offSystemLine(ctx, tx, e)
	if err != nil {
		return nil, err
	}
	own := subaccounts.Key{Code: "2301"}
	had, err := w.Book.Balance(ctx, tx, own)
	if err != nil {
		return nil, err
	}
	var legs []subaccounts.Leg
	bears := min(-line.Amount, -had)
	for _, l := range []subaccounts.Leg{subaccounts.Debit(own, bears), subaccounts.Debit(shortage(e.Subject), -line.Amount-bears), subaccounts.Credit(bank, -line.Amount)} {
		if l.Amount != 0 {
			legs = append(legs, l)
		}
	}
	return legs, nil
}

// offSystemLine finds the bank's line of an exception that nothing explains yet.
func (w *Work) offSystemLine(ctx context.Context, tx *store.Tx, e exceptions.Exception) (bankLine, error) {
	var line bankLine
	found, err := tx.Find(ctx, &line, "SELECT "+lineColumns+" FROM bank_lines WHERE custody_id = ? AND bank_ref = ?", w.Book.ID(), e.Subject)
	if err == nil && (!found || line.MatchedTo != "" || line.Amount >= 0) {
		err = fault.Invalid("exception.line", e.Subject)
	}
	return line, err
}

// borne matches the line, and closes the exception unless own funds were short.
func borne(ctx context.Context, w *Work, tx *store.Tx, e exceptions.Exception, h Handling, date bizdate.Date) error {
	line, err := w.offSystemLine(ctx, tx, e)
	if err != nil {
		return err
	}
	ref := date.Compact() + "." + e.ID + "." + e.Subject
	if err := w.matchLine(ctx, tx, line.ID, useOffSystem, eventCharge+":"+ref, date); err != nil {
		return err
	}
	short, err := w.Book.Balance(ctx, tx, shortage(e.Subject))
	if err != nil {
		return err
	}
	if short != 0 {
		return exceptions.Move(ctx, tx, w.Book.ID(), e.ID, exceptions.Posted, 0)
	}
	return ended(ctx, w, tx, e, h, date)
}

// settled closes what is open about money that stands nowhere any more: an item
// of suspense that was claimed or sent back whole, a shortage that was topped up.
// Requests about it have nothing left to decide.
func (w *Work) settled(ctx context.Context, tx *store.Tx, item subaccounts.Key, kinds ...exceptions.Kind) error {
	var left money.Amount
	left, err := w.Book.Balance(ctx, tx, item)
	if err != nil || left != 0 {
		return err
	}
	x, found, err := exceptions.OpenFor(ctx, tx, w.Book.ID(), item.Item, kinds...)
	if err != nil || !found {
		return err
	}
	if err := exceptions.Move(ctx, tx, w.Book.ID(), x.ID, exceptions.Closed, w.Date); err != nil {
		return err
	}
	return w.withdrawProposals(ctx, tx, x.ID)
}
