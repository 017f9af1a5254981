package clearing_test

import (
	"os"
	"path/filepath"
	"testing"

	"custody/clearing"
	"custody/internal/fault"
)

// TestWaiver: a bill that never comes keeps the day open until two people go
// on without it; what our side has then waits in the pool.
func TestWaiver(t *testing.T) {
	b := newWorkedBooks(t)
	b.statement("2026-02-12")
	b.orders("2026-02-12")
	b.bills("2026-02-12")
	if err := os.Remove(filepath.Join(b.home, "inbox", "bill-ALI-20260212.csv")); err != nil {
		t.Fatal(err)
	}
	b.run("2026-02-12", waiting)
	for name, v := range map[string]clearing.Waiver{
		"waiver.kind":   {Date: day("2026-02-12"), Kind: "statement", Reason: "lost"},
		"waiver.reason": {Date: day("2026-02-12"), Kind: "bill", Source: "ALI"},
		"waiver.file":   {Date: day("2026-02-12"), Kind: "bill", Source: "WX", Reason: "it has come"},
	} {
		if _, err := b.engine.Waive(b.ctx, "maker1", v); fault.CodeOf(err) != name {
			t.Errorf("%+v: %v, want %s", v, err, name)
		}
	}
	v := clearing.Waiver{Date: day("2026-02-12"), Kind: "bill", Source: "ALI", Reason: "渠道停机"}
	id, err := b.engine.Waive(b.ctx, "maker1", v)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.engine.Reject(b.ctx, "checker1", id, "ask again"); err != nil {
		t.Fatal(err)
	}
	b.run("2026-02-12", waiting)
	if id, err = b.engine.Waive(b.ctx, "maker1", v); err != nil {
		t.Fatal(err)
	}
	if _, err := b.engine.Approve(b.ctx, "maker1", id); err == nil {
		t.Error("the maker approved his own waiver")
	}
	b.approve(id)
	b.run("2026-02-12", 0)
	list, err := b.engine.Exceptions(b.ctx, day("2026-02-12"))
	if err != nil {
		t.Fatal(err)
	}
	pooled := 0
	for _, e := range list {
		if e.Channel == "ALI" && e.State == "IN_POOL" {
			pooled++
		}
	}
	if pooled != 3 { // L1, L2 and the refund R1
		t.Errorf("%d of Alipay's rows wait in the pool, want 3: %+v", pooled, list)
	}
	if report, err := b.engine.Verify(b.ctx, nil); err != nil || !report.OK {
		t.Errorf("%v %+v", err, report)
	}
}
