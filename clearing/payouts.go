package clearing

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path/filepath"
	"slices"

	"custody/bankfiles"
	"custody/bankfiles/payfile"
	"custody/clearing/approval"
	"custody/clearing/outbox"
	"custody/clearing/payout"
	"custody/clearing/people"
	"custody/internal/atomicfile"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// inFlight is money on its way (提现在途): of a settlement under its serial, of a
// payment order under its reference.
func inFlight(owner, item string) subaccounts.Key {
	return subaccounts.Key{Code: "2201", Owner: owner, Item: item}
}

// payoutFees is head office's account for payout fees.
var payoutFees = subaccounts.Key{Code: "2302", Item: "FEE"}

// stepDrawBatch draws up the day's payouts: the whole withdrawable balance of
// every member whose bound account is verified. A maker who runs it submits it
// (E5a: the money leaves the withdrawable balance at once); drawn up by the
// scheduler it waits for one.
func (w *Work) stepDrawBatch(ctx context.Context) (Counts, error) {
	counts, err := w.once(ctx, stepBatch, "", nil, func(tx *store.Tx) (Counts, error) {
		if err := w.expireThrough(ctx, tx, w.Date.AddDays(-1), unsent...); err != nil {
			return Counts{}, err
		}
		if err := w.redateExpired(ctx, tx); err != nil {
			return Counts{}, err
		}
		list, skipped, err := w.draw(ctx, tx)
		if err != nil {
			return Counts{}, err
		}
		asked, waiting, err := w.drawOrders(ctx, tx)
		if err != nil {
			return Counts{}, err
		}
		list, stopped, err := w.unstopped(ctx, tx, append(list, asked...))
		if err != nil {
			return Counts{}, err
		}
		skipped += waiting + stopped
		return Counts{In: len(list) + skipped, Done: len(list), Skipped: skipped}, w.saveRounds(ctx, tx, list)
	})
	if err != nil {
		return counts, err
	}
	return counts, w.submitDrafts(ctx)
}

func (w *Work) saveBatch(ctx context.Context, tx *store.Tx, round int, list []payout.Payout) error {
	b := payout.Batch{BatchNo: payout.BatchNo(w.Date, round), Date: w.Date, FileDate: w.Date, Round: round, State: payout.BatchDraft, Rows: len(list)}
	for i := range list {
		list[i].Seq, list[i].Serial = i+1, payout.Serial(w.Date, round, i+1)
		b.Total += list[i].Amount
	}
	return payout.Save(ctx, tx, w.Book.ID(), b, list)
}

// submitDrafts lets the actor submit what has been drawn up, if he is a maker.
func (w *Work) submitDrafts(ctx context.Context) error {
	return w.DB.Tx(ctx, func(tx *store.Tx) error {
		drafts, err := payout.Batches(ctx, tx, w.Book.ID(), payout.BatchDraft)
		if err != nil || len(drafts) == 0 {
			return err
		}
		if people.Require(ctx, tx, w.Actor, people.Make) != nil {
			return nil
		}
		for _, b := range drafts {
			if err := w.submit(ctx, tx, b); err != nil {
				return err
			}
		}
		return nil
	})
}

// submit posts E5a for every row and asks for a checker.
func (w *Work) submit(ctx context.Context, tx *store.Tx, b payout.Batch) error {
	list, err := payout.OfBatch(ctx, tx, w.Book.ID(), b.BatchNo)
	if err != nil {
		return err
	}
	if payable, err := w.stillPayable(ctx, tx, list); err != nil || len(payable) < len(list) {
		return firstErr(err, w.drawAgain(ctx, tx, b, payable))
	}
	var postings []subaccounts.Posting
	for _, p := range list {
		if p.Kind != payout.Settlement {
			continue // its money was set aside when it was asked for
		}
		postings = append(postings, subaccounts.Posting{Date: w.Date, Event: eventApply, Reference: p.Serial, Source: "batch " + b.BatchNo, Legs: setAside(p)})
	}
	if err := w.postAll(ctx, tx, postings); err != nil {
		return err
	}
	for _, p := range list {
		if p.Kind != payout.Settlement {
			continue
		}
		if err := w.withheldNow(ctx, tx, p); err != nil {
			return err
		}
	}
	if err := payout.MoveAll(ctx, tx, w.Book.ID(), b.BatchNo, payout.Draft, payout.Applied, w.Date); err != nil {
		return err
	}
	b.State = payout.BatchChecked
	if err := payout.UpdateBatch(ctx, tx, w.Book.ID(), b); err != nil {
		return err
	}
	return approval.Submit(ctx, tx, w.Book.ID(), w.Stamp, w.Actor, b.BatchNo, "batch", b.BatchNo, approvalSheet(b, list))
}

