package clearing_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"custody/bankfiles"
	"custody/bankfiles/camt"
	"custody/bankfiles/orderfile"
	"custody/bankfiles/payfile"
	"custody/clearing"
	"custody/clearing/exceptions"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
)

func bytesOf(t *testing.T, write func(io.Writer) error) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func replaced(t *testing.T, raw []byte, from, to string) []byte {
	t.Helper()
	if !bytes.Contains(raw, []byte(from)) {
		t.Fatalf("%q is not in the file", from)
	}
	return bytes.Replace(raw, []byte(from), []byte(to), 1)
}

func orderBytes(t *testing.T, date string, rows ...bankfiles.Order) []byte {
	return bytesOf(t, func(w io.Writer) error { return orderfile.Write(w, day(date), slices.Values(rows)) })
}

func statementBytes(t *testing.T, date, account, currency string, opening, closing string, count int, refs ...string) []byte {
	return bytesOf(t, func(w io.Writer) error {
		entries := entriesOf(workedLinesOf(refs...))
		open, closed := exact(opening, currency), exact(closing, currency)
		var all []camt.Content
		for i := range count {
			head := statementHead(day(date), "STMT"+string(rune('A'+i)))
			head.Account, head.Currency, head.Opening, head.Closing = account, currency, &open, &closed
			for k := range entries {
				entries[k].Amount.Currency = currency
			}
			all = append(all, camt.Content{Head: head, Entries: entries})
		}
		return camt.Write(w, camt.Document{Kind: bankfiles.EndOfDay, MessageID: "M", Created: day(date).At(24, 30), Statements: all})
	})
}

func exact(s, currency string) money.Exact {
	x := yuan(s)
	x.Currency = currency
	return x
}

const account = "1100200300400500600"

