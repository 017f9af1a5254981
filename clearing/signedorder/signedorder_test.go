package signedorder_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"custody/clearing/signedorder"
	"custody/internal/fault"
	"custody/internal/money"
)

const (
	order = `{"id": "N1", "nonce": "nonce-01", "custody": "HQ01", "payer": "A", "payee": {"name": "加盟商甲", "account": "6222000000000001", "cnaps": "102100000030"},` +
		` "amount": "100.00", "purpose": "货款", "issued_at": "2026-02-13T09:00:00+08:00", "expires_at": "2026-02-14T09:00:00+08:00"}`
	whole = `{"format": "custody-payment-orders/1", "orders": [` + order + `]}`
)

// TestParseRefuses: a file is taken whole or not at all, and nobody can read
// another order out of it than we do.
func TestParseRefuses(t *testing.T) {
	for _, c := range []struct {
		name, raw string
		code      string
		line      int
	}{
		{"nothing", "", "signedorder.syntax", 0},
		{"no object", "[]", "signedorder.syntax", 0},
		{"null", "null", "signedorder.syntax", 0},
		{"a mark before it", "\uFEFF" + whole, "signedorder.syntax", 0},
		{"something after it", whole + whole, "signedorder.syntax", 0},
		{"bytes that are no text", strings.Replace(whole, "加", "\xff", 1), "signedorder.syntax", 0},
		{"cut off", whole[:len(whole)-1], "signedorder.syntax", 0},
		{"no format", `{"orders": [` + order + `]}`, "signedorder.format", 0},
		{"another format", strings.Replace(whole, "orders/1", "orders/2", 1), "signedorder.format", 0},
		{"no orders", `{"format": "custody-payment-orders/1"}`, "signedorder.syntax", 0},
		{"an empty list", `{"format": "custody-payment-orders/1", "orders": []}`, "signedorder.count", 0},
		{"too many", `{"format": "custody-payment-orders/1", "orders": [` + strings.Repeat("1,", signedorder.OrdersMax) + "1]}", "signedorder.count", 0},
		{"too large", strings.Repeat(" ", signedorder.FileMax) + whole, "signedorder.size", 0},
		{"an unknown key", strings.Replace(whole, `"purpose"`, `"priority": 1, "purpose"`, 1), "signedorder.syntax", 1},
		{"a key in other letters", strings.Replace(whole, `"amount"`, `"Amount"`, 1), "signedorder.syntax", 1},
		{"a key twice", strings.Replace(whole, `"amount"`, `"amount": "900.00", "amount"`, 1), "signedorder.syntax", 1},
		{"a key twice in the payee", strings.Replace(whole, `"cnaps"`, `"account": "1", "cnaps"`, 1), "signedorder.syntax", 1},
		{"format twice", strings.Replace(whole, `"orders"`, `"format": "x", "orders"`, 1), "signedorder.syntax", 0},
		{"a number for text", strings.Replace(whole, `"100.00"`, `100.00`, 1), "signedorder.syntax", 1},
		{"null for text", strings.Replace(whole, `"100.00"`, `null`, 1), "signedorder.syntax", 1},
		{"no payee", strings.Replace(whole, `"payee"`, `"payees"`, 1), "signedorder.syntax", 1},
		{"a payee that is text", strings.Replace(whole, order, `{"payee": "A"}`, 1), "signedorder.syntax", 1},
		{"the second order", strings.Replace(whole, order, order+",\n\n{}", 1), "signedorder.syntax", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, err := signedorder.Parse([]byte(c.raw))
			f := fault.Of(err)
			if f == nil || f.Code != c.code || f.Line != c.line || list != nil {
				t.Errorf("got %v on line %d, want %s on line %d", err, f.Line, c.code, c.line)
			}
		})
	}
}

