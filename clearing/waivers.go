package clearing

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"custody/clearing/approval"
	"custody/clearing/people"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
)

// Waiver is a maker's request to go on without an expected file (放行): it will
// never come, and the day must close. Its reason is printed in the reports.
type Waiver struct {
	Date   bizdate.Date `json:"date"`
	Kind   string       `json:"kind"`   // orders, bill, balances
	Source string       `json:"source"` // channel of a bill
	Reason string       `json:"reason"`
}

// waivable are the files without which a day can still be proven. Without the
// bank's statement nothing can.
var waivable = []string{fileOrders, fileBill, fileBalances}

// Waive asks a checker to waive a file that is expected and has not come. A
// waived bill counts as a bill without rows: what our side has goes to the
// cross-day pool and waits for a later one.
func (e *Engine) Waive(ctx context.Context, actor string, v Waiver) (string, error) {
	if !slices.Contains(waivable, v.Kind) {
		return "", fault.Invalid("waiver.kind", strings.Join(waivable, ", ")).On("KIND", v.Kind)
	}
	if v.Reason == "" {
		return "", fault.Invalid("waiver.reason").On("--reason", "")
	}
	if v.Kind == fileBalances {
		v.Source = e.Config.Account
	}
	files, err := e.Files(ctx, v.Date)
	if err != nil {
		return "", err
	}
	if !slices.ContainsFunc(files, func(f File) bool {
		return f.Kind == v.Kind && f.Source == v.Source && f.Date == v.Date && f.State == FileExpected
	}) {
		return "", fault.Invalid("waiver.file", v.Date).On("KIND", strings.TrimSpace(v.Kind+" "+v.Source))
	}
	id := "WAIVE-" + v.Date.Compact() + "-" + v.Kind
	if v.Kind == fileBill {
		id += "-" + v.Source
	}
	err = e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Make); err != nil {
			return err
		}
		subject := id
		if id, err = approval.NextID(ctx, tx, e.Book.ID(), "waiver", subject); err != nil {
			return err
		}
		return approval.Submit(ctx, tx, e.Book.ID(), e.Clock.Now(), actor, id, "waiver", subject, v)
	})
	return id, err
}

// decideWaiver records the file as WAIVED, unless it has come meanwhile.
func (w *Work) decideWaiver(ctx context.Context, tx *store.Tx, a approval.Approval, to approval.State, _ *Decision) error {
	if to == approval.Rejected {
		return nil
	}
	var v Waiver
	if err := json.Unmarshal([]byte(a.Content), &v); err != nil {
		return err
	}
	_, came, err := w.file(ctx, tx, v.Kind, v.Source, v.Date)
	if err != nil {
		return err
	}
	if came {
		return fault.Invalid("waiver.file", v.Date).On("KIND", strings.TrimSpace(v.Kind+" "+v.Source))
	}
	_, err = w.insertFile(ctx, tx, File{Kind: v.Kind, Source: v.Source, Date: v.Date, State: FileWaived, Name: a.ID, SHA256: a.ContentHash, Errors: "[]"})
	return err
}