// TestBadFiles: each names what is wrong and where, books nothing, is kept, and
// leaves its expectation open for the right file.
func TestBadFiles(t *testing.T) {
	wx := func(t *testing.T) []byte {
		return bytesOf(t, writeBill("WX", day("2026-02-13"), workedBills["WX 2026-02-13"]))
	}
	for _, c := range []struct {
		name, file string
		raw        func(*testing.T) []byte
		code       string
		line       int
		field      string
	}{
		{"wrong total", "bill-WX-20260213.csv", func(t *testing.T) []byte { return replaced(t, wx(t), "`4.20", "`4.21") }, "bill.total", 7, "*"},
		{"last line cut off", "bill-WX-20260213.csv", func(t *testing.T) []byte { raw := wx(t); return raw[:len(raw)-12] }, "bill.cut", 7, ""},
		{"no total at all", "bill-WX-20260213.csv", func(t *testing.T) []byte {
			lines := strings.SplitAfter(string(wx(t)), "\n")
			return []byte(strings.Join(lines[:len(lines)-3], ""))
		}, "bill.cut", 0, ""},
		{"a column too few", "bill-WX-20260213.csv", func(t *testing.T) []byte { return replaced(t, wx(t), ",`42W5,", ",") }, "bill.columns", 3, ""},
		{"yesterday's under today's name", "bill-WX-20260213.csv", func(t *testing.T) []byte {
			return bytesOf(t, writeBill("WX", day("2026-02-12"), workedBills["WX 2026-02-12"]))
		}, "file.name-date", 0, "date"},
		{"not GBK", "bill-ALI-20260213.csv", func(t *testing.T) []byte {
			raw := bytesOf(t, writeBill("ALI", day("2026-02-13"), workedBills["ALI 2026-02-13"]))
			return replaced(t, raw, "42L3", "4\xff\xffL")
		}, "bill.encoding", 6, ""},
		{"unknown member", "orders-20260213.csv", func(t *testing.T) []byte {
			return orderBytes(t, "2026-02-13", payOrder("N1", "Z", "WX", "1.00", "02-13 10:00:00"))
		}, "order.member", 3, "member"},
		{"a partner's order", "orders-20260213.csv", func(t *testing.T) []byte {
			return orderBytes(t, "2026-02-13", payOrder("N1", "P", "WX", "1.00", "02-13 10:00:00"))
		}, "order.member", 3, "member"},
		{"unknown channel", "orders-20260213.csv", func(t *testing.T) []byte {
			return orderBytes(t, "2026-02-13", payOrder("N1", "A", "WX", "1.00", "02-13 10:00:00"), payOrder("N2", "A", "UNION", "1.00", "02-13 10:00:00"))
		}, "order.channel", 4, "channel"},
		{"number of an earlier day", "orders-20260213.csv", func(t *testing.T) []byte {
			return orderBytes(t, "2026-02-13", payOrder("N1", "A", "WX", "1.00", "02-13 09:00:00"), payOrder("W2", "A", "WX", "1.00", "02-13 10:00:00"))
		}, "order.again", 4, "order_no"},
		{"the same order twice", "orders-20260213.csv", func(t *testing.T) []byte {
			raw := orderBytes(t, "2026-02-13", payOrder("N1", "A", "WX", "1.00", "02-13 09:00:00"), payOrder("N2", "A", "WX", "1.00", "02-13 10:00:00"))
			return replaced(t, raw, "N2", "N1")
		}, "orders.duplicate", 4, "order_no"},
		{"another date's orders", "orders-20260213.csv", func(t *testing.T) []byte {
			return orderBytes(t, "2026-02-12", payOrder("N1", "A", "WX", "1.00", "02-12 09:00:00"))
		}, "file.name-date", 0, "date"},
		{"wrong account", "statement-20260213.xml", func(t *testing.T) []byte {
			return statementBytes(t, "2026-02-13", "1100200300400500601", "CNY", "1300.00", "2592.20", 1, "K1301")
		}, "file.account", 0, "account"},
		{"not balancing", "statement-20260213.xml", func(t *testing.T) []byte {
			raw := statementBytes(t, "2026-02-13", account, "CNY", "1300.00", "2592.20", 1, "K1301")
			return replaced(t, raw, "2592.20", "2592.21")
		}, "statement.unbalanced", 0, "*"},
		{"chain broken", "statement-20260213.xml", func(t *testing.T) []byte {
			return statementBytes(t, "2026-02-13", account, "CNY", "1300.01", "2592.21", 1, "K1301")
		}, "statement.chain", 0, "OPBD"},
		{"two statements", "statement-20260213.xml", func(t *testing.T) []byte {
			return statementBytes(t, "2026-02-13", account, "CNY", "1300.00", "2592.20", 2, "K1301")
		}, "statement.count", 0, ""},
		{"foreign currency", "statement-20260213.xml", func(t *testing.T) []byte {
			return statementBytes(t, "2026-02-13", account, "USD", "1300.00", "2592.20", 1, "K1301")
		}, "statement.currency", 0, "Ccy"},
		{"a reference of another day", "statement-20260213.xml", func(t *testing.T) []byte {
			return bytes.ReplaceAll(statementBytes(t, "2026-02-13", account, "CNY", "1300.00", "2592.20", 1, "K1301"), []byte("K1301"), []byte("K1201"))
		}, "statement.ref-again", 0, "AcctSvcrRef"},
		{"balances of another account", "balances-20260213.txt", func(t *testing.T) []byte {
			return bytesOf(t, func(w io.Writer) error {
				return payfile.WriteBalance(w, &bankfiles.BalanceFile{Account: "1100200300400500601", Date: day("2026-02-13")})
			})
		}, "file.account", 0, "account"},
		{"answer to an unknown batch", "result-PO20260299-01.txt", func(t *testing.T) []byte {
			return resultBytes(t, "PO20260213-09", "2026-02-13", 92300, 4)
		}, "result.batch", 1, "batchNo"},
		{"neither this nor that", "something.csv", func(t *testing.T) []byte { return []byte("hello\nworld\n") }, "file.unknown", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.first()
			s.report("2026-02-13", workedLine("K1301"))
			s.playUntil("2026-02-13", "arrival", 0)
			before := s.posted("2026-02-13")
			raw := c.raw(t)
			path := filepath.Join(s.home, c.file)
			s.write(c.file, raw)
			_, err := s.engine.Import(s.ctx, path, clearing.ImportOptions{DryRun: true, Actor: "maker1"})
			if c.code != "order.member" && c.code != "order.channel" && c.code != "order.again" && c.code[:7] != "result." && c.code != "statement.chain" && c.code != "statement.ref-again" {
				wantCode(t, err, c.code)
			}
			_, err = s.engine.Import(s.ctx, path, clearing.ImportOptions{Actor: "maker1"})
			wantCode(t, err, c.code)
			f := fault.Of(err)
			if f == nil || fault.ExitCode(err) != 2 {
				t.Fatal(err)
			}
			if f.File != c.file || (c.line != 0 && f.Line != c.line) || (c.field != "*" && f.Field != c.field) {
				t.Errorf("%s line %d field %q, want %s line %d field %q", f.File, f.Line, f.Field, c.file, c.line, c.field)
			}
			s.wantRejected(c.file, raw, c.code)
			if after := s.posted("2026-02-13"); !slices.Equal(after, before) {
				t.Errorf("booked: %s", after)
			}
			// The right files then load, and the day closes.
			s.orders("2026-02-13")
			s.bills("2026-02-13")
			s.bank("2026-02-13", workedLine("K1301"))
			s.over("2026-02-13", 0)
		})
	}
}