// TestTimely: the instant of expiry is too late, five minutes ahead is not.
func TestTimely(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct{ name, issued, expires, now, code string }{
		{"no offset", "2026-02-13T09:00:00", "2026-02-14T09:00:00+08:00", "2026-02-13T12:00:00+08:00", "signedorder.time"},
		{"no time", "", "", "2026-02-13T12:00:00+08:00", "signedorder.time"},
		{"a day that is none", "2026-02-13T09:00:00+08:00", "2026-02-30T09:00:00+08:00", "2026-02-13T12:00:00+08:00", "signedorder.time"},
		{"ends before it begins", "2026-02-13T09:00:00+08:00", "2026-02-13T09:00:00+08:00", "2026-02-13T09:00:00+08:00", "signedorder.time"},
		{"for too long", "2026-02-13T09:00:00+08:00", "2026-03-05T09:00:01+08:00", "2026-02-13T12:00:00+08:00", "signedorder.validity"},
		{"for as long as can be", "2026-02-13T09:00:00+08:00", "2026-03-05T09:00:00+08:00", "2026-02-13T12:00:00+08:00", ""},
		{"from tomorrow", "2026-02-14T09:00:00+08:00", "2026-02-15T09:00:00+08:00", "2026-02-13T12:00:00+08:00", "signedorder.early"},
		{"a clock that is ahead", "2026-02-13T12:05:00+08:00", "2026-02-15T09:00:00+08:00", "2026-02-13T12:00:00+08:00", ""},
		{"a clock that is too far ahead", "2026-02-13T12:05:01+08:00", "2026-02-15T09:00:00+08:00", "2026-02-13T12:00:00+08:00", "signedorder.early"},
		{"the last second", "2026-02-13T09:00:00+08:00", "2026-02-13T12:00:00+08:00", "2026-02-13T11:59:59+08:00", ""},
		{"the second after", "2026-02-13T09:00:00+08:00", "2026-02-13T12:00:00+08:00", "2026-02-13T12:00:00+08:00", "signedorder.expired"},
		{"another offset, the same instant", "2026-02-13T01:00:00Z", "2026-02-13T04:00:00Z", "2026-02-13T12:00:00+08:00", "signedorder.expired"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := signedorder.Order{IssuedAt: c.issued, ExpiresAt: c.expires}.Timely(at(c.now))
			if fault.CodeOf(err) != c.code {
				t.Errorf("got %v, want %q", err, c.code)
			}
		})
	}
}

func TestNamed(t *testing.T) {
	for _, c := range []struct{ id, nonce, code string }{
		{"", "nonce-01", "signedorder.id"},
		{"a.b", "nonce-01", "signedorder.id"}, // a point ends the owner in the reference
		{"a b", "nonce-01", "signedorder.id"},
		{"编号", "nonce-01", "signedorder.id"},
		{strings.Repeat("a", 33), "nonce-01", "signedorder.id"},
		{"a", "short-1", "signedorder.nonce"},
		{"a", strings.Repeat("a", 33), "signedorder.nonce"},
		{"a", "nonce 01", "signedorder.nonce"},
		{strings.Repeat("a", 32), strings.Repeat("a", 32), ""},
	} {
		if err := (signedorder.Order{ID: c.id, Nonce: c.nonce}).Named(); fault.CodeOf(err) != c.code {
			t.Errorf("%q %q: got %v, want %q", c.id, c.nonce, err, c.code)
		}
	}
}

