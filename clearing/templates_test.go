package clearing_test

import (
	"testing"

	"custody/clearing"
	"custody/clearing/exceptions"
	"custody/internal/money"
)

// TestTemplatesThatPost: what only the channel has goes to the unidentified
// receipts and from there to its owner; what it never paid the risk fund bears,
// within the limit of whoever makes and checks it.
func TestTemplatesThatPost(t *testing.T) {
	b := night13(t)
	b.run("2026-02-13", 0)
	b.handle("W6", clearing.Handling{Template: "suspend", Note: "nobody's order"})
	b.want(map[string]string{"2402.W6": "0.00", "2401.W6": "300.00"})
	if e := b.exception(exceptions.UnknownPayer, "W6"); e.Amount != 300_00 {
		t.Errorf("%+v", e)
	}
	b.handle("W6", clearing.Handling{Template: "claim", Member: "B"})
	b.want(map[string]string{"2401.W6": "0.00"})

	limit := money.Amount(49_99)
	b.wantCode("his own limit", "people.own-limit", b.engine.SetWriteOffLimit(b.ctx, "maker1", "maker1", &limit))
	if err := b.engine.SetWriteOffLimit(b.ctx, "maker1", "checker1", &limit); err != nil {
		t.Fatal(err)
	}
	l4 := b.exception(exceptions.BankMiss, "L4")
	p, err := b.engine.Propose(b.ctx, "maker1", l4.ID, clearing.Handling{Template: "make-good"})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Legs) != 4 {
		t.Errorf("the preview is %+v", p.Legs)
	}
	_, err = b.engine.Approve(b.ctx, "checker1", p.ApprovalID)
	b.wantCode("above the checker's limit", "people.limit", err)
	report, err := b.engine.Verify(b.ctx, nil)
	if err != nil || !report.OK {
		t.Errorf("%v %+v", err, report.Problems)
	}
}
