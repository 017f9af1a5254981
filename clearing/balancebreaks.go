package clearing

import (
	"context"
	"strings"

	"custody/clearing/exceptions"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// The bank's list of sub-accounts gates the close (R8). What it differs by is a
// case each: of one member (总分不符), or of two where the bank has under one just
// what we have under the other (串户). The day closes when every difference is
// gone, or when two people have said of each, to the fen, what it is: our entry is
// moved to the right member (adjust), or the bank corrects its list (bank-corrects).
// Such a case stays open until a later list agrees, and covers no other amount.

// What the subjects of these cases begin with: a member's available money, his
// frozen money. Of two members the first is where we have more.
const (
	caseAvailable = "sub:"
	caseFrozen    = "frozen:"
	caseBetween   = ">"
)

// listCase reports whether an exception is about the bank's list.
func listCase(e exceptions.Exception) bool {
	return strings.HasPrefix(e.Subject, caseAvailable) || strings.HasPrefix(e.Subject, caseFrozen)
}

// balanceCases are the cases that the differences of a list come to, in its order.
func balanceCases(list []memberDifference) []exceptions.Exception {
	by := map[money.Amount][]string{}
	for _, d := range list {
		by[d.Available] = append(by[d.Available], d.Member)
	}
	// Two members belong together only where no third could be meant.
	other := func(d memberDifference) string {
		if mine, theirs := by[d.Available], by[-d.Available]; len(mine) == 1 && len(theirs) == 1 {
			return theirs[0]
		}
		return ""
	}
	var cases []exceptions.Exception
	for _, d := range list {
		second := other(d)
		switch {
		case d.Available > 0 && second != "":
			cases = append(cases, exceptions.Exception{Kind: exceptions.WrongAccount, Subject: caseAvailable + d.Member + caseBetween + second,
				Member: d.Member, Amount: d.Available, Ours: d.Member, Theirs: second, Template: templateAdjust})
		case d.Available != 0 && second == "":
			cases = append(cases, exceptions.Exception{Kind: exceptions.Balance, Subject: caseAvailable + d.Member, Member: d.Member, Amount: d.Available})
		}
		if d.Frozen != 0 {
			cases = append(cases, exceptions.Exception{Kind: exceptions.Balance, Subject: caseFrozen + d.Member, Member: d.Member, Amount: d.Frozen})
		}
	}
	return cases
}

// openBalanceCases opens what the list of the date differs by, and ends the cases
// of earlier lists that it agrees with or that are another amount now.
func (w *Work) openBalanceCases(ctx context.Context, tx *store.Tx, list []memberDifference) error {
	cases := balanceCases(list)
	now := map[string]money.Amount{}
	for _, x := range cases {
		now[x.Subject] = x.Amount
	}
	open, err := exceptions.StillOpen(ctx, tx, w.Book.ID())
	if err != nil {
		return err
	}
	for _, e := range open {
		if !listCase(e) || now[e.Subject] == e.Amount {
			continue
		}
		if err := w.endListCase(ctx, tx, e); err != nil {
			return err
		}
	}
	for _, x := range cases {
		if err := w.open(ctx, tx, x); err != nil {
			return err
		}
	}
	return nil
}

func (w *Work) endListCase(ctx context.Context, tx *store.Tx, e exceptions.Exception) error {
	switch e.State {
	case exceptions.Proposed:
		return firstErr(exceptions.Move(ctx, tx, w.Book.ID(), e.ID, exceptions.Closed, w.Date), w.withdrawProposals(ctx, tx, e.ID))
	case exceptions.Posted:
		return exceptions.Move(ctx, tx, w.Book.ID(), e.ID, exceptions.Closed, w.Date)
	}
	return exceptions.Move(ctx, tx, w.Book.ID(), e.ID, exceptions.AutoCleared, w.Date)
}

// agreed takes off a difference what two people have decided about it. It names
// the cases that it took.
func (d memberDifference) agreed(open []exceptions.Exception) (rest memberDifference, cases []string) {
	rest = d
	for _, e := range open {
		if e.State != exceptions.Posted || !listCase(e) {
			continue
		}
		switch e.Subject {
		case caseAvailable + d.Member, caseAvailable + d.Member + caseBetween + e.Theirs:
			rest.Available -= e.Amount
		case caseAvailable + e.Ours + caseBetween + d.Member:
			rest.Available += e.Amount
		case caseFrozen + d.Member:
			rest.Frozen -= e.Amount
		default:
			continue
		}
		cases = append(cases, e.ID)
	}
	return rest, cases
}

// templateAdjust is the handling that moves money between two members (调账).
const templateAdjust = "adjust"

// eventAdjust moves withdrawable money between members (调账).
const eventAdjust = "E17x"

// adjustLegs moves what stands under the wrong member to the one under whom the
// bank has it.
func adjustLegs(ctx context.Context, w *Work, tx *store.Tx, e exceptions.Exception, _ Handling) ([]subaccounts.Leg, error) {
	for _, code := range []string{e.Ours, e.Theirs} {
		if err := needMember(ctx, w, tx, code, ""); err != nil {
			return nil, err
		}
	}
	return []subaccounts.Leg{subaccounts.Debit(withdrawable(e.Ours), e.Amount), subaccounts.Credit(withdrawable(e.Theirs), e.Amount)}, nil
}

// accepted keeps the case open until the bank's list agrees; from now on it no
// longer stands in the way of the close.
func accepted(ctx context.Context, w *Work, tx *store.Tx, e exceptions.Exception, h Handling, _ bizdate.Date) error {
	switch {
	case !listCase(e): // of a proof: nothing that two people say makes it hold
		return fault.Invalid("exception.proof", e.ID).On("--template", h.Template)
	case h.Template != templateAdjust && h.Note == "":
		return fault.Invalid("exception.note").On("--note", "")
	}
	return exceptions.Move(ctx, tx, w.Book.ID(), e.ID, exceptions.Posted, 0)
}
