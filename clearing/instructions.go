package clearing

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"custody/bankfiles"
	"custody/bankfiles/payfile"
	"custody/clearing/approval"
	"custody/clearing/exceptions"
	"custody/clearing/outbox"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
	"custody/subaccounts"
)

// The bank keeps its own sub-ledger of the members (分户账) and learns of the
// nights' splits and of payouts by itself. What two people decide it cannot
// know: a claim, the credit of a returned payout and an adopted order change a
// member's sub-account without a payment. Each such decision therefore leaves
// as an instruction (分户指令), or the bank's balance file would differ from the
// books ever after (R8).

// instructionEffect is the kind of these files in the outbox; the subject is
// the approval.
const instructionEffect = "instruction"

// instructed are the handling templates that the bank must follow.
var instructed = map[string]bankfiles.InstructionKind{
	"claim":         bankfiles.InstructClaim,
	"credit-return": bankfiles.InstructReturn,
	"adopt":         bankfiles.InstructAdopt,
	templateCorrect: bankfiles.InstructAdopt,
	"make-good":     bankfiles.InstructCredit,
}

// instructionNo is unique: an exception is decided once in its favour.
func instructionNo(date bizdate.Date, exception string) string {
	return "SI" + date.Compact() + "-" + exception
}

// intendInstruction records the instruction of an approved decision in the
// transaction that posts it, so that neither happens without the other. Most
// decisions need none.
func (w *Work) intendInstruction(ctx context.Context, tx *store.Tx, a approval.Approval, x exceptions.Exception, date bizdate.Date) error {
	raw, err := instructionFile(a, x, date)
	if err != nil || raw == nil {
		return err
	}
	return outbox.Intend(ctx, tx, w.Book.ID(), w.Stamp, outbox.Effect{Date: date, Kind: instructionEffect, Subject: a.ID,
		FileName: instructionNo(date, x.ID) + ".txt", SHA256: digestOf(raw)})
}

func digestOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// instructionFile returns the bytes for the bank, or nil where the decision
// changes no sub-account. They follow from what was approved, by whom and for
// which day, and from nothing else: after a crash they are written again.
func instructionFile(a approval.Approval, x exceptions.Exception, date bizdate.Date) ([]byte, error) {
	if err := a.Intact(); err != nil {
		return nil, err
	}
	var p Proposal
	if err := json.Unmarshal([]byte(a.Content), &p); err != nil {
		return nil, err
	}
	kind, needed := instructed[p.Handling.Template]
	if !needed || kind == bankfiles.InstructReturn && !slices.ContainsFunc(p.Legs, func(l subaccounts.Leg) bool { return l.Code == "2001" }) {
		return nil, nil // a return of what was no member's changes no sub-account
	}
	if a.State != approval.Approved || a.Checker == nil {
		return nil, fault.Broken("approval.changed", a.ID)
	}
	f := bankfiles.InstructionFile{No: instructionNo(date, x.ID), Date: date, Maker: a.Maker, Checker: *a.Checker,
		Items: []bankfiles.InstructionItem{instruction(kind, x, p)}}
	var out bytes.Buffer
	err := payfile.WriteInstruct(&out, &f)
	return out.Bytes(), err
}

// instruction says what the bank's sub-ledger takes: of an adopted order the
// whole, which the bank splits like any other; else what the member is credited with.
func instruction(kind bankfiles.InstructionKind, x exceptions.Exception, p Proposal) bankfiles.InstructionItem {
	item := bankfiles.InstructionItem{Seq: 1, Kind: kind, Reference: x.Subject}
	if kind == bankfiles.InstructAdopt {
		item.Member, item.Amount = cmp.Or(p.Handling.Member, x.Member), adoptedAmount(x, p.Legs)
		item.Channel, item.ClearingDate, item.OrderNo = x.Channel, x.ClearingDate, x.Subject
		return item
	}
	for _, l := range p.Legs {
		if l.Code == "2001" {
			item.Member, item.Amount = l.Owner, item.Amount-l.Amount
		}
	}
	return item
}

// writeInstructions writes the files of decisions that are committed: of the
// one just made, and of any whose process was killed in between.
func (e *Engine) writeInstructions(ctx context.Context) error {
	var pending []outbox.Effect
	err := e.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if pending, err = outbox.Pending(ctx, tx, e.Book.ID(), instructionEffect); err != nil {
			return err
		}
		more, err := outbox.Pending(ctx, tx, e.Book.ID(), subAccountEffect)
		pending = append(pending, more...)
		return err
	})
	if err != nil {
		return err
	}
	for _, p := range pending {
		if err := e.writeInstruction(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) writeInstruction(ctx context.Context, p outbox.Effect) error {
	raw, err := e.instructionOf(ctx, p)
	if err != nil {
		return err
	}
	if err := e.writeOut(filepath.Join(e.Home, "outbox", p.FileName), raw); err != nil {
		return &fault.Fault{Kind: fault.Internal, Code: "instruction.unwritten", Args: []any{p.Subject}, File: p.FileName, Cause: err}
	}
	return e.DB.Tx(ctx, func(tx *store.Tx) error {
		return outbox.Written(ctx, tx, e.Book.ID(), p.Kind, p.Subject)
	})
}

// instructionOf makes the bytes again and compares them with what was recorded.
func (e *Engine) instructionOf(ctx context.Context, p outbox.Effect) (raw []byte, err error) {
	err = e.DB.Read(ctx, func(tx *store.Tx) error {
		if p.Kind == subAccountEffect {
			raw, err = e.subAccountOf(ctx, tx, p)
		} else {
			raw, err = e.decidedInstruction(ctx, tx, p)
		}
		if got := digestOf(raw); err == nil && got != p.SHA256 {
			return fault.Broken("outbox.changed", p.FileName, p.SHA256, got)
		}
		return err
	})
	return raw, err
}

// decidedInstruction makes the bytes of an approved handling of an exception.
func (e *Engine) decidedInstruction(ctx context.Context, tx *store.Tx, p outbox.Effect) ([]byte, error) {
	a, found, err := approval.Find(ctx, tx, e.Book.ID(), p.Subject)
	if err != nil || !found {
		return nil, firstErr(err, fault.Broken("approval.changed", p.Subject))
	}
	x, err := exceptions.Find(ctx, tx, e.Book.ID(), a.Subject)
	if err != nil {
		return nil, err
	}
	return instructionFile(a, x, p.Date)
}

// hashInstructions writes what the bank was told of the day's decisions.
func (w *Work) hashInstructions(ctx context.Context, tx *store.Tx, out io.Writer) error {
	return tx.Each(ctx, `SELECT file_name, sha256 FROM outbox WHERE custody_id = ? AND accounting_date = ? AND kind IN (?, ?) ORDER BY file_name`,
		[]any{w.Book.ID(), w.Date, instructionEffect, subAccountEffect}, func(scan func(...any) error) error {
			var name, digest []byte
			if err := scan(&name, &digest); err != nil {
				return err
			}
			_, err := fmt.Fprintf(out, "instruction %s %s\n", name, digest)
			return err
		})
}
