package clearing_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"custody/bankfiles"
	"custody/bankfiles/camt"
	"custody/bankfiles/mt940"
	"custody/clearing"
	"custody/internal/bizdate"
	"custody/internal/money"
	"custody/internal/store"
)

// sampleProfile describes the export of a bank that does not exist.
const sampleProfile = `name: sample-bank
title: "示例银行 statement"
columns:
  date: ["交易时间"]
  value_date: ["起息日"]
  debit: ["支出"]
  credit: ["收入"]
  balance: ["余额"]
  reference: ["流水号"]
  reversal: ["冲正"]
  counterparty_name: ["对方户名"]
  counterparty_account: ["对方账号"]
  remark: ["摘要"]
sign:
  rule: columns
  reversal: ["是"]
dates: ["yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd", "yyyyMMdd"]
labels:
  account: ["账号"]
  from: ["起始日期"]
  to: ["截止日期"]
  opening: ["期初余额"]
  closing: ["期末余额"]
`

// formTails are the ends of the names of statements in each form.
var formTails = map[string]string{"camt.053": ".xml", "mt940": ".sta", "csv": ".csv", "gbk": ".csv", "xlsx": ".xlsx", "zip": ".zip", "gzip": ".xml.gz"}

func formTail(form string) string {
	if tail, known := formTails[form]; known {
		return tail
	}
	return moreForms[form].tail
}