func resultBytes(t *testing.T, batch, date string, first money.Amount, rows int) []byte {
	return bytesOf(t, func(w io.Writer) error {
		f := &bankfiles.ResultFile{BatchNo: batch, Date: day(date)}
		for i, fen := range []money.Amount{first, 18380, 9140, 2500}[:rows] {
			f.Items = append(f.Items, bankfiles.ResultItem{Seq: i + 1, Serial: "2026021301000" + string(rune('1'+i)), Amount: fen, Status: "S", Code: "0000"})
		}
		return payfile.WriteResult(w, f)
	})
}

// wantRejected: nothing of the file is in the books but its row with what was
// wrong, and its bytes in the vault.
func (b *workedBooks) wantRejected(name string, raw []byte, code string) {
	b.t.Helper()
	files, err := os.ReadDir(filepath.Join(b.home, "vault"))
	if err != nil {
		b.t.Fatal(err)
	}
	kept := false
	for _, f := range files {
		if strings.HasSuffix(f.Name(), "-"+name) {
			got, err := os.ReadFile(filepath.Join(b.home, "vault", f.Name()))
			kept = kept || err == nil && bytes.Equal(got, raw)
		}
	}
	if !kept {
		b.t.Errorf("the original is not in the vault: %v", files)
	}
	b.read(func(tx *store.Tx) error {
		var rows []struct {
			State  string `db:"state"`
			Errors string `db:"errors"`
		}
		err := tx.Select(b.ctx, &rows, "SELECT state, errors FROM files WHERE name = ? ORDER BY file_id", name)
		if len(rows) != 1 || rows[0].State != "REJECTED" || !strings.Contains(rows[0].Errors, code) {
			b.t.Errorf("files: %+v, want one REJECTED with %s", rows, code)
		}
		return err
	})
}

// TestBadAnswers: a result file is compared with what was sent.
func TestBadAnswers(t *testing.T) {
	s := newScene(t)
	s.first()
	s.report("2026-02-13", workedLine("K1301"))
	s.play("2026-02-13", waiting)
	try := func(code string, line int, field string, raw []byte) {
		t.Helper()
		s.write("result.txt", raw)
		_, err := s.engine.Import(s.ctx, filepath.Join(s.home, "result.txt"), clearing.ImportOptions{Actor: "maker1"})
		wantCode(t, err, code)
		if f := fault.Of(err); f == nil || f.Line != line || f.Field != field {
			t.Errorf("%v, want line %d, field %s", err, line, field)
		}
	}
	good := resultBytes(t, poFirst, "2026-02-13", 92300, 4)
	try("result.batch", 1, "batchNo", good) // not sent yet
	s.approve(poFirst)
	s.play("2026-02-13", waiting)
	try("result.amount", 2, "amount", resultBytes(t, poFirst, "2026-02-13", 92301, 4))
	try("result.rows", 1, "rows", resultBytes(t, poFirst, "2026-02-13", 92300, 3))
	try("result.date", 1, "date", resultBytes(t, poFirst, "2026-02-14", 92300, 4))
	if p := s.payout(serialA); p.Answer != "" || s.live("2201") != "1227.20" {
		t.Errorf("%+v", p)
	}
	s.write("result.txt", good)
	if _, err := s.engine.Import(s.ctx, filepath.Join(s.home, "result.txt"), clearing.ImportOptions{Actor: "maker1"}); err != nil {
		t.Fatal(err)
	}
	try("file.conflict", 0, "sha256", resultBytes(t, poFirst, "2026-02-13", 92301, 4))
	s.play("2026-02-13", waiting)
	s.want(map[string]string{"2201": "0.00"})
}

