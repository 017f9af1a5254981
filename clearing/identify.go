package clearing

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"custody/bankfiles"
	"custody/bankfiles/alipay"
	"custody/bankfiles/camt"
	"custody/bankfiles/inspect"
	"custody/bankfiles/orderfile"
	"custody/bankfiles/payfile"
	"custody/bankfiles/wechat"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// arrival is a file that has been read whole and checked, but not loaded.
type arrival struct {
	path   string // of the copy that is read
	name   string // as it came
	kind   string
	source string // channel, account or batch
	date   bizdate.Date
	format inspect.Format
	noBill bool // the channel says that there was no trade
	rows   int
	pay    money.Amount
	refund money.Amount
	fee    money.Amount

	sha256 string
	bytes  int64

	evidence bool // the same bytes lay in the vault before
}

// sniffBytes is how much of a file decides what it is.
const sniffBytes = 64 << 10

// detect says what the file is, by its content.
func detect(path string) (inspect.Format, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, sniffBytes))
	return inspect.Detect(head), err
}

// read checks a whole file and says what it is about. format "" is detected.
func (e *Engine) read(path, name string, format inspect.Format) (*arrival, error) {
	detected, err := detect(path)
	if err != nil {
		return nil, fault.Invalid("file.read", name).In(name).Because(err)
	}
	if format != "" && format != detected {
		return nil, fault.Invalid("file.format", string(detected), string(format)).In(name)
	}
	a := &arrival{path: path, name: name, format: detected}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := e.describe(a, f); err != nil {
		return nil, err
	}
	return a, a.nameAgrees()
}

// describe fills in kind, source, date and totals from the content.
func (e *Engine) describe(a *arrival, src io.Reader) error {
	switch a.format {
	case inspect.Orders:
		a.kind = fileOrders
		sum, err := orderfile.Read(a.name, src, nil)
		return errors.Join(err, a.totals(sum))
	case inspect.WeChatAll, inspect.AlipayTrade:
		return e.describeBill(a, src)
	case inspect.NoBill:
		return e.describeNoBill(a)
	case inspect.Camt053, inspect.Camt052:
		return e.describeStatement(a, src)
	case inspect.PayoutResult:
		f, err := payfile.ReadResult(a.name, src)
		if err != nil {
			return err
		}
		a.kind, a.source, a.date, a.rows = fileResult, f.BatchNo, f.Date, len(f.Items)
		return nil
	case inspect.Balances:
		f, err := payfile.ReadBalance(a.name, src)
		if err != nil {
			return err
		}
		a.kind, a.source, a.date, a.rows = fileBalances, f.Account, f.Date, len(f.Items)
		return e.ourAccount(a, f.Account)
	}
	return fault.Invalid("file.unknown", string(a.format)).In(a.name)
}

func (a *arrival) totals(sum bankfiles.TradeSummary) error {
	var e1, e2, e3 error
	a.date, a.rows = sum.Date, sum.Rows
	a.pay, e1 = sum.PayTotal.Fen()
	a.refund, e2 = sum.RefundTotal.Fen()
	a.fee, e3 = sum.FeeTotal.Fen()
	if err := errors.Join(e1, e2, e3); err != nil {
		return fault.Invalid("file.fen").In(a.name).Because(err)
	}
	return nil
}

func (e *Engine) describeBill(a *arrival, src io.Reader) error {
	a.kind = fileBill
	read := wechat.Read
	if a.format == inspect.AlipayTrade {
		read = alipay.Read
	}
	sum, err := read(a.name, src, nil)
	if err != nil {
		return err
	}
	if err := a.totals(sum); err != nil {
		return err
	}
	for _, ch := range e.Config.Channels {
		if ch.Bill == string(a.format) && (sum.Merchant == "" || ch.Merchant == "" || ch.Merchant == sum.Merchant) {
			a.source = ch.Code
			break
		}
	}
	if a.source == "" {
		return fault.Invalid("file.merchant", sum.Merchant).In(a.name).On("merchant", sum.Merchant)
	}
	if a.date.IsZero() {
		return a.dateFromName()
	}
	return nil
}