// statementIn writes the same statement in one of the forms in which banks send it.
func statementIn(t *testing.T, form string, head bankfiles.Statement, entries []bankfiles.StatementEntry) []byte {
	t.Helper()
	xml := func() []byte {
		return bytesOf(t, func(w io.Writer) error {
			return camt.Write(w, camt.Document{Kind: bankfiles.EndOfDay, MessageID: "M" + head.To.Compact(), Created: head.To.At(24, 30),
				Statements: []camt.Content{{Head: head, Entries: entries}}})
		})
	}
	switch form {
	case "camt.053":
		return xml()
	case "mt940":
		return bytesOf(t, func(w io.Writer) error { return mt940.Write(w, []mt940.Content{{Head: head, Entries: entries}}) })
	case "csv":
		return []byte(tableText(head, entries))
	case "gbk":
		text, err := simplifiedchinese.GB18030.NewEncoder().String(tableText(head, entries))
		if err != nil {
			t.Fatal(err)
		}
		return []byte(text)
	case "xlsx":
		return sheetOf(t, tableText(head, entries))
	case "zip":
		return zipOf(t, "statement.xml", xml())
	case "gzip":
		return bytesOf(t, func(w io.Writer) error {
			z := gzip.NewWriter(w)
			_, err := z.Write(xml())
			return firstError(err, z.Close())
		})
	}
	return moreForms[form].write(t, head, entries)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func zipOf(t *testing.T, namesAndBytes ...any) []byte {
	t.Helper()
	return bytesOf(t, func(w io.Writer) error {
		z := zip.NewWriter(w)
		for i := 0; i < len(namesAndBytes); i += 2 {
			name := namesAndBytes[i].(string)
			// As Alipay does: the name in GBK and no mark of UTF-8.
			coded, err := simplifiedchinese.GBK.NewEncoder().String(name)
			if err != nil {
				return err
			}
			f, err := z.CreateHeader(&zip.FileHeader{Name: coded, Method: zip.Deflate, NonUTF8: coded != name})
			if err != nil {
				return err
			}
			if _, err := f.Write(namesAndBytes[i+1].([]byte)); err != nil {
				return err
			}
		}
		return z.Close()
	})
}

// tableText is a statement as a bank's page exports it: our serial stands in the
// remark, for there is no column for it.
func tableText(head bankfiles.Statement, entries []bankfiles.StatementEntry) string {
	var out strings.Builder
	fmt.Fprintf(&out, "账号,%s\n起始日期,%s\n截止日期,%s\n期初余额,%s\n期末余额,%s\n", head.Account, head.From, head.To, head.Opening, head.Closing)
	out.WriteString("流水号,交易时间,起息日,支出,收入,余额,对方户名,对方账号,摘要,冲正\n")
	balance := *head.Opening
	for i := range entries {
		e := &entries[i]
		balance, _ = balance.Add(e.Amount)
		debit, credit, reversal, remark := "", e.Amount.String(), "", e.Remark
		if e.Amount.Units < 0 {
			debit, credit = e.Amount.Neg().String(), ""
		}
		if e.Reversal {
			reversal = "是"
		}
		if e.EndToEndID != "" && !strings.Contains(remark, e.EndToEndID) {
			remark += " " + e.EndToEndID
		}
		fmt.Fprintf(&out, "%s,%s,%s,%s,%s,%s,%s,%s,%s,%s\n", e.BankRef, e.BookingTime.In(bizdate.Zone).Format("2006-01-02 15:04:05"),
			e.ValueDate, debit, credit, balance, e.CounterpartyName, e.CounterpartyAccount, remark, reversal)
	}
	return out.String()
}

// sheetOf puts a table into a workbook, every cell as text.
func sheetOf(t *testing.T, text string) []byte {
	t.Helper()
	book := excelize.NewFile()
	defer book.Close()
	for i, row := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		for j, cell := range strings.Split(row, ",") {
			at, err := excelize.CoordinatesToCellName(j+1, i+1)
			if err == nil {
				err = book.SetCellStr("Sheet1", at, cell)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	var out bytes.Buffer
	if err := book.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func (b *workedBooks) profile(name, text string) {
	b.t.Helper()
	if err := os.MkdirAll(filepath.Join(b.home, "profiles"), 0o700); err != nil {
		b.t.Fatal(err)
	}
	b.write(filepath.Join("profiles", name), []byte(text))
}

// statementDays are the days whose statement is in the books.
func (b *workedBooks) statementDays() string {
	var days []string
	b.read(func(tx *store.Tx) error {
		var list []bizdate.Date
		err := tx.Select(b.ctx, &list, "SELECT to_date FROM bank_statements ORDER BY to_date")
		for _, d := range list {
			days = append(days, d.String())
		}
		return err
	})
	return strings.Join(days, " ")
}

// TestStatementsInAnyForm plays the worked days with the same statements in other
// forms: every voucher, balance, tie-out, exception and check is the same.
func TestStatementsInAnyForm(t *testing.T) {
	for _, form := range []string{"mt940", "csv", "gbk", "xlsx", "zip", "gzip"} {
		t.Run(form, func(t *testing.T) {
			if testing.Short() && (form == "gbk" || form == "gzip") {
				t.Skip("the others show it")
			}
			b := newWorkedBooks(t)
			b.profile("sample.yaml", sampleProfile)
			b.form = form
			b.playWorkedDays()
			golden(t, "vouchers.golden", b.vouchers())
			golden(t, "balances.golden", b.balances())
			golden(t, "tieout.golden", b.tieOuts())
			golden(t, "exceptions.golden", b.exceptions())
			golden(t, "checks.golden", b.checks())
		})
	}
}

// statementOver is a statement of the worked lines over several days.
func statementOver(t *testing.T, form, from, to string) []byte {
	t.Helper()
	opening, _ := lines(day(from))
	closing, entries := opening, []bankfiles.StatementEntry(nil)
	for d := day(from); d <= day(to); d = d.AddDays(1) {
		_, part := lines(d)
		entries = append(entries, part...)
		for _, e := range part {
			closing, _ = closing.Add(e.Amount)
		}
	}
	head := statementHead(day(to), "STMT")
	head.From, head.Opening, head.Closing = day(from), &opening, &closing
	return statementIn(t, form, head, entries)
}

func (b *workedBooks) load(name string, raw []byte) (*clearing.ImportReport, error) {
	b.write(name, raw)
	return b.engine.Import(b.ctx, filepath.Join(b.home, name), clearing.ImportOptions{Actor: "maker1"})
}

func (b *workedBooks) bankLines() (n int) {
	b.read(func(tx *store.Tx) error { return tx.Get(b.ctx, &n, "SELECT COUNT(*) FROM bank_lines") })
	return n
}

// TestStatementOverSeveralDays counts for each of them, and the tie-out of a day
// between rests on a closing balance that follows from the entries.
func TestStatementOverSeveralDays(t *testing.T) {
	for _, form := range []string{"camt.053", "mt940", "csv", "xlsx"} {
		t.Run(form, func(t *testing.T) {
			b := newWorkedBooks(t)
			b.profile("sample.yaml", sampleProfile)
			b.statement("2026-02-12")
			b.orders("2026-02-12")
			b.bills("2026-02-12")
			b.run("2026-02-12", 0)
			report, err := b.load("month"+formTails[form], statementOver(t, form, "2026-02-12", "2026-02-16"))
			if err != nil || report.AlreadyLoaded {
				t.Fatal(report, err)
			}
			if got := b.statementDays(); got != "2026-02-12 2026-02-13 2026-02-14 2026-02-15 2026-02-16" {
				t.Errorf("statements of %s", got)
			}
			if got := b.bankLines(); got != 15 {
				t.Errorf("%d lines, want 15", got)
			}
			b.read(func(tx *store.Tx) error {
				for date, want := range map[string]string{"2026-02-13": "1577.80", "2026-02-14": "1815.60", "2026-02-15": "2468.40", "2026-02-16": "2468.40"} {
					tie, err := b.engine.TieOut(b.ctx, tx, day(date))
					if err != nil || tie.BankClosing.String() != want {
						t.Errorf("%s closes with %s, want %s (%v)", date, tie.BankClosing, want, err)
					}
				}
				return nil
			})
		})
	}
}

// TestTheSameStatementAgain: re-encoded, overlapping or the same bytes, nothing
// comes twice and nothing is lost.
func TestTheSameStatementAgain(t *testing.T) {
	b := newWorkedBooks(t)
	b.profile("sample.yaml", sampleProfile)
	if _, err := b.load("first.xml", statementOver(t, "camt.053", "2026-02-12", "2026-02-13")); err != nil {
		t.Fatal(err)
	}
	for _, again := range []struct {
		name, form, from, to string
	}{{"first.xml", "camt.053", "2026-02-12", "2026-02-13"}, {"again.sta", "mt940", "2026-02-12", "2026-02-13"},
		{"again.csv", "csv", "2026-02-12", "2026-02-13"}, {"day.xlsx", "xlsx", "2026-02-13", "2026-02-13"}, {"packed.zip", "zip", "2026-02-12", "2026-02-13"}} {
		report, err := b.load(again.name, statementOver(t, again.form, again.from, again.to))
		if err != nil || !report.AlreadyLoaded || report.LoadedOn == "" {
			t.Errorf("%s: %+v %v", again.name, report, err)
		}
	}
	if n := b.bankLines(); n != 5 {
		t.Errorf("%d lines, want 5", n)
	}
	report, err := b.load("overlap.csv", statementOver(t, "csv", "2026-02-13", "2026-02-14"))
	if err != nil || report.AlreadyLoaded || report.From != day("2026-02-13") {
		t.Fatalf("%+v %v", report, err)
	}
	if n := b.bankLines(); n != 13 {
		t.Errorf("%d lines, want 13", n)
	}
	if _, err := b.load("more.csv", statementOver(t, "csv", "2026-02-14", "2026-02-15")); err != nil {
		t.Fatal(err)
	}
	// A later word that says otherwise of a day is a conflict and changes nothing:
	// this one balances, and moves 100.00 from one line of the first day to another.
	before := b.statementDays() + " " + fmt.Sprint(b.bankLines())
	head := statementHead(day("2026-02-14"), "STMT")
	var entries []bankfiles.StatementEntry
	closing := money.FromFen(0)
	for d := day("2026-02-12"); d <= day("2026-02-14"); d = d.AddDays(1) {
		_, part := lines(d)
		entries = append(entries, part...)
	}
	for i := range entries {
		switch entries[i].BankRef {
		case "K1201":
			entries[i].Amount = yuan("1100.00")
		case "K1202":
			entries[i].Amount = yuan("200.00")
		}
		closing, _ = closing.Add(entries[i].Amount)
	}
	opening := money.FromFen(0)
	head.From, head.Opening, head.Closing = day("2026-02-12"), &opening, &closing
	_, err = b.load("lying.xml", statementIn(t, "camt.053", head, entries))
	wantCode(t, err, "chain.overlap")
	if after := b.statementDays() + " " + fmt.Sprint(b.bankLines()); after != before {
		t.Errorf("%s, before %s", after, before)
	}
}

// TestTwoEqualLines stay two, with a bank reference, without, and with the same one.
func TestTwoEqualLines(t *testing.T) {
	twin := func(ref string) bankfiles.StatementEntry {
		e := bankLine{ref, "02-12 09:10:00", "5.00", "李四", "6222999900000009", "", "same"}.entry()
		return e
	}
	for _, ref := range []string{"", "0", "K1"} {
		for _, form := range []string{"csv", "xlsx"} {
			t.Run(form+" "+ref, func(t *testing.T) {
				b := newWorkedBooks(t)
				b.profile("sample.yaml", sampleProfile)
				head := statementHead(day("2026-02-12"), "STMT")
				opening, closing := money.FromFen(0), money.FromFen(1000)
				head.Opening, head.Closing = &opening, &closing
				if _, err := b.load("s"+formTails[form], statementIn(t, form, head, []bankfiles.StatementEntry{twin(ref), twin(ref)})); err != nil {
					t.Fatal(err)
				}
				if n := b.bankLines(); n != 2 {
					t.Errorf("%d lines, want 2", n)
				}
			})
		}
	}
}
