package statements_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"strings"
	"testing"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/lang"
	"custody/internal/store"
	"custody/statements"
)

func statement(t *testing.T, h *home, member string, from, to bizdate.Date, format string, l lang.Lang) (string, error) {
	t.Helper()
	var out bytes.Buffer
	in := statements.StatementInput{Custody: custody, Member: member, From: from, To: to, Lang: l, Channel: func(code string) string {
		ch, _ := config().Channel(code)
		return ch.Name
	}}
	err := h.db.Read(t.Context(), func(tx *store.Tx) error { return statements.Statement(t.Context(), tx, in, format, &out) })
	return out.String(), err
}

func TestStatementRefuses(t *testing.T) {
	h := newHome(t)
	for _, c := range []struct {
		name, member, format, code string
		from, to                   bizdate.Date
	}{
		{"unknown member", "X", "csv", "document.member", friday, friday},
		{"unknown format", "A", "doc", "document.format", friday, friday},
		{"end before start", "A", "csv", "document.period", friday, thursday},
		{"no start", "A", "csv", "document.period", 0, thursday},
		{"too long", "A", "csv", "document.period", bizdate.MustParse("2000-01-01"), friday},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := statement(t, h, c.member, c.from, c.to, c.format, lang.ZH); fault.CodeOf(err) != c.code {
				t.Errorf("got %v, want %s", err, c.code)
			}
		})
	}
}

// TestStatementProvesItself: entries that do not lead to the balance of the day
// totals are refused.
func TestStatementProvesItself(t *testing.T) {
	h := newHome(t)
	if err := h.db.Tx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(context.Background(), "UPDATE entries SET amount_fen = amount_fen + 1 WHERE account_id = ? AND seq = 1", h.accounts["2001.A"])
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := statement(t, h, "A", thursday, saturday, "csv", lang.ZH); fault.CodeOf(err) != "document.balance" {
		t.Errorf("got %v", err)
	}
	if _, err := statement(t, h, "B", thursday, saturday, "csv", lang.ZH); err != nil {
		t.Errorf("the other member: %v", err)
	}
}

func TestStatementGolden(t *testing.T) {
	h := newHome(t)
	for _, member := range []string{"A", "B"} {
		raw, err := statement(t, h, member, friday, friday, "xlsx", lang.ZH)
		if err != nil {
			t.Fatal(err)
		}
		leave(t, "statement-"+member+".xlsx", []byte(raw))
		checkFormulas(t, []byte(raw))
		golden(t, "statement."+member+".txt", dump(t, open(t, []byte(raw))))
		raw, err = statement(t, h, member, thursday, saturday, "csv", lang.EN)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "statement."+member+".csv", raw)
	}
}

// TestStatementsJoin: what one period ends with the next begins with.
func TestStatementsJoin(t *testing.T) {
	h := newHome(t)
	ends := map[string]string{}
	for _, day := range []bizdate.Date{thursday, friday, saturday} {
		raw, err := statement(t, h, "A", day, day, "csv", lang.EN)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(raw)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range rows[1:] {
			balance := row[len(row)-1]
			switch code := row[0]; {
			case row[4] != "Opening balance":
				ends[code] = balance
			case day > thursday && ends[code] != "" && ends[code] != balance:
				t.Errorf("%s row %d: %s opens with %s after %s", day, i, code, balance, ends[code])
			}
		}
	}
	if ends["2002"] != "554.40" {
		t.Errorf("2002 ends with %q", ends["2002"])
	}
}
