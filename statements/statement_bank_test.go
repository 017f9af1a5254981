package statements_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"custody/bankfiles"
	"custody/bankfiles/camt"
	"custody/bankfiles/mt940"
	"custody/internal/bizdate"
	"custody/internal/lang"
)

// imported is what an accounting program makes of a statement.
type imported struct{ heads, entries []string }

func (*imported) Open(*bankfiles.Statement) error { return nil }

func (i *imported) Entry(e *bankfiles.StatementEntry) error {
	i.entries = append(i.entries, strings.TrimSpace(fmt.Sprint(e.BookingDate, " ", e.Amount, " ", e.BankRef, " ", e.EndToEndID, " ", e.Remark)))
	return nil
}

func (i *imported) Close(st *bankfiles.Statement) error {
	i.heads = append(i.heads, fmt.Sprintf("%s %s %s %s..%s %s%+d=%s %v", st.ID, st.Number, st.Account, st.From, st.To, st.Opening, st.Sum.Units, st.Closing, *st.Balanced))
	return nil
}

func importBoth(t *testing.T, h *home, member string, from, to bizdate.Date) *imported {
	t.Helper()
	text, err := statement(t, h, member, from, to, "camt053", lang.ZH)
	if err != nil {
		t.Fatal(err)
	}
	first, second := &imported{}, &imported{}
	if err := camt.Read("x.xml", strings.NewReader(text), first); err != nil {
		t.Fatal(err)
	}
	if text, err = statement(t, h, member, from, to, "mt940", lang.ZH); err != nil {
		t.Fatal(err)
	}
	if err := mt940.Read("x.sta", strings.NewReader(text), second); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, second, cmp.AllowUnexported(imported{})); diff != "" {
		t.Errorf("camt and MT940 differ:\n%s", diff)
	}
	return first
}

// TestStatementForImport: both formats are read back equal, every day leads from
// the day before to the next, and the days of two periods are those of the whole.
func TestStatementForImport(t *testing.T) {
	h := newHome(t)
	all := importBoth(t, h, "A", thursday, saturday)
	golden(t, "statement.A.import.txt", strings.Join(append(all.heads, all.entries...), "\n")+"\n")
	closing := map[string]string{}
	for _, head := range all.heads {
		f := strings.Fields(head)
		opening, _, _ := strings.Cut(f[4], "+")
		opening, _, _ = strings.Cut(strings.TrimPrefix(opening, "-"), "-")
		_, end, _ := strings.Cut(f[4], "=")
		if before, ok := closing[f[2]]; ok && before != opening {
			t.Errorf("%s opens with %s after %s", f[0], opening, before)
		}
		closing[f[2]] = end
		if !strings.HasSuffix(head, " true") {
			t.Errorf("%s does not balance", head)
		}
	}
	parts := map[string]bool{}
	for _, day := range []bizdate.Date{thursday, friday, saturday} {
		for _, head := range importBoth(t, h, "A", day, day).heads {
			parts[head] = true
		}
	}
	for _, head := range all.heads {
		if !parts[head] {
			t.Errorf("%s is not in its own day", head)
		}
	}
}

// TestStatementForImportOfNothing: a member without entries has a statement, too.
func TestStatementForImportOfNothing(t *testing.T) {
	h := newHome(t)
	got := importBoth(t, h, "C", bizdate.MustParse("2026-01-05"), bizdate.MustParse("2026-01-06"))
	if diff := cmp.Diff([]string{"20260106-2001P 26006 HQ1-C-2001 2026-01-05..2026-01-06 0.00+0=0.00 true"}, got.heads); diff != "" || len(got.entries) > 0 {
		t.Error(diff)
	}
}
