package clearing

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"custody/bankfiles"
	"custody/clearing/exceptions"
	"custody/clearing/payout"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
	"custody/subaccounts"
)

// saveAnswers records what a result file (回盘文件) says, row by row, after
// comparing it with what was sent. Nothing is posted here.
func (w *Work) saveAnswers(ctx context.Context, tx *store.Tx, name string, f *bankfiles.ResultFile) error {
	id := w.Book.ID()
	b, found, err := payout.FindBatch(ctx, tx, id, f.BatchNo)
	switch {
	case err != nil:
		return err
	case !found || b.FileName == "":
		return fault.Invalid("result.batch", f.BatchNo).In(name).AtLine(1).On("batchNo", f.BatchNo)
	case b.FileDate != f.Date:
		return fault.Invalid("result.date", b.FileDate, f.Date).In(name).AtLine(1).On("date", f.Date.String())
	case len(f.Items) != b.Rows:
		return fault.Invalid("result.rows", b.Rows, len(f.Items)).In(name).AtLine(1).On("rows", strconv.Itoa(len(f.Items)))
	}
	for _, it := range f.Items {
		p, found, err := payout.BySerial(ctx, tx, id, it.Serial)
		switch {
		case err != nil:
			return err
		case !found || p.BatchNo != b.BatchNo:
			return fault.Invalid("result.serial", b.BatchNo).In(name).AtLine(it.Line).On("serial", it.Serial)
		case p.Amount != it.Amount:
			return fault.Invalid("result.amount", p.Amount).In(name).AtLine(it.Line).On("amount", it.Amount.String())
		}
		p.Answer, p.Code, p.Reason, p.BankRef = string(it.Status), it.Code, it.Reason, it.BankRef
		if err := payout.Update(ctx, tx, id, p.State, p); err != nil {
			return err
		}
	}
	b.State = payout.BatchAnswered
	return payout.UpdateBatch(ctx, tx, id, b)
}

// stepPostResults posts the bank's answers: S pays (E5b); F is kept and U is
// unknown until a statement speaks.
func (w *Work) stepPostResults(ctx context.Context) (Counts, error) {
	if err := w.takeInbox(ctx, fileResult); err != nil {
		return Counts{}, err
	}
	missing, err := w.missing(ctx, fileResult)
	if err != nil {
		return Counts{}, err
	}
	var waits waitList
	for _, f := range missing {
		if f.Date == w.Date { // an answer that is days late is taken when it comes, not waited for
			waits = append(waits, fileWait(f))
		}
	}
	if len(waits) > 0 {
		return Counts{In: len(waits), Skipped: len(waits)}, waits
	}
	return w.once(ctx, stepResults, "", nil, func(tx *store.Tx) (Counts, error) {
		answered, err := payout.Batches(ctx, tx, w.Book.ID(), payout.BatchAnswered)
		if err != nil {
			return Counts{}, err
		}
		var c Counts
		for _, b := range answered {
			part, err := w.postAnswers(ctx, tx, b)
			if c = c.Add(part); err != nil {
				return c, err
			}
		}
		return c, nil
	})
}

func (w *Work) postAnswers(ctx context.Context, tx *store.Tx, b payout.Batch) (Counts, error) {
	list, err := payout.OfBatch(ctx, tx, w.Book.ID(), b.BatchNo)
	c := Counts{In: len(list)}
	if err != nil {
		return c, err
	}
	var postings []subaccounts.Posting
	for _, p := range list {
		from := p.State
		switch {
		case from != payout.Sent: // a statement has answered before the result file
			c.Skipped++
			if from == payout.Success && p.Answer == string(bankfiles.ResultFailed) {
				if err := w.contradicted(ctx, tx, p, ""); err != nil {
					return c, err
				}
			}
			continue
		case p.Answer == string(bankfiles.ResultSuccess):
			p.State, p.Settled = payout.Success, &w.Date
			postings = append(postings, paidPosting(p, w.Date, "result "+b.BatchNo))
			c.Done++
			if err := w.followed(ctx, tx, p); err != nil {
				return c, err
			}
		case p.Answer == string(bankfiles.ResultFailed):
			p.State = payout.AnsweredF
			c.Failed++
			if err := w.blockForFault(ctx, tx, p); err != nil {
				return c, err
			}
		default:
			p.State = payout.Unknown
			c.Failed++
			if err := w.contradicted(ctx, tx, p, ""); err != nil {
				return c, err
			}
		}
		if err := payout.Update(ctx, tx, w.Book.ID(), from, p); err != nil {
			return c, err
		}
	}
	b.State = payout.BatchReconciled
	return c, firstErr(w.postAll(ctx, tx, postings), payout.UpdateBatch(ctx, tx, w.Book.ID(), b))
}

