// Package profile reads the export of a bank that the program does not know,
// by a description that its user can write and change: a profile.
//
// Every bank exports its own columns, and changes them: names, order, the
// number of lines above the table, the way it writes a debit. What stays is
// that a header names the columns and that arithmetic holds. So a profile names
// the columns in every spelling that was seen, says how signs and dates are
// written, and the reader finds the header by those names, wherever it stands,
// in text, in .xlsx, and in the HTML or text that banks call .xls:
//
//	p, err := profile.Parse("mybank.yaml", raw)
//	err = p.Read("june.csv", file, sink)
//
// The profiles that are shipped with the program are sample layouts gathered
// from public descriptions, not verified with the bank. docs/formats-profiles.md
// says how to write one.
package profile

import (
	"bytes"
	"embed"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v4"

	"custody/internal/fault"
)

// Prefix stands before the name of a profile in Statement.Format.
const Prefix = "profile:"

// Limits of a profile: nine banks need under 4 KiB each; a field has a dozen
// spellings at most, sixteen fields of 64 are far from any of them.
const (
	maxProfile = 64 << 10
	maxNames   = 64
	maxColumns = 256 // of a file: the widest export known has 40
)

// Profile describes the export of one bank.
type Profile struct {
	Name  string `yaml:"name"`  // small letters, digits and hyphens
	Title string `yaml:"title"` // the bank and its export, for people
	Note  string `yaml:"note"`  // where the layout was learnt

	Encoding  string `yaml:"encoding"`  // auto (default), utf-8, gb18030, utf-16
	Separator string `yaml:"separator"` // auto (default), tab, or one to three characters
	// Fields describes a file without a header: its columns in order, with their
	// widths in bytes where no separator parts them.
	Fields []Field `yaml:"fields"`
	// Comment begins lines that are passed over.
	Comment string `yaml:"comment"`

	Unit     string `yaml:"unit"`     // yuan (default), fen
	Currency string `yaml:"currency"` // of files that name none; CNY by default

	Columns Columns `yaml:"columns"`
	Sign    Sign    `yaml:"sign"`
	// Dates are layouts of yyyy, MM, dd, HH, mm and ss, tried in order.
	Dates []string `yaml:"dates"`
	// Marks are words above the table that speak for this bank.
	Marks   []string `yaml:"marks"`
	Labels  Labels   `yaml:"labels"`
	Totals  Totals   `yaml:"totals"`
	Balance Balance  `yaml:"balance"`

	layouts []layout
	byField [fieldCount][]string // folded spellings
}

// Field is a column of a file without a header.
type Field struct {
	Name  string `yaml:"name"`
	Bytes int    `yaml:"bytes"` // of the file's own encoding
}

// Columns are the spellings of each column's name; the first that a file has counts.
type Columns struct {
	Account             []string `yaml:"account"`
	Name                []string `yaml:"name"`
	Currency            []string `yaml:"currency"`
	Date                []string `yaml:"date"`
	Time                []string `yaml:"time"`
	ValueDate           []string `yaml:"value_date"`
	Amount              []string `yaml:"amount"`
	Debit               []string `yaml:"debit"`
	Credit              []string `yaml:"credit"`
	Direction           []string `yaml:"direction"`
	Balance             []string `yaml:"balance"`
	Reference           []string `yaml:"reference"`
	Code                []string `yaml:"code"`
	Reversal            []string `yaml:"reversal"`
	CounterpartyName    []string `yaml:"counterparty_name"`
	CounterpartyAccount []string `yaml:"counterparty_account"`
	Remark              []string `yaml:"remark"`    // all that are there, joined
	OrderNo             []string `yaml:"order_no"`  // of a channel's bill: 商户订单号
	RefundNo            []string `yaml:"refund_no"` // of a channel's bill: 商户退款单号
	Fee                 []string `yaml:"fee"`       // of a channel's bill: 手续费
	Other               []string `yaml:"other"`     // known and not read; they speak for the profile
}

// Sign is how the file tells income from expense.
type Sign struct {
	// Rule is signed (one amount with its sign), columns (debit and credit) or
	// direction (an amount and a column with words).
	Rule     string   `yaml:"rule"`
	Credit   []string `yaml:"credit"` // words of the direction that bring money
	Debit    []string `yaml:"debit"`
	Invert   bool     `yaml:"invert"`   // signed: a positive amount is an expense
	Reversal []string `yaml:"reversal"` // values of the column reversal (冲正)
}

// Labels are words beside which the file says something of the whole statement.
type Labels struct {
	Account  []string `yaml:"account"`
	Name     []string `yaml:"name"`
	Currency []string `yaml:"currency"`
	From     []string `yaml:"from"`
	To       []string `yaml:"to"`
	Opening  []string `yaml:"opening"`
	Closing  []string `yaml:"closing"`
}

// Totals tells rows that add up from rows that move money. Sums stand in their
// own columns or beside the words, and are checked.
type Totals struct {
	Rows      []string `yaml:"rows"`      // words with which a row of totals begins
	Subtotals []string `yaml:"subtotals"` // the same of a page: left out, not checked
	Debit     []string `yaml:"debit"`     // words beside the sum of debits
	Credit    []string `yaml:"credit"`
	Count     []string `yaml:"count"` // words beside the number of entries
	// Advisory: the bank says that its totals may differ; then that is a warning.
	Advisory bool `yaml:"advisory"`
}

// Balance is about the column that holds the balance behind each entry.
type Balance struct {
	Unchecked bool `yaml:"unchecked"` // it is not the balance behind the entry
}