// sheet is what a checker approves of a batch.
type sheet struct {
	BatchNo  string       `json:"batch_no"`
	FileDate bizdate.Date `json:"file_date"`
	Rows     int          `json:"rows"`
	TotalFen money.Amount `json:"total_fen"`
	Items    []sheetItem  `json:"items"`
}

type sheetItem struct {
	Serial    string       `json:"serial"`
	Member    string       `json:"member"`
	Account   string       `json:"account"`
	Name      string       `json:"name"`
	CNAPS     string       `json:"cnaps"`
	Route     string       `json:"route"`
	AmountFen money.Amount `json:"amount_fen"`
	FeeFen    money.Amount `json:"fee_fen"`
	Kind      payout.Kind  `json:"kind,omitempty"` // empty for a settlement
	Request   string       `json:"request,omitempty"`
	SuperBank string       `json:"super_bank,omitempty"`
	Purpose   string       `json:"purpose,omitempty"`
	// Of a person: AmountFen is net, gross what the member is paid with the tax.
	GrossFen    money.Amount `json:"gross_fen,omitempty"`
	WithheldFen money.Amount `json:"withheld_fen,omitempty"`
}

func approvalSheet(b payout.Batch, list []payout.Payout) sheet {
	s := sheet{BatchNo: b.BatchNo, FileDate: b.FileDate, Rows: b.Rows, TotalFen: b.Total, Items: make([]sheetItem, len(list))}
	for i, p := range list {
		s.Items[i] = sheetItem{Serial: p.Serial, Member: p.Member, Account: p.AccountNo, Name: p.AccountName, CNAPS: p.CNAPS, Route: p.Route,
			AmountFen: p.Amount, FeeFen: p.Fee, Kind: kindShown(p.Kind), Request: p.Request, SuperBank: p.SuperBank, Purpose: p.Purpose}
		if p.TaxVersion > 0 {
			s.Items[i].GrossFen, s.Items[i].WithheldFen = p.Amount+p.Withheld, p.Withheld
		}
	}
	return s
}

// kindShown is the kind of a payout as files and sheets carry it: a settlement,
// which is what batches are made for, is not named.
func kindShown(k payout.Kind) payout.Kind {
	if k == payout.Settlement {
		return ""
	}
	return k
}

// approvalID names the approval of a batch; a re-dated one needs a new one.
func approvalID(b payout.Batch) string {
	if b.FileDate == b.Date {
		return b.BatchNo
	}
	return b.BatchNo + "@" + b.FileDate.Compact()
}