// stepReadAnswers reads the bank's own truth about payouts from the end-of-day
// statement: debits, reversals (冲正), returns (退汇), and the absence of a debit.
func (w *Work) stepReadAnswers(ctx context.Context) (Counts, error) {
	f, ok, err := w.fileNow(ctx, fileStatement, w.Config.Account)
	if err != nil || !ok {
		return Counts{}, err
	}
	if done, err := w.isDone(ctx, stepReceipts, ""); err != nil || !done {
		return Counts{}, err
	}
	if err := w.takeInbox(ctx, fileResult); err != nil {
		return Counts{}, err
	}
	return w.once(ctx, stepAnswers, "", []string{f.SHA256}, func(tx *store.Tx) (Counts, error) {
		c, err := w.postLateAnswers(ctx, tx)
		if err != nil {
			return c, err
		}
		lines, err := w.linesOf(ctx, tx, f.ID)
		if err != nil {
			return c, err
		}
		for _, pass := range []struct {
			use    string
			handle func(context.Context, *store.Tx, bankLine, payout.Payout) error
		}{{usePayout, w.onDebit}, {useReversal, w.onReversal}, {"", nil}, {useReturn, w.onReturn}} {
			if pass.handle == nil { // between reversals and returns: what no debit has touched
				n, err := w.refuseUndebited(ctx, tx)
				if err != nil {
					return c, err
				}
				c.In, c.Done = c.In+n, c.Done+n
				continue
			}
			for _, line := range lines {
				if line.Use != pass.use {
					continue
				}
				c.In, c.Done = c.In+1, c.Done+1
				p, _, err := payout.BySerial(ctx, tx, w.Book.ID(), line.serial())
				if err != nil {
					return c, err
				}
				if err := pass.handle(ctx, tx, line, p); err != nil {
					return c, err
				}
			}
		}
		return c, nil
	})
}

// postLateAnswers posts result files that came when the day phase was over, so
// that the statement is read with everything that the bank has said.
func (w *Work) postLateAnswers(ctx context.Context, tx *store.Tx) (Counts, error) {
	var c Counts
	answered, err := payout.Batches(ctx, tx, w.Book.ID(), payout.BatchAnswered)
	for _, b := range answered {
		if b.FileDate > w.Date {
			continue
		}
		part, err := w.postAnswers(ctx, tx, b)
		if c = c.Add(part); err != nil {
			return c, err
		}
	}
	return c, err
}

// contradicted tells a person that bank and books, or the bank's answer and its
// own statement, do not agree about a payout, or that the bank does not know.
func (w *Work) contradicted(ctx context.Context, tx *store.Tx, p payout.Payout, bankRef string) error {
	return w.open(ctx, tx, exceptions.Exception{Kind: exceptions.Status, Subject: p.Serial, Member: p.Member, Amount: p.Amount,
		Ours: strings.TrimSpace(p.Answer + " " + p.Code), Theirs: bankRef})
}

