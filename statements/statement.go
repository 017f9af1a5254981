package statements

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/lang"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// StatementInput is whose statement over which accounting dates, both included.
type StatementInput struct {
	Custody  int64
	Member   string // code
	From, To bizdate.Date
	Lang     lang.Lang
	// Channel returns the name of a channel; nil prints its code.
	Channel func(code string) string
}

// maxStatementDays bounds a statement: ten years, as long as bank statements are kept.
const maxStatementDays = 3660

// statementCodes are the accounts of a member that are his balance, in the
// order of the statement; the rest of the chart is not his to see.
var statementCodes = []string{"2001", "2002", "2003", "2201", "2203"}

// line is an entry as the member sees it: in is what the account gained.
type line struct {
	Seq       int64        `db:"seq"`
	Date      bizdate.Date `db:"accounting_date"`
	No        int          `db:"voucher_no"`
	Event     string       `db:"event"`
	Reference string       `db:"reference"`
	Item      string       `db:"item"`
	Amount    money.Amount `db:"amount_fen"` // signed: debit positive
	Legs      string       `db:"legs"`
	Balance   money.Amount // running, member's view, in order of (date, seq)
}

func (l line) in() money.Amount  { return max(-l.Amount, 0) }
func (l line) out() money.Amount { return max(l.Amount, 0) }

// passbook is one account of the member over the period, member's view.
type passbook struct {
	ID               int64
	Code             string
	Opening, Closing money.Amount
	In, Out          money.Amount
	Lines            []line
}

// statement is all that a member's statement says.
type statement struct {
	in      StatementInput
	custody custodyRow
	name    string
	books   []passbook
	codes   map[int64]string // chart code by account id, for counter accounts
}

// Statement writes the electronic statement (电子流水单) of a member in the format
// xlsx, csv, camt053 or mt940. An unknown member is document.member, another format
// document.format, a period that ends before it begins document.period; entries
// that do not lead from opening to closing are document.balance.
func Statement(ctx context.Context, tx *store.Tx, in StatementInput, format string, out io.Writer) error {
	if in.Lang == "" {
		in.Lang = lang.ZH
	}
	if in.From.IsZero() || in.To < in.From || in.From.DaysUntil(in.To) > maxStatementDays {
		return fault.Invalid("document.period", in.From, in.To, maxStatementDays)
	}
	s := &statement{in: in}
	if err := s.read(ctx, tx); err != nil {
		return err
	}
	switch format {
	case formatCamt, formatMT940:
		days, err := s.bankStatements(ctx, tx)
		if err != nil {
			return err
		}
		if format == formatCamt {
			return s.camt(days, out)
		}
		return s.mt940(days, out)
	case "xlsx":
		return s.workbook(out)
	case "csv":
		return s.csv(out)
	default:
		return fault.Invalid("document.format", format).On("format", format)
	}
}

func (s *statement) read(ctx context.Context, tx *store.Tx) error {
	var err error
	if s.custody, err = readCustody(ctx, tx, s.in.Custody); err != nil {
		return err
	}
	found, err := tx.Find(ctx, &s.name, "SELECT name FROM members WHERE custody_id = ? AND code = ?", s.in.Custody, s.in.Member)
	if err != nil {
		return err
	}
	if !found {
		return fault.Invalid("document.member", s.in.Member).On("member", s.in.Member)
	}
	if s.codes, err = readCodes(ctx, tx, s.in.Custody); err != nil {
		return err
	}
	for _, code := range statementCodes {
		book := passbook{Code: code}
		found, err := tx.Find(ctx, &book.ID, "SELECT account_id FROM accounts WHERE custody_id = ? AND code = ? AND owner = ?", s.in.Custody, code, s.in.Member)
		if err != nil {
			return err
		}
		if found {
			if err := s.readBook(ctx, tx, &book); err != nil {
				return err
			}
		}
		s.books = append(s.books, book)
	}
	return nil
}

// readCodes returns the chart code of every account.
func readCodes(ctx context.Context, tx *store.Tx, id int64) (map[int64]string, error) {
	codes := map[int64]string{}
	err := tx.Each(ctx, "SELECT account_id, code FROM accounts WHERE custody_id = ?", []any{id}, func(scan func(...any) error) error {
		var account int64
		var code string
		if err := scan(&account, &code); err != nil {
			return err
		}
		codes[account] = code
		return nil
	})
	return codes, err
}