// Parse reads and checks a profile. Keys that are not known are refused. A fault
// names file, line and key. It returns faults profile.yaml, profile.name, profile.columns, profile.sign,
// profile.layout, profile.option and profile.fields.
func Parse(name string, raw []byte) (*Profile, error) {
	if len(raw) > maxProfile {
		return nil, fault.Invalid("profile.large", maxProfile>>10).In(name)
	}
	p := &Profile{}
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	if err := decoder.Decode(p); err != nil {
		return nil, fault.Invalid("profile.yaml", err.Error()).In(name).AtLine(lineOfYAML(err)).Because(err)
	}
	if bad := p.prepare(); bad != nil {
		return nil, bad.In(name).AtLine(lineOf(raw, bad.Field, bad.Value))
	}
	return p, nil
}

func (p *Profile) prepare() *fault.Fault {
	if p.Name == "" || strings.Trim(p.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || len(p.Name) > maxNames {
		return fault.Invalid("profile.name").On("name", p.Name)
	}
	fill := func(to *string, value string) {
		if *to == "" {
			*to = value
		}
	}
	fill(&p.Encoding, auto)
	fill(&p.Separator, auto)
	fill(&p.Unit, "yuan")
	fill(&p.Currency, "CNY")
	if p.Separator == "tab" {
		p.Separator = "\t"
	}
	for _, option := range []struct {
		key, value string
		known      []string
	}{
		{"encoding", p.Encoding, []string{auto, "utf-8", "gb18030", "utf-16"}},
		{"unit", p.Unit, []string{"yuan", "fen"}},
		{"sign.rule", p.Sign.Rule, []string{"signed", "columns", "direction"}},
	} {
		if !slices.Contains(option.known, option.value) {
			return fault.Invalid("profile.option", strings.Join(option.known, ", ")).On(option.key, option.value)
		}
	}
	if p.Separator != auto && len(p.Separator) > 3 || strings.ContainsAny(p.Separator, "\"\r\n") {
		return fault.Invalid("profile.option", "auto, tab, 1-3").On("separator", p.Separator)
	}
	for i, names := range p.Columns.all() {
		if len(names) > maxNames {
			return fault.Invalid("profile.columns", maxNames)
		}
		for _, n := range names {
			p.byField[i] = append(p.byField[i], fold(n))
		}
	}
	if bad := p.complete(); bad != nil {
		return bad
	}
	return p.compileDates()
}

// complete asks for what a row cannot be read without.
func (p *Profile) complete() *fault.Fault {
	c := &p.Columns
	need := map[string][]string{"date": c.Date}
	switch p.Sign.Rule {
	case "columns":
		need["debit"], need["credit"] = c.Debit, c.Credit
	case "direction":
		need["direction"], need["amount"] = c.Direction, c.Amount
		need["sign.credit"], need["sign.debit"] = p.Sign.Credit, p.Sign.Debit
	default:
		need["amount"] = c.Amount
	}
	for _, key := range []string{"date", "amount", "debit", "credit", "direction", "sign.credit", "sign.debit"} {
		if names, asked := need[key]; asked && len(names) == 0 {
			return fault.Invalid("profile.needs", p.Sign.Rule).On(key, "")
		}
	}
	wide := 0
	for _, f := range p.Fields {
		if f.Name == "" || f.Bytes < 0 || f.Bytes > maxWidth {
			return fault.Invalid("profile.fields").On("fields", f.Name)
		}
		if f.Bytes > 0 {
			wide++
		}
	}
	if len(p.Fields) > maxColumns || wide > 0 && wide < len(p.Fields) || len(p.Fields) > 0 && wide == 0 && p.Separator == auto {
		return fault.Invalid("profile.fields").On("fields", "")
	}
	return nil
}

// maxWidth of a field in bytes: the longest remark known is 512.
const maxWidth = 4 << 10

// widths reports whether columns are told by their bytes.
func (p *Profile) widths() bool { return len(p.Fields) > 0 && p.Fields[0].Bytes > 0 }

// auto is the option that looks at the file.
const auto = "auto"

// field is a column that the reader knows.
type field int

const (
	fAccount field = iota
	fName
	fCurrency
	fDate
	fTime
	fValueDate
	fAmount
	fDebit
	fCredit
	fDirection
	fBalance
	fReference
	fCode
	fReversal
	fPeer
	fPeerAccount
	fRemark
	fOrderNo
	fRefundNo
	fFee
	fOther
	fieldCount
)

func (c *Columns) all() [fieldCount][]string {
	return [fieldCount][]string{c.Account, c.Name, c.Currency, c.Date, c.Time, c.ValueDate, c.Amount, c.Debit, c.Credit,
		c.Direction, c.Balance, c.Reference, c.Code, c.Reversal, c.CounterpartyName, c.CounterpartyAccount, c.Remark,
		c.OrderNo, c.RefundNo, c.Fee, c.Other}
}

//go:embed shipped/*.yaml
var files embed.FS

// Shipped returns the profiles of the program by name. They are sample layouts
// gathered from public descriptions, not verified with the bank.
func Shipped() []*Profile { return shipped() }

var shipped = sync.OnceValue(func() (all []*Profile) {
	names, err := fs.Glob(files, "shipped/*.yaml")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for _, name := range names {
		raw, err := files.ReadFile(name)
		if err != nil {
			panic(err) // it was listed
		}
		p, err := Parse(path.Base(name), raw)
		if err != nil {
			panic(err) // our own text; a test reads every one
		}
		all = append(all, p)
	}
	return all
})
