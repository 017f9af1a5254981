package clearing

import (
	"context"
	"path/filepath"
	"time"

	"custody/clearing/approval"
	"custody/clearing/payout"
	"custody/clearing/people"
	"custody/internal/fault"
	"custody/internal/store"
)

// Submit lets a maker submit a batch that the scheduler drew up.
func (e *Engine) Submit(ctx context.Context, actor, batchNo string) error {
	w := e.work(0, actor, nil)
	return e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Make); err != nil {
			return err
		}
		b, found, err := payout.FindBatch(ctx, tx, e.Book.ID(), batchNo)
		if err != nil || !found {
			return firstErr(err, fault.Invalid("batch.unknown", batchNo).On("batch", batchNo))
		}
		if b.State != payout.BatchDraft {
			return fault.Invalid("batch.state", batchNo, b.State).On("batch", batchNo)
		}
		w.Date = b.Date
		return w.submit(ctx, tx, b)
	})
}

// authorise is the kind of approval of a third person (授权).
const authorise = "batch-authorise"

// authorisationID names the third person's approval of a batch.
func authorisationID(b payout.Batch) string { return approvalID(b) + "+A" }

// needsThird reports whether a third person authorises a batch of this total.
func (w *Work) needsThird(b payout.Batch) bool {
	above := w.Config.Payout.AuthoriseAboveFen()
	return above > 0 && b.Total > above
}

// awaits names the approval that a checked batch waits for.
func (w *Work) awaits(ctx context.Context, tx *store.Tx, b payout.Batch) (string, error) {
	if !w.needsThird(b) {
		return approvalID(b), nil
	}
	_, asked, err := approval.Find(ctx, tx, w.Book.ID(), authorisationID(b))
	if asked {
		return authorisationID(b), err
	}
	return approvalID(b), err
}

// asks is awaits for every checked batch, by number.
func (w *Work) asks(ctx context.Context, tx *store.Tx, batches []payout.Batch) (map[string]string, error) {
	ids := map[string]string{}
	for _, b := range batches {
		if b.State != payout.BatchChecked {
			continue
		}
		id, err := w.awaits(ctx, tx, b)
		if err != nil {
			return nil, err
		}
		ids[b.BatchNo] = id
	}
	return ids, nil
}

// decideBatch approves a batch for sending, or takes it back in red: the money
// returns to where it was on the day of the rejection. Above the limit the
// checker's yes only asks a third person.
func (w *Work) decideBatch(ctx context.Context, tx *store.Tx, a approval.Approval, to approval.State, _ *Decision) error {
	b, err := w.checkedBatch(ctx, tx, a)
	if err != nil {
		return err
	}
	if to == approval.Approved && w.needsThird(b) {
		list, err := payout.OfBatch(ctx, tx, w.Book.ID(), b.BatchNo)
		if err != nil {
			return err
		}
		return approval.Submit(ctx, tx, w.Book.ID(), w.Stamp, w.Actor, authorisationID(b), authorise, b.BatchNo, approvalSheet(b, list))
	}
	return w.endDecision(ctx, tx, b, to)
}

// decideAuthorisation is the third person's word. He is neither maker nor checker.
func (w *Work) decideAuthorisation(ctx context.Context, tx *store.Tx, a approval.Approval, to approval.State, _ *Decision) error {
	b, err := w.checkedBatch(ctx, tx, a)
	if err != nil {
		return err
	}
	first, found, err := approval.Find(ctx, tx, w.Book.ID(), approvalID(b))
	if err != nil || !found {
		return firstErr(err, fault.Broken("approval.changed", a.ID))
	}
	if first.Maker == w.Actor || first.ContentHash != a.ContentHash {
		return fault.Invalid("approval.same-person", w.Actor).On("--as", w.Actor)
	}
	return w.endDecision(ctx, tx, b, to)
}

// checkedBatch returns the batch of an approval, which must wait for one.
func (w *Work) checkedBatch(ctx context.Context, tx *store.Tx, a approval.Approval) (payout.Batch, error) {
	b, found, err := payout.FindBatch(ctx, tx, w.Book.ID(), a.Subject)
	if err != nil || !found {
		return b, firstErr(err, fault.Invalid("batch.unknown", a.Subject))
	}
	if b.State != payout.BatchChecked {
		return b, fault.Invalid("batch.state", b.BatchNo, b.State).On("ID", a.ID)
	}
	return b, nil
}

func (w *Work) endDecision(ctx context.Context, tx *store.Tx, b payout.Batch, to approval.State) error {
	b.State = payout.BatchApproved
	if to == approval.Rejected {
		b.State = payout.BatchRejected
		if err := w.takeBackBatch(ctx, tx, b); err != nil {
			return err
		}
	}
	return payout.UpdateBatch(ctx, tx, w.Book.ID(), b)
}

func (w *Work) takeBackBatch(ctx context.Context, tx *store.Tx, b payout.Batch) error {
	date, err := w.collectingDay(ctx, tx)
	if err != nil {
		return err
	}
	w.Date = date
	list, err := payout.OfBatch(ctx, tx, w.Book.ID(), b.BatchNo)
	if err != nil {
		return err
	}
	for _, p := range list {
		if err := w.takeBack(ctx, tx, p, date, "rejected "+b.BatchNo); err != nil {
			return err
		}
		from := p.State
		p.State, p.Settled = payout.Cancelled, &date
		if err := firstErr(payout.Update(ctx, tx, w.Book.ID(), from, p), w.followed(ctx, tx, p)); err != nil {
			return err
		}
	}
	return nil
}