// onDebit: a debit with our serial and amount is the bank's answer, whatever
// its result file said.
func (w *Work) onDebit(ctx context.Context, tx *store.Tx, line bankLine, p payout.Payout) error {
	if p.DebitLine != nil || -line.Amount != p.Amount {
		return w.open(ctx, tx, exceptions.Exception{Kind: exceptions.Duplicate, Subject: line.Ref, Member: p.Member, Amount: -line.Amount,
			Ours: p.Serial, Theirs: line.Remark})
	}
	from := p.State
	date, err := w.postable(ctx, tx, line.Booked)
	if err != nil {
		return err
	}
	switch from {
	case payout.Draft, payout.Applied: // debited, but never sent
		return w.contradicted(ctx, tx, p, line.Ref)
	case payout.Failed, payout.Cancelled: // the money has gone back already: the line stays listed
		p.DebitLine = &line.ID
		return firstErr(w.contradicted(ctx, tx, p, line.Ref), payout.Update(ctx, tx, w.Book.ID(), from, p))
	case payout.AnsweredF: // F but debited: nothing goes back
		p.State, p.DebitLine = payout.Unknown, &line.ID
		return firstErr(w.contradicted(ctx, tx, p, line.Ref), payout.Update(ctx, tx, w.Book.ID(), from, p))
	case payout.Success, payout.Returned: // the books paid on the bank's word; here is its debit
		date = *p.Settled
	default:
		p.State, p.Settled = payout.Success, &date
		if err := firstErr(w.post(ctx, tx, paidPosting(p, date, w.lineSource(line))), w.followed(ctx, tx, p)); err != nil {
			return err
		}
	}
	p.DebitLine = &line.ID
	if err := w.endCase(ctx, tx, p.Serial, exceptions.Status); err != nil {
		return err
	}
	if err := payout.Update(ctx, tx, w.Book.ID(), from, p); err != nil {
		return err
	}
	return w.matchLine(ctx, tx, line.ID, usePayout, paymentKinds[p.Kind].paid+":"+p.Item(), date)
}

// endCase closes an open exception about a subject that a statement has answered.
func (w *Work) endCase(ctx context.Context, tx *store.Tx, subject string, kind exceptions.Kind) error {
	e, found, err := exceptions.OpenFor(ctx, tx, w.Book.ID(), subject, kind)
	if err != nil || !found {
		return err
	}
	return exceptions.Move(ctx, tx, w.Book.ID(), e.ID, exceptions.AutoCleared, w.Date)
}

// onReversal: a debit that the bank took back. The two bank lines match each
// other; a payout that was answered F is thereby proven failed (E5c). Where its
// money had gone back before the debit came, nothing is left to post.
func (w *Work) onReversal(ctx context.Context, tx *store.Tx, line bankLine, p payout.Payout) error {
	if done, err := w.undoneTwin(ctx, tx, line, p); err != nil || done {
		return err
	}
	if p.State == payout.Success && line.Amount == p.Amount { // the books have paid it: the money came back
		return w.onReturn(ctx, tx, line, p)
	}
	open, err := w.debitOpen(ctx, tx, p)
	if err != nil {
		return err
	}
	if !open || line.Amount != p.Amount {
		return w.open(ctx, tx, exceptions.Exception{Kind: exceptions.Direction, Subject: line.Ref, Member: p.Member, Amount: line.Amount, Ours: p.Serial, Theirs: line.Remark})
	}
	date, err := w.postable(ctx, tx, line.Booked)
	if err != nil {
		return err
	}
	if p.State != payout.Failed && p.State != payout.Cancelled {
		if err := w.refuse(ctx, tx, p, date, w.lineSource(line)); err != nil {
			return err
		}
	}
	debit := "line:" + strconv.FormatInt(*p.DebitLine, 10)
	if err := w.matchLine(ctx, tx, line.ID, useReversal, debit, date); err != nil {
		return err
	}
	if err := w.matchLine(ctx, tx, *p.DebitLine, usePayout, "line:"+strconv.FormatInt(line.ID, 10), date); err != nil {
		return err
	}
	return w.endCase(ctx, tx, p.Serial, exceptions.Status)
}

// debitOpen reports whether the payout's debit is on a statement and nothing
// explains it yet.
func (w *Work) debitOpen(ctx context.Context, tx *store.Tx, p payout.Payout) (bool, error) {
	if p.DebitLine == nil {
		return false, nil
	}
	var n int
	err := tx.Get(ctx, &n, "SELECT COUNT(*) FROM bank_lines WHERE custody_id = ? AND line_id = ? AND matched_to = ''", w.Book.ID(), *p.DebitLine)
	return n == 1, err
}