// stepSendBatches writes the files of approved batches for the bank. What is
// sent is recomputed and compared with what was approved. It waits for a
// checker; when the day's last rail window has passed, a batch is EXPIRED.
func (w *Work) stepSendBatches(ctx context.Context) (Counts, error) {
	var batches []payout.Batch
	var asked map[string]string
	err := w.DB.Read(ctx, func(tx *store.Tx) (err error) {
		batches, err = payout.Batches(ctx, tx, w.Book.ID(), payout.BatchDraft, payout.BatchChecked, payout.BatchApproved)
		if err != nil {
			return err
		}
		asked, err = w.asks(ctx, tx, batches)
		return err
	})
	if err != nil {
		return Counts{}, err
	}
	var waits waitList
	var refused error // the first batch whose money may not leave; the others are sent
	for _, b := range batches {
		switch b.State {
		case payout.BatchDraft:
			waits = append(waits, Wait{Kind: "submission", Subject: b.BatchNo, Since: instant(stepBatch, w.Date)})
		case payout.BatchChecked:
			if w.lateForRail() {
				if err := w.expire(ctx, payout.BatchChecked); err != nil {
					return Counts{}, err
				}
				continue
			}
			waits = append(waits, Wait{Kind: "approval", Subject: asked[b.BatchNo], Since: instant(stepBatch, w.Date)})
		case payout.BatchApproved:
			err := w.send(ctx, b)
			if fault.CodeOf(err) == "batch.proof" {
				refused = firstErr(refused, err)
				continue
			}
			if err != nil {
				return Counts{}, err
			}
		}
	}
	if refused != nil {
		return Counts{In: len(batches), Failed: 1}, refused
	}
	if len(waits) > 0 {
		return Counts{In: len(batches), Skipped: len(waits), Done: len(batches) - len(waits)}, waits
	}
	return w.once(ctx, stepSend, "", nil, func(tx *store.Tx) (Counts, error) {
		var sent Counts
		all, err := payout.BatchesFor(ctx, tx, w.Book.ID(), w.Date)
		for _, b := range all {
			if b.FileName != "" {
				sent.In, sent.Done = sent.In+1, sent.Done+1
			}
		}
		return sent, err
	})
}

// lateForRail reports whether the last rail window of the day has passed. A
// replayed day has no clock: there a batch expires when its day is over.
func (w *Work) lateForRail() bool {
	return w.Config.Clock == Live && !w.Stamp.Before(w.Date.At(approvalDeadline/60, approvalDeadline%60))
}

// send writes one payout file: first the intent with its digest, then the
// file, then the state. Its bytes follow from the data alone.
func (w *Work) send(ctx context.Context, b payout.Batch) error {
	var raw []byte
	b.FileName = b.BatchNo + ".txt"
	err := w.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := firstErr(w.checkLease(ctx, tx), w.unstoppedBatch(ctx, tx, b)); err != nil {
			return err
		}
		var err error
		if raw, err = w.payoutFile(ctx, tx, b); err != nil {
			return err
		}
		sum := sha256.Sum256(raw)
		b.SHA256 = hex.EncodeToString(sum[:])
		return outbox.Intend(ctx, tx, w.Book.ID(), w.Stamp, outbox.Effect{Date: w.Date, Kind: "payout-file", Subject: b.BatchNo, FileName: b.FileName, SHA256: b.SHA256})
	})
	if err != nil {
		return err
	}
	path := filepath.Join(w.Home, "outbox", b.FileName)
	// The lease makes this run the only writer: what lies there half-written is a killed one's.
	if err := firstErr(atomicfile.SweepOf(path), w.writeOut(path, raw)); err != nil {
		return err
	}
	return w.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := w.checkLease(ctx, tx); err != nil {
			return err
		}
		if err := outbox.Written(ctx, tx, w.Book.ID(), "payout-file", b.BatchNo); err != nil {
			return err
		}
		b.State = payout.BatchSent
		if err := payout.UpdateBatch(ctx, tx, w.Book.ID(), b); err != nil {
			return err
		}
		return payout.MoveAll(ctx, tx, w.Book.ID(), b.BatchNo, payout.Applied, payout.Sent, 0)
	})
}

// payoutFile returns the bytes for the bank, after comparing what they say with
// what the checker approved.
func (w *Work) payoutFile(ctx context.Context, tx *store.Tx, b payout.Batch) ([]byte, error) {
	list, err := payout.OfBatch(ctx, tx, w.Book.ID(), b.BatchNo)
	if err != nil {
		return nil, err
	}
	a, found, err := approval.Find(ctx, tx, w.Book.ID(), approvalID(b))
	if err != nil {
		return nil, err
	}
	content, err := json.Marshal(approvalSheet(b, list))
	if err != nil {
		return nil, err
	}
	if !found || a.State != approval.Approved || a.Checker == nil || approval.Hash(content) != a.ContentHash {
		return nil, fault.Broken("approval.changed", approvalID(b))
	}
	if err := w.authorised(ctx, tx, b, a.ContentHash); err != nil {
		return nil, err
	}
	f := bankfiles.PayoutFile{BatchNo: b.BatchNo, Date: b.FileDate, Maker: a.Maker, Checker: *a.Checker}
	for _, p := range list {
		purpose := p.Purpose
		if purpose == "" {
			purpose = w.Config.Payout.Purpose
		}
		f.Items = append(f.Items, bankfiles.PayoutItem{Seq: p.Seq, Serial: p.Serial, Member: p.Member, Account: p.AccountNo, Name: p.AccountName,
			CNAPS: p.CNAPS, SuperBankNo: p.SuperBank, Amount: p.Amount, Route: p.Route, Purpose: purpose, Attach: string(kindShown(p.Kind))})
	}
	var out bytes.Buffer
	err = payfile.WritePayout(&out, &f)
	return out.Bytes(), err
}

