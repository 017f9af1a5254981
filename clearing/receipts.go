package clearing

import (
	"context"
	"slices"
	"strings"

	"custody/clearing/exceptions"
	"custody/internal/bizdate"
	"custody/internal/store"
	"custody/subaccounts"
)

// bank is the key of the custody account's money (存管专户存款).
var bank = subaccounts.Key{Code: "1001"}

// stepReceiveMoney posts what came to the account and is no channel's: head
// office's own funds (E0) and receipts of unknown payers (E9b, 挂账). It also
// says of every other line of the statement what it is.
func (w *Work) stepReceiveMoney(ctx context.Context) (Counts, error) {
	f, ok, err := w.fileNow(ctx, fileStatement, w.Config.Account)
	if err != nil || !ok {
		return Counts{}, err
	}
	return w.once(ctx, stepReceipts, "", []string{f.SHA256}, func(tx *store.Tx) (Counts, error) {
		lines, err := w.linesOf(ctx, tx, f.ID)
		if err != nil {
			return Counts{}, err
		}
		counts := Counts{In: len(lines)}
		for _, line := range lines {
			done, err := w.receive(ctx, tx, line)
			if err != nil {
				return counts, err
			}
			if done {
				counts.Done++
			} else {
				counts.Skipped++
			}
		}
		return counts, nil
	})
}

// receive decides what one line is, and posts it when it is a plain receipt.
func (w *Work) receive(ctx context.Context, tx *store.Tx, line bankLine) (bool, error) {
	if line.Use != "" {
		return false, nil
	}
	use, err := w.classify(ctx, tx, line)
	if err != nil {
		return false, err
	}
	date, err := w.postable(ctx, tx, line.Booked)
	if err != nil {
		return false, err
	}
	if done, err := w.receiveByRule(ctx, tx, line, use, date); done || err != nil {
		return done, err
	}
	posting := subaccounts.Posting{Date: date, Reference: line.reference(), Source: w.lineSource(line)}
	switch use {
	case useOwnFunds:
		posting.Event = eventOwnFunds
		posting.Legs = []subaccounts.Leg{subaccounts.Debit(bank, line.Amount), subaccounts.Credit(subaccounts.Key{Code: "2301"}, line.Amount)}
	case useUnknown:
		posting.Event = eventUnknown
		posting.Legs = []subaccounts.Leg{subaccounts.Debit(bank, line.Amount), subaccounts.Credit(suspense(line.Ref), line.Amount)}
		err = w.open(ctx, tx, exceptions.Exception{Kind: exceptions.UnknownPayer, Subject: line.Ref, Amount: line.Amount,
			Theirs: strings.TrimSpace(line.Name + " " + line.Remark)})
	case useOffSystem:
		err = w.open(ctx, tx, exceptions.Exception{Kind: exceptions.OffSystem, Subject: line.Ref, Amount: -line.Amount,
			Theirs: strings.TrimSpace(line.Name + " " + line.Remark)})
		return true, firstErr(err, w.useLine(ctx, tx, line.ID, use))
	default:
		return false, w.useLine(ctx, tx, line.ID, use)
	}
	if err != nil {
		return false, err
	}
	if err := w.post(ctx, tx, posting); err != nil {
		return false, err
	}
	return true, w.matchLine(ctx, tx, line.ID, use, posting.Event+":"+posting.Reference, date)
}

// suspense is the key of an unidentified receipt (不明来账).
func suspense(bankRef string) subaccounts.Key { return subaccounts.Key{Code: "2401", Item: bankRef} }

// classify tells what a line is, from the strongest evidence to the weakest:
// our serial, head office's account, a channel's payer name.
func (w *Work) classify(ctx context.Context, tx *store.Tx, line bankLine) (string, error) {
	if serial := line.serial(); serial != "" {
		var n int
		err := tx.Get(ctx, &n, "SELECT COUNT(*) FROM payouts WHERE custody_id = ? AND serial = ?", w.Book.ID(), serial)
		switch {
		case err != nil:
			return "", err
		case n > 0 && line.Amount < 0:
			return usePayout, nil
		case n > 0 && (line.Reversal || strings.Contains(line.Remark, "冲正")):
			return useReversal, nil
		case n > 0:
			return useReturn, nil
		}
	}
	switch {
	case line.Amount < 0 && w.feeTaker(line) != "":
		return useFee, nil
	case line.Amount < 0 && w.Config.Bank.charges(line):
		return useCharge, nil
	case line.Amount < 0:
		return useOffSystem, nil
	case w.Config.Bank.pays(line):
		return useInterest, nil
	case w.Config.Corporate.Account != "" && line.from(w.Config.Corporate.Account):
		return useOwnFunds, nil
	case w.payer(line) != "":
		return useChannel, nil
	}
	return useUnknown, nil
}

// payer returns the channel whose payer name stands on the line, or "".
func (w *Work) payer(line bankLine) string {
	for _, ch := range w.Config.Channels {
		if slices.ContainsFunc(ch.Payers, line.names) {
			return ch.Code
		}
	}
	return ""
}

func (w *Work) lineSource(line bankLine) string { return "bank line " + line.Ref }

// open records an exception that opens on the day being played.
func (w *Work) open(ctx context.Context, tx *store.Tx, e exceptions.Exception) error {
	e, err := w.opened(e)
	if err != nil {
		return err
	}
	_, err = exceptions.OpenedOn(ctx, tx, w.Book.ID(), e)
	return err
}

// openAgain is open for money that stands again where it had been settled.
func (w *Work) openAgain(ctx context.Context, tx *store.Tx, e exceptions.Exception) error {
	e, err := w.opened(e)
	if err != nil {
		return err
	}
	return exceptions.OpenAgain(ctx, tx, w.Book.ID(), e)
}

// opened fills in when an exception opens, for whom and by when.
func (w *Work) opened(e exceptions.Exception) (exceptions.Exception, error) {
	e.OpenedDate = w.Date
	if e.State == "" {
		e.State = exceptions.Open
	}
	if e.DueDate.IsZero() {
		due, err := w.Calendar.AddWorkingDays(w.Date, exceptionDays)
		if err != nil {
			return e, err
		}
		e.DueDate = due
	}
	if e.Owner == "" {
		e.Owner = exceptionOwner
	}
	return e, nil
}

// exceptionDays is within how many working days a person should have handled
// an exception; exceptionOwner is the role that it goes to first.
const (
	exceptionDays  = 3
	exceptionOwner = "maker"
)

// post posts vouchers one by one in the order given; the first that the ledger
// refuses is the error.
func (w *Work) post(ctx context.Context, tx *store.Tx, postings ...subaccounts.Posting) error {
	if len(postings) == 0 {
		return nil
	}
	_, err := w.Book.Post(ctx, tx, w.Actor, w.Stamp, postings...)
	return err
}

func firstErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// fileNow returns the file of the day that the steps work on, in a
// transaction of its own.
func (w *Work) fileNow(ctx context.Context, kind, source string) (File, bool, error) {
	return w.fileOn(ctx, kind, source, w.Date)
}

func (w *Work) fileOn(ctx context.Context, kind, source string, date bizdate.Date) (f File, ok bool, err error) {
	err = w.DB.Read(ctx, func(tx *store.Tx) error {
		f, ok, err = w.file(ctx, tx, kind, source, date)
		return err
	})
	return f, ok, err
}