// TestMissingFiles: exit 5, which and since when; what needs nothing of it has run.
func TestMissingFiles(t *testing.T) {
	drops := map[string]func(*scene){
		"orders":    func(s *scene) { s.orders("2026-02-12") },
		"statement": func(s *scene) { s.bank("2026-02-12", workedLinesOf("K1201", "K1202")...) },
		"WX":        func(s *scene) { s.bill("WX", "2026-02-12", workedBills["WX 2026-02-12"]...) },
		"ALI":       func(s *scene) { s.bill("ALI", "2026-02-12", workedBills["ALI 2026-02-12"]...) },
	}
	for missing, c := range map[string]struct {
		waits string
		ran   map[string]int // vouchers by event
	}{
		"orders":    {"file orders 2026-02-12 since 2026-02-13 00:40", map[string]int{"E0": 1, "E9b": 1}},
		"statement": {"file statement 2026-02-12 since 2026-02-13 08:00", map[string]int{"E1": 6, "E2": 4, "E20b": 1, "E14c": 1}},
		"WX":        {"file bill WX 2026-02-12 since 2026-02-13 10:00", map[string]int{"E0": 1, "E1": 6, "E2": 1, "E20b": 1, "E14c": 0}},
		"ALI":       {"file bill ALI 2026-02-12 since 2026-02-13 10:00", map[string]int{"E0": 1, "E1": 6, "E2": 3, "E20b": 0, "E14c": 1}},
	} {
		t.Run(missing, func(t *testing.T) {
			s := newScene(t)
			for name, drop := range drops {
				if name != missing {
					drop(s)
				}
			}
			wantWaits(t, s.play("2026-02-12", waiting), c.waits)
			for event, n := range c.ran {
				if got := s.posted("2026-02-12", event); len(got) != n {
					t.Errorf("%s: %d vouchers, want %d", event, len(got), n)
				}
			}
			drops[missing](s)
			s.play("2026-02-12", 0)
			if n := len(s.posted("2026-02-12")); n != 15 {
				t.Errorf("%d vouchers in the end, want 15", n)
			}
		})
	}
}

// TestNoBillWithTrades: the channel says that there was no trade, our file has
// some: each is an exception and waits.
func TestNoBillWithTrades(t *testing.T) {
	s := newScene(t)
	s.night("2026-02-12", []bankfiles.Order{payOrder("N1", "A", "WX", "10.00", "02-12 10:00:00"), payOrder("N2", "B", "WX", "20.00", "02-12 23:59:00")}, nil)
	s.wantOpen("BANK_MISS N1 IN_POOL", "DATE N2 IN_POOL")
	s.want(map[string]string{"1402": "30.00", "2102": "30.00", "1122": "0.00"})
	for d := day("2026-02-13"); d <= day("2026-02-15"); d = d.AddDays(1) {
		s.night(d.String(), nil, nil)
	}
	s.wantOpen("BANK_MISS N1 ASSIGNED", "DATE N2 ASSIGNED")
	// A bill after the pool's time still finds its order.
	s.night("2026-02-16", nil, []bankfiles.BillRow{pay("N2", "20.00", "0.12", "02-16 00:00:01")})
	s.wantOpen("BANK_MISS N1 ASSIGNED")
	s.want(map[string]string{"1402": "10.00", "2102": "10.00", "2002.B.WX.0216": "18.48"})
}

// TestDifferences: fee, amount, duplicate and refunds of one bill.
func TestDifferences(t *testing.T) {
	s := newScene(t)
	s.night("2026-02-12",
		[]bankfiles.Order{payOrder("F1", "A", "WX", "100.00", "02-12 10:00:00"), payOrder("A1", "A", "WX", "100.00", "02-12 10:01:00"), payOrder("D1", "B", "WX", "50.00", "02-12 10:02:00")},
		[]bankfiles.BillRow{pay("F1", "100.00", "0.70", "02-12 10:00:00"), pay("A1", "99.00", "0.59", "02-12 10:01:00"), pay("D1", "50.00", "0.30", "02-12 10:02:00"), pay("D1", "50.00", "0.30", "02-12 10:02:05")})
	s.wantOpen("AMOUNT A1 IN_POOL", "DUPLICATE D1#20260212.1 OPEN", "FEE F1 OPEN")
	s.want(map[string]string{"1122.WX.0212": "299.00", "1402.A1": "100.00", "2402.A1": "99.00", "2402.D1#20260212.1": "50.00", "2501.WX.0212": "0.90"})
	x := s.exception("FEE", "F1")
	if x.Amount != 10 {
		t.Errorf("fee differs by %s", x.Amount)
	}
	s.handle("F1", clearing.Handling{Template: "fee"})
	s.want(map[string]string{"2501.WX.0212": "1.00"})
	for subject, template := range map[string]string{"A1": "note", "D1#20260212.1": "note"} {
		e := s.exception(s.exceptionKind(subject), subject)
		p, err := s.engine.Propose(s.ctx, "maker1", e.ID, clearing.Handling{Template: template, Note: "seen"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.engine.Approve(s.ctx, "checker1", p.ApprovalID)
		wantCode(t, err, "exception.money")
	}
	s.invariants()
}

func (b *workedBooks) exceptionKind(subject string) exceptions.Kind {
	list, err := b.engine.Exceptions(b.ctx, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, e := range list {
		if e.Subject == subject {
			return e.Kind
		}
	}
	return ""
}
