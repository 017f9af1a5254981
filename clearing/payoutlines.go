package clearing

import (
	"context"
	"strings"

	"custody/clearing/payout"
	"custody/clearing/reconcile"
	"custody/internal/store"
)

// resultPrefix tells the row of a result file from the payout that it answers.
const resultPrefix = "R:"

// payoutLine is a payout as the bank was asked to make it.
func (e *Engine) payoutLine(ctx context.Context, tx *store.Tx, id string) (Line, bool, error) {
	p, found, err := payout.BySerial(ctx, tx, e.Book.ID(), id)
	if err != nil || !found {
		return Line{}, false, err
	}
	b, _, err := payout.FindBatch(ctx, tx, e.Book.ID(), p.BatchNo)
	return Line{Kind: LinePayout, ID: id, Place: Place{Date: b.FileDate, File: b.FileName, Row: fileRow(p)}, record: reconcile.Record{
		Instruction: p.Serial, Batch: p.BatchNo, Party: p.AccountName, Amount: -p.Amount, Booked: b.FileDate}}, true, err
}

// resultLine is what a result file said of a payout. Its amount is the payout's: a
// row with another is refused with its file.
func (e *Engine) resultLine(ctx context.Context, tx *store.Tx, id string) (Line, bool, error) {
	serial, ok := strings.CutPrefix(id, resultPrefix)
	if !ok {
		return Line{}, false, nil
	}
	p, found, err := payout.BySerial(ctx, tx, e.Book.ID(), serial)
	if err != nil || !found || p.Answer == "" {
		return Line{}, false, err
	}
	l := Line{Kind: LineResult, ID: id, record: reconcile.Record{Instruction: p.Serial, Batch: p.BatchNo, BankRef: p.BankRef, Amount: -p.Amount}}
	_, err = tx.Find(ctx, &l.Place, "SELECT file_id, business_date, name FROM files WHERE custody_id = ? AND kind = ? AND source = ? AND state = ? ORDER BY file_id DESC LIMIT 1",
		e.Book.ID(), fileResult, p.BatchNo, FileLoaded)
	l.Place.Row, l.record.Booked = fileRow(p), l.Place.Date
	return l, true, err
}

// fileRow is the line of a payout in its file, and of its answer in the result
// file: behind the header.
func fileRow(p payout.Payout) int64 { return int64(p.Seq) + 1 }