// refuseUndebited gives back what the bank refused and its statement of the
// day does not show: F and no debit (E5c).
func (w *Work) refuseUndebited(ctx context.Context, tx *store.Tx) (int, error) {
	list, err := payout.InState(ctx, tx, w.Book.ID(), payout.AnsweredF)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, p := range list {
		b, _, err := payout.FindBatch(ctx, tx, w.Book.ID(), p.BatchNo)
		if err != nil {
			return n, err
		}
		if b.FileDate > w.Date { // sent after the day of this statement
			continue
		}
		if err := w.refuse(ctx, tx, p, w.Date, "statement "+w.Date.String()); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// blockForFault blocks a bound account that the bank found wrong: it is paid
// again only after two people verified it.
func (w *Work) blockForFault(ctx context.Context, tx *store.Tx, p payout.Payout) error {
	if !slices.Contains(w.Config.Payout.AccountFaults, p.Code) {
		return nil
	}
	if err := w.blockAccount(ctx, tx, p); err != nil {
		return err
	}
	return w.open(ctx, tx, exceptions.Exception{Kind: exceptions.Payee, Subject: p.Serial, Member: p.Member, Amount: p.Amount,
		Ours: Mask(p.AccountNo), Theirs: p.Code + " " + p.Reason})
}

// blockAccount blocks the account that the payout went to. One that has taken
// its place since is not at fault and stays as it is.
func (w *Work) blockAccount(ctx context.Context, tx *store.Tx, p payout.Payout) error {
	if p.Kind == payout.Micro { // it was never verified
		return nil
	}
	bound, found, err := w.Book.CurrentBinding(ctx, tx, p.Member)
	if err != nil || !found || bound.AccountNo != p.AccountNo || bound.AccountName != p.AccountName {
		return err
	}
	return w.Book.BlockBinding(ctx, tx, w.Actor, w.Stamp, p.Member)
}

// refuse ends a payout that the bank has proven never to have made: the money
// goes back.
func (w *Work) refuse(ctx context.Context, tx *store.Tx, p payout.Payout, date bizdate.Date, src string) error {
	from := p.State
	p.State, p.Settled = payout.Failed, &date
	if err := payout.Update(ctx, tx, w.Book.ID(), from, p); err != nil {
		return err
	}
	return firstErr(w.giveBack(ctx, tx, p, date, src), w.followed(ctx, tx, p))
}

// returned is a payout that came back and waits for a person (退票待处理).
func returned(member, serial string) subaccounts.Key {
	return subaccounts.Key{Code: "2203", Owner: member, Item: serial}
}

// onReturn: the payout left and came back (E5d, 退汇). It stays SUCCESS in
// history; the account is blocked until two people verified it again.
func (w *Work) onReturn(ctx context.Context, tx *store.Tx, line bankLine, p payout.Payout) error {
	open, err := w.debitOpen(ctx, tx, p)
	if err != nil {
		return err
	}
	if open && line.Amount == p.Amount { // debited against the bank's own word, and now back
		return firstErr(w.blockAccount(ctx, tx, p), w.onReversal(ctx, tx, line, p))
	}
	if p.State != payout.Success || line.Amount != p.Amount {
		return w.open(ctx, tx, exceptions.Exception{Kind: exceptions.Direction, Subject: line.Ref, Member: p.Member, Amount: line.Amount, Ours: p.Serial, Theirs: line.Remark})
	}
	date, err := w.postable(ctx, tx, line.Booked)
	if err != nil {
		return err
	}
	p.State, p.ReturnedOn = payout.Returned, &date
	if err := payout.Update(ctx, tx, w.Book.ID(), payout.Success, p); err != nil {
		return err
	}
	err = w.post(ctx, tx, subaccounts.Posting{Date: date, Event: eventReturned, Reference: line.reference(), Source: w.lineSource(line),
		Legs: []subaccounts.Leg{subaccounts.Debit(bank, line.Amount), subaccounts.Credit(returned(p.Member, p.Serial), line.Amount)}})
	if err != nil {
		return err
	}
	if err := firstErr(w.blockAccount(ctx, tx, p), w.followed(ctx, tx, p)); err != nil {
		return err
	}
	err = w.open(ctx, tx, exceptions.Exception{Kind: exceptions.Returned, Subject: p.Serial, Member: p.Member, Amount: p.Amount,
		Ours: Mask(p.AccountNo), Theirs: line.Ref})
	return firstErr(err, w.matchLine(ctx, tx, line.ID, useReturn, eventReturned+":"+line.reference(), date))
}
