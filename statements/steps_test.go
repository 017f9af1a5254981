package statements_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"custody/clearing"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
	"custody/statements"
	"custody/subaccounts"
)

// prover stands for the engine of the clearing day.
type prover struct{ tie *clearing.TieOut }

func (p prover) TieOut(context.Context, *store.Tx, bizdate.Date) (*clearing.TieOut, error) {
	return p.tie, nil
}

func (p prover) CheckViews(context.Context, *store.Tx, bizdate.Date) ([]clearing.CheckView, error) {
	return checks(), nil
}

func work(t *testing.T, h *home) *clearing.Work {
	t.Helper()
	var book *subaccounts.Book
	if err := h.db.Read(t.Context(), func(tx *store.Tx) error {
		var err error
		book, err = subaccounts.Open(t.Context(), tx, "HQ1", [32]byte{})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return &clearing.Work{Engine: &clearing.Engine{DB: h.db, Book: book, Config: config(), Home: t.TempDir()}, Date: friday}
}

func TestReportsLeaveNothingHalf(t *testing.T) {
	h := newHome(t)
	w := work(t, h)
	tie := tieOut()
	tie.Book++
	if _, err := statements.Reports(t.Context(), w, prover{tie}); fault.CodeOf(err) != "document.tieout" {
		t.Errorf("got %v", err)
	}
	files, err := os.ReadDir(filepath.Join(w.Home, "reports", "2026-02-13"))
	if err != nil || len(files) != 0 {
		t.Errorf("left %v, %v", files, err)
	}
}

func TestReportsGolden(t *testing.T) {
	h := newHome(t)
	w := work(t, h)
	dir := filepath.Join(w.Home, "reports", "2026-02-13")
	var before []byte
	for range 2 { // the second run replaces the same bytes
		counts, err := statements.Reports(t.Context(), w, prover{tieOut()})
		if err != nil || counts != (clearing.Counts{In: 4, Done: 4}) {
			t.Fatalf("%+v, %v", counts, err)
		}
		raw, err := os.ReadFile(filepath.Join(dir, "reconciliation-20260213.xlsx"))
		if err != nil || before != nil && string(before) != string(raw) {
			t.Fatalf("the workbook changed: %v", err)
		}
		before = raw
	}
	for _, name := range []string{"members", "exceptions", "ledger"} {
		raw, err := os.ReadFile(filepath.Join(dir, name+"-20260213.csv"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(raw), "\xEF\xBB\xBF") {
			t.Errorf("%s: no BOM", name)
		}
		golden(t, name+".csv", string(raw))
	}
}

func TestStepIsOfTheNight(t *testing.T) {
	steps := statements.Steps()
	if len(steps) != 1 || steps[0].Name != "reports" || steps[0].Phase != clearing.NightPhase {
		t.Errorf("%+v", steps)
	}
}