// sentBatches returns the batches whose answer has not come.
func (w *Work) sentBatches(ctx context.Context, tx *store.Tx) ([]payout.Batch, error) {
	all, err := payout.Batches(ctx, tx, w.Book.ID(), payout.BatchSent)
	return slices.DeleteFunc(all, func(b payout.Batch) bool { return b.FileDate > w.Date }), err
}

// redateExpired submits expired batches again under the same serials: they
// were never sent.
func (w *Work) redateExpired(ctx context.Context, tx *store.Tx) error {
	expired, err := payout.Batches(ctx, tx, w.Book.ID(), payout.BatchExpired)
	if err != nil || len(expired) == 0 {
		return err
	}
	if err := people.Require(ctx, tx, w.Actor, people.Make); err != nil {
		return nil // stays expired until a maker looks at it
	}
	for _, b := range expired {
		b.State, b.FileDate = payout.BatchChecked, w.Date
		if err := payout.UpdateBatch(ctx, tx, w.Book.ID(), b); err != nil {
			return err
		}
		list, err := payout.OfBatch(ctx, tx, w.Book.ID(), b.BatchNo)
		if err != nil {
			return err
		}
		if err := approval.Submit(ctx, tx, w.Book.ID(), w.Stamp, w.Actor, approvalID(b), "batch", b.BatchNo, approvalSheet(b, list)); err != nil {
			return err
		}
	}
	return nil
}

// expire ends the waiting of batches of the day and before.
func (w *Work) expire(ctx context.Context, states ...string) error {
	return w.DB.Tx(ctx, func(tx *store.Tx) error { return w.expireThrough(ctx, tx, w.Date, states...) })
}

// unsent are the states of a batch that has not gone to the bank.
var unsent = []string{payout.BatchDraft, payout.BatchChecked, payout.BatchApproved}

// expireThrough: what no checker approved in time, or was approved and not
// sent, is EXPIRED and goes out only re-dated and approved again. What nobody
// submitted is dropped: its money never left the members' balances.
func (w *Work) expireThrough(ctx context.Context, tx *store.Tx, date bizdate.Date, states ...string) error {
	batches, err := payout.Batches(ctx, tx, w.Book.ID(), states...)
	if err != nil {
		return err
	}
	for _, b := range batches {
		if b.FileDate > date {
			continue
		}
		from := b.State
		b.State = payout.BatchExpired
		switch from {
		case payout.BatchDraft:
			b.State = payout.BatchRejected
			err = firstErr(payout.MoveAll(ctx, tx, w.Book.ID(), b.BatchNo, payout.Draft, payout.Cancelled, 0),
				payout.Release(ctx, tx, w.Book.ID(), b.BatchNo))
		case payout.BatchChecked:
			var id string
			if id, err = w.awaits(ctx, tx, b); err == nil {
				err = w.withdrawApproval(ctx, tx, id)
			}
		default: // its file may be with the bank already: then it is sent to the end
			var begun bool
			if begun, err = outbox.Intended(ctx, tx, w.Book.ID(), "payout-file", b.BatchNo); begun {
				b.State = from
			}
		}
		if err := firstErr(err, payout.UpdateBatch(ctx, tx, w.Book.ID(), b)); err != nil {
			return err
		}
	}
	return nil
}

// withdrawApproval closes a request that came too late to be decided.
func (w *Work) withdrawApproval(ctx context.Context, tx *store.Tx, id string) error {
	_, err := approval.Decide(ctx, tx, w.Book.ID(), w.Stamp, nobody, id, approval.Rejected, "EXPIRED")
	return err
}