// TestCheck: what cannot be paid as written, and what amounts come to.
func TestCheck(t *testing.T) {
	const yuan = `"amount": "100.00"`
	for _, c := range []struct {
		name, from, to string
		code           string
		amount         money.Amount
	}{
		{"as it is", "", "", "", 100_00},
		{"fen", yuan, `"amount_fen": 12345`, "", 123_45},
		{"the largest", yuan, `"amount_fen": 999999999999999`, "", 999_999_999_999_999},
		{"above it", yuan, `"amount_fen": 1000000000000000`, "signedorder.amount", 0},
		{"above it in yuan", yuan, `"amount": "10000000000000.00"`, "signedorder.amount", 0},
		{"nothing", yuan, `"amount": "0.00"`, "signedorder.amount", 0},
		{"less", yuan, `"amount": "-1.00"`, "signedorder.amount", 0},
		{"less in fen", yuan, `"amount_fen": -1`, "signedorder.amount", 0},
		{"a tenth of a fen", yuan, `"amount": "0.001"`, "signedorder.amount", 0},
		{"an exponent", yuan, `"amount_fen": 1e3`, "signedorder.amount", 0},
		{"text for fen", yuan, `"amount_fen": "100"`, "signedorder.amount", 0},
		{"both", yuan, yuan + `, "amount_fen": 10000`, "signedorder.amount", 0},
		{"neither", yuan + ",", "", "signedorder.amount", 0},
		{"no custody", `"custody": "HQ01",`, "", "signedorder.custody", 0},
		{"no payer", `"payer": "A",`, "", "signedorder.payer", 0},
		{"no name", "加盟商甲", "", "signedorder.payee", 0},
		{"a name that breaks the bank's file", "加盟商甲", "甲|乙", "signedorder.payee", 0},
		{"a name with a line break", "加盟商甲", `甲\n`, "signedorder.payee", 0},
		{"a long name", "加盟商甲", strings.Repeat("甲", 61), "signedorder.payee", 0},
		{"an account with spaces", "6222000000000001", "6222 0000 0000 0001", "signedorder.payee", 0},
		{"no bank", `, "cnaps": "102100000030"`, "", "signedorder.bank", 0},
		{"two banks", `"cnaps"`, `"super_bank": "102100000030", "cnaps"`, "signedorder.bank", 0},
		{"a short number", "102100000030", "10210000003", "signedorder.bank", 0},
		{"super net banking", "cnaps", "super_bank", "", 100_00},
		{"a purpose with an escape", "货款", `\u0007`, "signedorder.purpose", 0},
		{"no purpose", "货款", "", "", 100_00},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, err := signedorder.Parse([]byte(strings.Replace(whole, c.from, c.to, 1)))
			if err != nil {
				t.Fatal(err)
			}
			amount, err := list[0].Check("HQ01")
			if fault.CodeOf(err) != c.code || amount != c.amount {
				t.Errorf("got %s, %v; want %s, %q", amount, err, c.amount, c.code)
			}
		})
	}
}

// FuzzParse: whatever a file says, it is refused with a fault of ours or read, and
// what was read means the same when it is written and read again.
func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(strings.Replace(whole, `"amount": "100.00"`, `"amount_fen": 10000`, 1)))
	f.Add([]byte(`{"format": "custody-payment-orders/1", "orders": [{"payee": {}}]}`))
	f.Add([]byte(`{"orders": [[[[`))
	now := time.Date(2026, 2, 13, 4, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, raw []byte) {
		list, err := signedorder.Parse(raw)
		if err != nil {
			if f := fault.Of(err); f == nil || !strings.HasPrefix(f.Code, "signedorder.") {
				t.Fatalf("%v", err)
			}
			return
		}
		again, err := json.Marshal(map[string]any{"format": signedorder.Format, "orders": list})
		if err != nil {
			t.Fatal(err)
		}
		back, err := signedorder.Parse(again)
		if len(again) > signedorder.FileMax {
			return
		}
		if err != nil || len(back) != len(list) {
			t.Fatalf("%s: %v", again, err)
		}
		for i, o := range list {
			a, errA := o.Check("HQ01")
			b, errB := back[i].Check("HQ01")
			if a != b || fault.CodeOf(errA) != fault.CodeOf(errB) || errA == nil && a <= 0 {
				t.Errorf("%+v comes to %s %v, then to %s %v", o, a, errA, b, errB)
			}
			if fault.CodeOf(o.Timely(now)) != fault.CodeOf(back[i].Timely(now)) || fault.CodeOf(o.Named()) != fault.CodeOf(back[i].Named()) {
				t.Errorf("%+v and %+v differ", o, back[i])
			}
		}
	})
}
