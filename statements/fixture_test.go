package statements_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"custody/clearing"
	"custody/internal/bizdate"
	"custody/internal/lang"
	"custody/internal/money"
	"custody/internal/pgtest"
	"custody/internal/store"
	"custody/statements"
)

const custody = 1

var (
	thursday = bizdate.MustParse("2026-02-12")
	friday   = bizdate.MustParse("2026-02-13")
	saturday = bizdate.MustParse("2026-02-14")
)

// home is a database with the worked days 02-12 and 02-13, closed, and the
// first vouchers of 02-14, one of them posted before 02-13 was closed.
type home struct {
	t  *testing.T
	db *store.DB
	ledger
}

// ledger keeps what the fixture has to number and add up.
type ledger struct {
	accounts map[string]int64
	balance  map[int64]money.Amount
	seq      map[int64]int
	numbers  map[bizdate.Date]int
	vouchers int
	moved    map[bizdate.Date]map[int64][2]money.Amount
	items    map[int64]map[string]money.Amount
}

func newHome(t *testing.T) *home {
	t.Helper()
	db, err := store.Open(t.Context(), pgtest.Where(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	h := &home{t: t, db: db, ledger: ledger{accounts: map[string]int64{}, balance: map[int64]money.Amount{}, seq: map[int64]int{},
		numbers: map[bizdate.Date]int{}, moved: map[bizdate.Date]map[int64][2]money.Amount{}, items: map[int64]map[string]money.Amount{}}}
	if err := db.Tx(t.Context(), func(tx *store.Tx) error {
		h.master(tx)
		h.postAll(tx)
		h.project(tx)
		h.day(tx)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *home) exec(tx *store.Tx, query string, args ...any) {
	h.t.Helper()
	if _, err := tx.Exec(context.Background(), query, args...); err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
}

// rows inserts rows of a table whose first column is the custody account.
func (h *home) rows(tx *store.Tx, table, columns string, rows ...[]any) {
	h.t.Helper()
	marks := strings.Repeat(", ?", strings.Count(columns, ",")+1)
	for _, r := range rows {
		h.exec(tx, "INSERT INTO "+table+" (custody_id, "+columns+") VALUES (?"+marks+")", append([]any{custody}, r...)...)
	}
}

func (h *home) master(tx *store.Tx) {
	h.rows(tx, "custodies", "code, name, account_no", []any{"HQ1", "示例连锁总部", "6222020000001234567"})
	h.rows(tx, "members", "code, name, kind, partner, status",
		[]any{"A", "甲加盟店", "FRANCHISEE", "P", "NORMAL"}, []any{"B", "=HYPERLINK(\"http://x\")", "FRANCHISEE", "P", "NORMAL"},
		[]any{"C", "丙加盟店", "FRANCHISEE", "P", "NORMAL"}, []any{"P", "@渠道合作方", "PARTNER", "", "NORMAL"})
	h.rows(tx, "split_rules", "rule_id, version, effective_date, content",
		[]any{"standard", 1, 20260101, `{"head_office_ppm":50000,"partner_ppm":20000,"fee_bearer":"franchisee"}`})
	h.rows(tx, "days", "accounting_date, state, day_phase, result_hash", []any{20260213, "CLOSED", "DONE", strings.Repeat("ab", 32)})
}

// postAll posts testdata/vouchers.txt.
func (h *home) postAll(tx *store.Tx) {
	f, err := os.Open("testdata/vouchers.txt")
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		head, legs, ok := strings.Cut(in.Text(), ": ")
		fields := strings.Fields(head)
		if !ok || strings.HasPrefix(head, "#") {
			continue
		}
		h.post(tx, bizdate.MustParse(fields[0]), fields[1], fields[2], strings.Split(legs, ", "))
	}
}

func (h *home) post(tx *store.Tx, date bizdate.Date, event, reference string, legs []string) {
	h.vouchers++
	h.numbers[date]++
	var names []string
	for i, leg := range legs {
		key, yuan, _ := strings.Cut(leg, " ")
		account, item, _ := strings.Cut(key, "/")
		amount, err := money.ParseYuan(yuan)
		if err != nil {
			h.t.Fatalf("%s: %v", leg, err)
		}
		id := h.account(account)
		h.seq[id]++
		h.balance[id] += amount
		h.move(date, id, item, amount)
		names = append(names, fmt.Sprintf("%d:%d", id, h.seq[id]))
		h.rows(tx, "entries", "account_id, seq, voucher_id, line, accounting_date, amount_fen, item, balance_after_fen",
			[]any{id, h.seq[id], h.vouchers, i + 1, date, int64(amount), item, int64(h.balance[id])})
	}
	h.rows(tx, "vouchers", "voucher_id, accounting_date, voucher_no, event, reference, reverses_id, content_hash, source, actor, created_at, legs, leaf_hash",
		[]any{h.vouchers, date, h.numbers[date], event, reference, 0, []byte{1}, "test", "test", 0, strings.Join(names, " "), []byte{1}})
}

func (h *home) account(name string) int64 {
	if h.accounts[name] == 0 {
		h.accounts[name] = int64(len(h.accounts) + 1)
	}
	return h.accounts[name]
}

func (l *ledger) move(date bizdate.Date, id int64, item string, amount money.Amount) {
	if l.moved[date] == nil {
		l.moved[date] = map[int64][2]money.Amount{}
	}
	x := l.moved[date][id]
	x[0] += max(amount, 0)
	x[1] += max(-amount, 0)
	l.moved[date][id] = x
	if item != "" {
		if l.items[id] == nil {
			l.items[id] = map[string]money.Amount{}
		}
		l.items[id][item] += amount
	}
}

// project writes accounts, items and day balances out of what was posted.
func (h *home) project(tx *store.Tx) {
	for name, id := range h.accounts {
		code, owner, _ := strings.Cut(name, ".")
		h.rows(tx, "accounts", "account_id, code, owner, balance_fen, last_seq", []any{id, code, owner, int64(h.balance[id]), h.seq[id]})
		for item, amount := range h.items[id] {
			if amount != 0 {
				h.rows(tx, "items", "account_id, item, balance_fen", []any{id, item, int64(amount)})
			}
		}
	}
	closing := map[int64]money.Amount{}
	for _, date := range []bizdate.Date{thursday, friday, saturday} {
		for id, x := range h.moved[date] {
			row := []any{date, id, int64(x[0]), int64(x[1]), nil, nil}
			if date < saturday {
				row[4], row[5] = int64(closing[id]), int64(closing[id]+x[0]-x[1])
			}
			closing[id] += x[0] - x[1]
			h.rows(tx, "day_balances", "accounting_date, account_id, debit_fen, credit_fen, opening_fen, closing_fen", row)
		}
	}
}

// day writes what the clearing of 02-13 left: files, channel days, bank lines,
// matches, exceptions and payouts.
func (h *home) day(tx *store.Tx) {
	digest := func(n int) string { return strings.Repeat(fmt.Sprintf("%02x", 16+n), 32) }
	h.rows(tx, "files", "file_id, kind, source, business_date, state, format, name, sha256, bytes, row_count, pay_fen, refund_fen, fee_fen, actor, arrived_at",
		[]any{1, "orders", "", friday, "LOADED", "orders", "orders-20260213.csv", digest(1), 500, 4, 75000, 20000, 0, "op", 0},
		[]any{2, "bill", "WX", friday, "LOADED", "wechat-all", "wx-20260213.csv", digest(2), 900, 4, 90000, 20000, 420, "op", 0},
		[]any{3, "bill", "ALI", friday, "LOADED", "alipay-trade", "ali-20260213.csv", digest(3), 400, 1, 20000, 0, 120, "op", 0},
		[]any{4, "statement", "6222020000001234567", friday, "LOADED", "camt.053", "statement-20260213.xml", digest(4), 2000, 3, 0, 0, 0, "op", 0},
		[]any{5, "orders", "", thursday, "LOADED", "orders", "orders-20260212.csv", digest(5), 500, 7, 200000, 10000, 0, "op", 0},
		[]any{6, "bill", "WX", friday, "REJECTED", "wechat-all", "wx-bad.csv", digest(6), 900, 0, 0, 0, 0, "op", 0})
	h.rows(tx, "bank_statements", "file_id, account_no, number, from_date, to_date, opening_fen, closing_fen, entries",
		[]any{4, "6222020000001234567", "44", friday, friday, 130000, 157780, 3})
	h.rows(tx, "bank_lines", "line_id, bank_ref, booking_date, value_date, amount_fen, reversal, end_to_end_id, counterparty_name, counterparty_account, remark, statement_file_id, statement_row_no, use, matched_to, matched_date",
		[]any{1, "K1301", friday, friday, 129220, 0, "", "财付通", "243300133", "20260212", 4, 1, "CHANNEL", "E3:K1301", friday},
		[]any{2, "K1302", friday, friday, -92300, 0, "20260213010001", "甲加盟店", "6217000000000000001", "+结算款", 4, 2, "PAYOUT", "E5b:20260213010001", friday},
		[]any{3, "K1303", friday, friday, -9140, 0, "20260213010003", "丙加盟店", "6217000000000000003", "结算款", 4, 3, "PAYOUT", "E5b:20260213010003", friday})
	h.rows(tx, "channel_days", "channel, clearing_date, bill_file_id, pay_fen, refund_fen, fee_fen, net_fen, due_date, split_date, arrived_date, released_date, held_reason",
		[]any{"WX", thursday, 7, 130000, 0, 780, 129220, friday, thursday, friday, friday, ""},
		[]any{"ALI", thursday, 8, 60000, 10000, 300, 49700, friday, thursday, saturday, saturday, "IN_TRANSIT"},
		[]any{"WX", friday, 2, 90000, 20000, 420, 69580, saturday, friday, saturday, nil, ""},
		[]any{"ALI", friday, 3, 20000, 0, 120, 19880, saturday, friday, nil, nil, ""})
	h.matches(tx)
	h.rows(tx, "exceptions", "exception_id, kind, subject, state, opened_date, closed_date, channel, clearing_date, member, amount_fen, ours, theirs, owner, due_date",
		[]any{"20260212-001", "DATE", "W4", "AUTO_CLEARED", thursday, friday, "WX", 20260212, "A", 10000, "100.00", "", "", 20260215},
		[]any{"20260212-002", "UNKNOWN_PAYER", "K1202", "OPEN", thursday, nil, "", 0, "", 30000, "", "300.00", "maker1", 20260219},
		[]any{"20260213-001", "BANK_MISS", "L4", "IN_POOL", friday, nil, "ALI", 20260213, "B", 5000, "50.00", "", "", 20260216},
		[]any{"20260213-002", "PLATFORM_MISS", "-W6", "ASSIGNED", friday, saturday, "WX", 20260213, "", 30000, "", "300.00", "maker1", 20260224})
	h.rows(tx, "payouts", "serial, batch_no, seq, member, account_no, account_name, cnaps, route, amount_fen, fee_fen, state, applied_date, answer, answer_reason, bank_ref, settled_date, returned_date, credited_date",
		[]any{"20260213010001", "PO20260213-01", 1, "A", "6217000000000000001", "甲加盟店", "", "BEP", 92300, 100, "SUCCESS", friday, "S", "", "K1302", friday, nil, nil},
		[]any{"20260213010002", "PO20260213-01", 2, "B", "6217000000000000002", "=乙加盟店", "", "BEP", 18380, 100, "FAILED", friday, "F", "收款人户名不符", "", friday, nil, nil},
		[]any{"20260213010003", "PO20260213-01", 3, "C", "6217000000000000003", "丙加盟店", "", "BEP", 9140, 100, "RETURNED", friday, "S", "", "K1303", friday, saturday, nil},
		[]any{"20260213010004", "PO20260213-01", 4, "P", "6217000000000000004", "渠道合作方", "", "BEP", 2500, 100, "SUCCESS", friday, "S", "", "", friday, nil, nil})
}

func (h *home) matches(tx *store.Tx) {
	at := friday.At(10, 30).Unix()
	h.rows(tx, "orders", "file_id, row_no, kind, order_no, refund_no, member, channel, amount_fen, trade_time",
		[]any{1, 1, "PAY", "W5", "", "A", "WX", 50000, at}, []any{1, 2, "PAY", "L3", "", "A", "ALI", 20000, at},
		[]any{1, 4, "REFUND", "W1", "R2", "A", "WX", 20000, at}, []any{5, 4, "PAY", "W4", "", "A", "WX", 10000, thursday.At(23, 59).Unix()})
	h.rows(tx, "bill_rows", "file_id, row_no, kind, order_no, refund_no, channel_no, amount_fen, fee_fen, trade_time",
		[]any{2, 2, "PAY", "W4", "", "4200001", 10000, 60, friday.At(0, 0).Unix() + 2}, []any{2, 3, "PAY", "W5", "", "4200002", 50000, 300, at},
		[]any{2, 4, "PAY", "W6", "", "4200003", 30000, 180, at}, []any{2, 5, "REFUND", "W1", "R2", "4200004", 20000, -120, at},
		[]any{3, 6, "PAY", "L3", "", "2026021322001", 20000, 120, at})
	h.rows(tx, "trade_matches", "bill_file_id, bill_row_no, order_file_id, order_row_no, accounting_date, rule",
		[]any{2, 2, 5, 4, friday, "order-no"}, []any{2, 3, 1, 1, friday, "order-no"}, []any{2, 5, 1, 4, friday, "refund-no"}, []any{3, 6, 1, 2, friday, "amount-day"})
}

func config() *clearing.Config {
	return &clearing.Config{Code: "HQ1", Name: "示例连锁总部", Clock: clearing.Replay,
		Channels: []clearing.Channel{{Code: "WX", Name: "微信支付", FeePPM: 6000, PayDays: "natural"}, {Code: "ALI", Name: "支付宝", FeePPM: 6000, PayDays: "working"}},
		Release:  clearing.Release{Days: 1}, Limits: clearing.Limits{PoolDays: 3, TransitDays: 3}, Payout: clearing.Payout{Fee: "1.00", Minimum: "0.01", Route: "BEP"}}
}

// tieOut is that of 02-13: P's payout of 25.00 was answered S and not debited yet.
func tieOut() *clearing.TieOut {
	return &clearing.TieOut{Date: friday, BankClosing: 157780,
		PaidNotByBank: []clearing.TieItem{{Amount: 2500, Date: friday, Subject: "20260213010004", Text: "P", File: "PO20260213-01.result", Line: 5, SHA256: strings.Repeat("5a", 32)}},
		AdjustedBank:  155280, Book: 155280, AdjustedBook: 155280, SubAccounts: 300280, InTransit: 140000, Shortages: 5000}
}

func checks() []clearing.CheckView {
	var out []clearing.CheckView
	for i := range 11 {
		out = append(out, clearing.CheckView{ID: fmt.Sprintf("R%d", i+1), OK: true, State: "passed"})
	}
	out[0].Detail = []clearing.CheckLine{{Label: "doc.col.debit", Amount: 738160}, {Label: "doc.col.credit", Amount: 738160}}
	out[7].State = "not_expected"
	out[3].Detail = []clearing.CheckLine{{Label: "doc.title.accounts", Note: "25"}}
	out[9].Detail = []clearing.CheckLine{{Label: "1402.L4", Amount: 5000, Note: "20260213-001"}}
	return out
}

func input(l lang.Lang) statements.WorkbookInput {
	return statements.WorkbookInput{Custody: custody, Config: config(), Date: friday, TieOut: tieOut(), Checks: checks(),
		Lang: l, State: "CLOSED", ResultHash: strings.Repeat("ab", 32)}
}