// authorised refuses to send a batch that lacks its third person.
func (w *Work) authorised(ctx context.Context, tx *store.Tx, b payout.Batch, hash string) error {
	if !w.needsThird(b) {
		return nil
	}
	a, found, err := approval.Find(ctx, tx, w.Book.ID(), authorisationID(b))
	if err == nil && (!found || a.State != approval.Approved || a.ContentHash != hash) {
		err = fault.Broken("approval.changed", authorisationID(b))
	}
	return err
}

// RefuseFile records that the bank refused the whole file of a batch (整批退回):
// it read no row, so every payout stays sent and open. code is the bank's.
func (e *Engine) RefuseFile(ctx context.Context, actor, batchNo, code string) error {
	return e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Make); err != nil {
			return err
		}
		b, found, err := payout.FindBatch(ctx, tx, e.Book.ID(), batchNo)
		switch {
		case err != nil || !found:
			return firstErr(err, fault.Invalid("batch.unknown", batchNo).On("batch", batchNo))
		case code == "":
			return fault.Invalid("batch.code").On("--code", code)
		case b.State == payout.BatchRefused && b.BankCode == code:
			return nil
		case b.State != payout.BatchSent:
			return fault.Invalid("batch.state", batchNo, b.State).On("batch", batchNo)
		}
		b.State, b.BankCode = payout.BatchRefused, code
		return payout.UpdateBatch(ctx, tx, e.Book.ID(), b)
	})
}

// Resend writes the file of a batch once more: where the bank refused the file as
// a whole, or has rows of it that nobody knows the end of. It is the same file,
// byte for byte, under the same serials: a bank that did pay sees that it has. Any
// other batch is batch.resend.
func (e *Engine) Resend(ctx context.Context, actor, batchNo string) (payout.Batch, error) {
	w := e.work(0, actor, nil)
	var raw []byte
	var b payout.Batch
	err := e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Make); err != nil {
			return err
		}
		var found bool
		var err error
		if b, found, err = payout.FindBatch(ctx, tx, e.Book.ID(), batchNo); err != nil || !found {
			return firstErr(err, fault.Invalid("batch.unknown", batchNo).On("batch", batchNo))
		}
		open, err := w.unanswered(ctx, tx, b)
		if err != nil {
			return err
		}
		if open == 0 || b.FileName == "" {
			return fault.Invalid("batch.resend", batchNo, b.State).On("batch", batchNo)
		}
		if raw, err = w.payoutFile(ctx, tx, b); err != nil {
			return err
		}
		if got := digestOf(raw); got != b.SHA256 {
			return fault.Broken("outbox.changed", b.FileName, b.SHA256, got)
		}
		if b.State == payout.BatchRefused {
			b.State = payout.BatchSent
		}
		b.Sends++
		return payout.UpdateBatch(ctx, tx, e.Book.ID(), b)
	})
	if err != nil {
		return b, err
	}
	return b, e.writeOut(filepath.Join(e.Home, "outbox", b.FileName), raw)
}

// unanswered counts the payouts of a sent batch whose end nobody knows.
func (w *Work) unanswered(ctx context.Context, tx *store.Tx, b payout.Batch) (n int, err error) {
	list, err := payout.OfBatch(ctx, tx, w.Book.ID(), b.BatchNo)
	for _, p := range list {
		if p.State == payout.Unknown || p.State == payout.Sent {
			n++
		}
	}
	return n, err
}

// Query is a payout whose end nobody knows, and when the bank is asked.
type Query struct {
	Serial string       `json:"serial"`
	Batch  string       `json:"batch"`
	State  payout.State `json:"state"`
	Since  time.Time    `json:"since"`
	At     []time.Time  `json:"at"`
}

// queryLadder is when the bank is asked about a payout, counted from its sending;
// after the last rung once a day.
var queryLadder = []time.Duration{5 * time.Minute, 15 * time.Minute, 30 * time.Minute, 2 * time.Hour}

// queryDays is for how many days a ladder is listed: later the query carries the
// date and a person looks after it.
const queryDays = 3

// QueryTimes returns the ladder of a payout sent at an instant.
func QueryTimes(sent time.Time) []time.Time {
	var list []time.Time
	for _, after := range queryLadder {
		list = append(list, sent.Add(after))
	}
	for day := 1; day <= queryDays; day++ {
		list = append(list, sent.AddDate(0, 0, day))
	}
	return list
}

// Queries lists the payouts whose end nobody knows, with the ladder of each. They
// are never sent again under another serial.
func (e *Engine) Queries(ctx context.Context) ([]Query, error) {
	list := []Query{}
	err := e.readOnly(ctx, func(tx *store.Tx) error {
		for _, s := range []payout.State{payout.Sent, payout.Unknown} {
			open, err := payout.InState(ctx, tx, e.Book.ID(), s)
			if err != nil {
				return err
			}
			for _, p := range open {
				b, _, err := payout.FindBatch(ctx, tx, e.Book.ID(), p.BatchNo)
				if err != nil {
					return err
				}
				sent := instant(stepSend, b.FileDate)
				list = append(list, Query{Serial: p.Serial, Batch: p.BatchNo, State: p.State, Since: sent, At: QueryTimes(sent)})
			}
		}
		return nil
	})
	return list, err
}