// describeNoBill takes channel and date from the name: the body of a channel's
// "no bill" answer carries neither.
func (e *Engine) describeNoBill(a *arrival) error {
	a.kind, a.noBill = fileBill, true
	for _, ch := range e.Config.Channels {
		if strings.Contains(strings.ToUpper(a.name), "-"+strings.ToUpper(ch.Code)+"-") {
			a.source = ch.Code
		}
	}
	if a.source == "" {
		return fault.Invalid("file.no-bill-name").In(a.name)
	}
	return a.dateFromName()
}

func (a *arrival) dateFromName() error {
	dates := nameDates(a.name)
	if len(dates) != 1 {
		return fault.Invalid("file.no-date").In(a.name)
	}
	a.date = dates[0]
	return nil
}

// head keeps the last statement of a file; our files carry one statement each.
type head struct {
	bankfiles.Statement
	count int
}

func (h *head) Open(*bankfiles.Statement) error       { h.count++; return nil }
func (h *head) Entry(*bankfiles.StatementEntry) error { return nil }
func (h *head) Close(s *bankfiles.Statement) error    { h.Statement = *s; return nil }

func (e *Engine) describeStatement(a *arrival, src io.Reader) error {
	var h head
	if err := camt.Read(a.name, src, &h); err != nil {
		return err
	}
	if h.count != 1 {
		return fault.Invalid("statement.count", h.count).In(a.name)
	}
	a.kind, a.source, a.date, a.rows = fileStatement, h.Account, h.To, h.Entries
	if h.Kind == bankfiles.Intraday {
		a.kind = fileIntraday
	} else if err := checkBalances(a.name, &h.Statement); err != nil {
		return err
	}
	if h.Currency != "" && h.Currency != money.CNY {
		return fault.Invalid("statement.currency", h.Currency).In(a.name).On("Ccy", h.Currency)
	}
	if a.date.IsZero() {
		return fault.Invalid("statement.date").In(a.name)
	}
	return e.ourAccount(a, h.Account)
}

// checkBalances: an end-of-day statement is booked only when it proves itself.
func checkBalances(name string, s *bankfiles.Statement) error {
	switch {
	case s.Opening == nil || s.Closing == nil:
		return fault.Invalid("statement.no-balance").In(name).AtLine(s.Line)
	case s.Balanced == nil || !*s.Balanced:
		return fault.Invalid("statement.unbalanced", s.Opening, s.Sum, s.Closing).In(name).AtLine(s.Line)
	}
	return nil
}

func (e *Engine) ourAccount(a *arrival, account string) error {
	if account != e.Config.Account {
		return fault.Invalid("file.account").In(a.name).On("account", Mask(account))
	}
	return nil
}

// Mask shows an account number as its first six and last four characters.
func Mask(account string) string {
	if len(account) <= 10 {
		return account
	}
	return account[:6] + strings.Repeat("*", len(account)-10) + account[len(account)-4:]
}

var dateToken = regexp.MustCompile(`\d+`)

// nameDates returns the dates that stand in a file name as eight digits.
func nameDates(name string) []bizdate.Date {
	var dates []bizdate.Date
	for _, digits := range dateToken.FindAllString(filepath.Base(name), -1) {
		if len(digits) != 8 {
			continue
		}
		if d, err := bizdate.Parse(digits); err == nil && d.Year() >= 2000 && d.Year() < 2100 {
			dates = append(dates, d)
		}
	}
	return dates
}

// nameAgrees refuses a file whose name tells another day than its content:
// yesterday's file under today's name.
func (a *arrival) nameAgrees() error {
	dates := nameDates(a.name)
	if a.kind == fileResult || len(dates) == 0 {
		return nil
	}
	for _, d := range dates {
		if d == a.date {
			return nil
		}
	}
	return fault.Invalid("file.name-date", dates[0], a.date).In(a.name).On("date", a.date.String())
}
