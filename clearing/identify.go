package clearing

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"custody/bankfiles"
	"custody/bankfiles/inspect"
	"custody/bankfiles/orderfile"
	"custody/bankfiles/payfile"
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
	noBill bool   // the channel says that there was no trade
	packed string // how the file holds another one: gzip, zip
	entry  string // of a zip, the file that counts

	// Of a statement:
	from   bizdate.Date
	days   []statementDay
	fresh  []statementDay // those that the books have not
	ours   []bool         // by statement of the file: of our account
	proof  balanceProof   // where the file does not print both balances
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

// read checks a whole file and says what it is about. format "" is detected; a
// profile may be named for a table that several profiles fit, or none.
func (e *Engine) read(path, name string, format inspect.Format) (*arrival, error) {
	a := &arrival{path: path, name: name}
	if err := e.look(a); err != nil {
		return nil, readFault(a, err)
	}
	if a.format == workbook && !isProfile(format) {
		var err error
		if a.format, err = e.ofWorkbook(a); err != nil {
			return nil, readFault(a, err)
		}
	}
	if isProfile(format) && (a.format == inspect.Unknown || isStatement(a.format)) {
		a.format = format
	}
	if format != "" && format != a.format {
		return nil, fault.Invalid("file.format", string(a.format), string(format)).In(name)
	}
	src, err := a.open()
	if err != nil {
		return nil, readFault(a, err)
	}
	defer src.Close()
	if err := e.describe(a, src); err != nil {
		return nil, readFault(a, err)
	}
	return a, a.nameAgrees()
}

// readFault makes a fault of what the system says of a file that cannot be read.
func readFault(a *arrival, err error) error {
	if fault.Of(err) == nil && errors.Is(err, fs.ErrPermission) {
		return fault.Invalid("file.read", a.name).In(a.name).Because(err)
	}
	return err
}

// bookable reports whether a file of this format can be imported.
func (e *Engine) bookable(f inspect.Format) bool {
	switch f {
	case inspect.Orders, inspect.NoBill, inspect.PayoutResult, inspect.Balances:
		return true
	}
	return e.isBill(f) || isStatement(f)
}

// describe fills in kind, source, date and totals from the content.
func (e *Engine) describe(a *arrival, src io.Reader) error {
	switch a.format {
	case inspect.Orders:
		a.kind = fileOrders
		sum, err := orderfile.Read(a.name, src, nil)
		return errors.Join(err, a.totals(sum))
	case inspect.NoBill:
		return e.describeNoBill(a)
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
	switch {
	case e.isBill(a.format):
		return e.describeBill(a, src)
	case isStatement(a.format):
		return e.describeStatement(a, src)
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
	sum, err := e.readBill(a, src, nil)
	if err != nil {
		return err
	}
	if err := a.totals(sum); err != nil {
		return err
	}
	a.source = e.channelOf(a, sum)
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
	if a.date = a.onlyNameDate(); a.date.IsZero() {
		return fault.Invalid("file.no-date").In(a.name)
	}
	return nil
}

// nameDates returns the different dates in the file's name, or, where it has
// none, in that of the file within it.
func (a *arrival) nameDates() []bizdate.Date {
	for _, name := range a.names() {
		if dates := nameDates(name); len(dates) > 0 {
			slices.Sort(dates)
			return slices.Compact(dates)
		}
	}
	return nil
}

// onlyNameDate is the one date in the name, or none.
func (a *arrival) onlyNameDate() bizdate.Date {
	if dates := a.nameDates(); len(dates) == 1 {
		return dates[0]
	}
	return 0
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
	from := a.from
	if from.IsZero() {
		from = a.date
	}
	for _, d := range dates {
		if from <= d && d <= a.date {
			return nil
		}
	}
	return fault.Invalid("file.name-date", dates[0], a.date).In(a.name).On("date", a.date.String())
}