// asOfQuery is the balance of an account at the end of a date: the live balance
// less all later day totals. It touches no entry, so that the entries of the
// statement can be proven against it.
const asOfQuery = `
SELECT CAST(a.balance_fen - COALESCE((SELECT SUM(d.debit_fen - d.credit_fen) FROM day_balances d
    WHERE d.custody_id = a.custody_id AND d.account_id = a.account_id AND d.accounting_date > ?), 0) AS BIGINT)
FROM accounts a WHERE a.custody_id = ? AND a.account_id = ?`

// readBook reads an account's entries of the period and runs its balance.
func (s *statement) readBook(ctx context.Context, tx *store.Tx, b *passbook) error {
	if err := tx.Get(ctx, &b.Opening, asOfQuery, s.in.From.AddDays(-1), s.in.Custody, b.ID); err != nil {
		return err
	}
	if err := tx.Get(ctx, &b.Closing, asOfQuery, s.in.To, s.in.Custody, b.ID); err != nil {
		return err
	}
	b.Opening, b.Closing = -b.Opening, -b.Closing
	err := tx.Select(ctx, &b.Lines, `SELECT e.seq, e.accounting_date, v.voucher_no, v.event, v.reference, e.item, e.amount_fen, v.legs
		FROM entries e JOIN vouchers v ON v.custody_id = e.custody_id AND v.voucher_id = e.voucher_id
		WHERE e.custody_id = ? AND e.account_id = ? AND e.accounting_date BETWEEN ? AND ?
		ORDER BY e.accounting_date, e.seq`, s.in.Custody, b.ID, s.in.From, s.in.To)
	if err != nil {
		return err
	}
	balance := b.Opening
	for i := range b.Lines {
		l := &b.Lines[i]
		if balance, err = balance.Sub(l.Amount); err != nil {
			return err
		}
		l.Balance = balance
		if b.In, err = b.In.Add(l.in()); err != nil {
			return err
		}
		if b.Out, err = b.Out.Add(l.out()); err != nil {
			return err
		}
		l.Legs = s.counter(b.Code, l.Legs)
	}
	if balance != b.Closing {
		key := subaccounts.Key{Code: b.Code, Owner: s.in.Member}.String()
		return fault.Broken("document.balance", key, s.in.To, b.Closing.Grouped(), balance.Grouped())
	}
	return nil
}

// maxCounters bounds the counter accounts that are named.
const maxCounters = 3

// counter names the other accounts of a voucher by chart code. Owners are left
// out: a member does not see with whom he shares a voucher.
func (s *statement) counter(own, legs string) string {
	var codes []string
	for _, leg := range strings.FieldsFunc(legs, func(r rune) bool { return r != ':' && (r < '0' || r > '9') }) {
		id, _, _ := strings.Cut(leg, ":")
		account, err := strconv.ParseInt(id, 10, 64)
		if code := s.codes[account]; err == nil && code != "" && code != own && !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	if len(codes) == 0 {
		codes = []string{own}
	}
	slices.Sort(codes)
	names := make([]string, 0, maxCounters)
	for _, code := range codes[:min(len(codes), maxCounters)] {
		names = append(names, accountName(s.in.Lang, code))
	}
	return strings.Join(names, lang.Text(s.in.Lang, "doc.list"))
}

// number is a voucher's number as people quote it: date and number.
func (l line) number() string { return fmt.Sprintf("%s-%04d", l.Date.Compact(), l.No) }

// item writes an open item in words: WX.20260212 is a channel and its clearing date.
func (s *statement) item(item string) string {
	channel, clearing, ok := strings.Cut(item, ".")
	date, err := bizdate.Parse(clearing)
	if !ok || err != nil {
		return item
	}
	if s.in.Channel != nil && s.in.Channel(channel) != "" {
		channel = s.in.Channel(channel)
	}
	return channel + " " + date.String()
}

// eventName is the name of an event, such as E5a, or its code.
func (s *statement) eventName(event string) string { return named(s.in.Lang, "event", event) }

// view is a balance that a member knows by its own name, and its chart code.
type view struct{ name, code string }

// views are the balances of a member in the order of the summary.
var views = []view{{"withdrawable", "2001"}, {"pending", "2002"}, {"paying", "2201"}, {"frozen", "2003"}, {"returned", "2203"}}

// active are the accounts that have something to show.
func (s *statement) active() []passbook {
	var out []passbook
	for _, b := range s.books {
		if len(b.Lines) > 0 || b.Opening != 0 || b.Closing != 0 {
			out = append(out, b)
		}
	}
	return out
}
