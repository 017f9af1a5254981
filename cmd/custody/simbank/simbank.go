// Package simbank plays the bank and the payment channels of a head office that
// does not exist, so that whole days can be run, shown and tested.
//
// The books are only proven when somebody else reckons the same days another
// way. This package therefore knows the files, the rates and nothing of the
// program that it tests: it imports the formats and never the clearing, splits
// and refunds by its own arithmetic, and keeps the bank's own sub-ledger, which
// it hands out as the sub-account balance file.
//
//	p := simbank.Params{Dir: home, From: from, Days: 3, Seed: 1, Orders: 300, Members: 6, Working: cal.IsWorkingDay}
//	err := simbank.Generate(p)           // custody.yaml, members.csv, inbox/ for three days
//	files, err := simbank.Answer(home, day) // after the payouts of the day were sent
//
// Everything follows from [Params]: the same seed gives the same bytes. An
// order is a function of seed, day and number, so a million of them need no
// memory. Nothing here is real: names, accounts and bank codes are invented.
package simbank

import (
	"os"
	"path/filepath"
	"strconv"

	"custody/internal/atomicfile"
	"custody/internal/bizdate"
	"custody/internal/fault"
)

// Params says what to play.
type Params struct {
	Dir     string
	From    bizdate.Date
	Days    int // natural days from From, whose orders and bills are written
	Seed    uint64
	Orders  int // a day, over both channels; refunds come on top
	Members int // franchisees; partners are a third of them, a tenth from 100 on
	// Faults are names of [FaultNames], each played once, on a day that follows
	// from the seed or on a pinned one: "refused@2026-02-13", "channel-late@2026-02-12/ALI".
	// nil is [DefaultFaults]; empty is none.
	Faults []string
	// Statement is the form of the bank's statements, one of [StatementForms], and
	// Bill that of the second channel's bill, one of [BillForms]; empty: the first.
	Statement, Bill string
	// Working reports whether banks and head office work on a day.
	Working func(bizdate.Date) (bool, error)
	// SameDay is one order in how many is refunded on its own day; 0 is 200.
	SameDay int
	// Events adds every kind of money event: escrow orders, coupons, late and second
	// payments, a channel that pays gross, charges, members' own receipts, a second
	// contract half way.
	Events bool
	// Closed reports whether the shops are shut on a day; nil: they never are.
	Closed func(bizdate.Date) bool
}

// DefaultFaults are played unless others are named: nothing that needs a person.
var DefaultFaults = []string{OwnFunds, CrossMidnight}

// Limits of a simulation. A bill holds at most 5,000,000 rows, of which refunds
// and the day before take some; 366 days are a year; a payout file holds
// 1,000,000 rows, one for each franchisee and partner.
const (
	maxOrders  = 4_000_000
	maxMembers = 900_000
	maxDays    = 366
)

// The files and folders of a home that this package knows.
const (
	configFile = "custody.yaml"
	inboxDir   = "inbox"
	outboxDir  = "outbox"
	stateDir   = "simbank"
)

// filePerm keeps bank data from other users of the machine.
const filePerm = 0o640

func (p *Params) validate() error {
	switch {
	case p.From.IsZero():
		return fault.Invalid("simbank.from").On("from", p.From.String())
	case p.Days < 1 || p.Days > maxDays:
		return fault.Invalid("simbank.days", p.Days, maxDays)
	case p.Orders < 0 || p.Orders > maxOrders:
		return fault.Invalid("simbank.orders", p.Orders, maxOrders)
	case p.Members < 1 || p.Members > maxMembers:
		return fault.Invalid("simbank.members", p.Members, maxMembers)
	}
	if p.Events && p.Members < 2 {
		return fault.Invalid("simbank.events").On("members", strconv.Itoa(p.Members))
	}
	return p.checkForms()
}

// Generate writes custody.yaml, members.csv, the inbox of all days and what
// [Answer] needs later (simbank.json, simbank/). The folder must not hold a home
// yet, simulated or not (simbank.exists). Faults that find no day or too few orders
// are simbank.no_day and simbank.no_order; an unknown name is simbank.fault.
// Errors of Params.Working, such as a year without a calendar, come back as they are.
func Generate(p Params) error {
	if err := p.validate(); err != nil {
		return err
	}
	for _, name := range []string{planFile, configFile} {
		if exists(filepath.Join(p.Dir, name)) {
			return fault.Invalid("simbank.exists", p.Dir)
		}
	}
	g, err := newGenerator(p)
	if err != nil {
		return err
	}
	for _, dir := range []string{"", inboxDir, stateDir} {
		if err := os.MkdirAll(filepath.Join(p.Dir, dir), 0o750); err != nil {
			return err
		}
	}
	if err := g.writeHome(); err != nil {
		return err
	}
	for i := range p.Days {
		if err := g.writeDay(p.From.AddDays(i)); err != nil {
			return err
		}
	}
	if err := g.plan.number(); err != nil {
		return err
	}
	if err := g.writeIntraday(); err != nil {
		return err
	}
	return g.plan.save(p.Dir) // last: a home with a plan is whole
}

// GenerateDemo writes the three days of the demonstration: 2026-02-12 to -14
// from empty books, the Saturday a make-up working day, with everything that
// goes wrong pinned to its day. Only its own days and the next ones matter, so
// it brings its own calendar of that month.
func GenerateDemo(dir string) error {
	return Generate(Params{
		Dir: dir, From: bizdate.New(2026, 2, 12), Days: 3, Seed: 27, Orders: 300, Members: 6,
		Faults: []string{
			OwnFunds + "@2026-02-12", UnknownReceipt + "@2026-02-12", CrossMidnight + "@2026-02-12/WX",
			ChannelLate + "@2026-02-12/ALI",
			ChannelOnly + "@2026-02-13/WX", OursOnly + "@2026-02-13/ALI", RefundAfterPayout + "@2026-02-13/WX",
			Refused + "@2026-02-13", LateDebit + "@2026-02-13", Returned + "@2026-02-13",
			DebitedF + "@2026-02-14",
		},
		Working: demoWorking,
	})
}

// demoWorking is the State Council's notice around Spring Festival 2026: the
// 14th is worked, the 15th to the 23rd are off. No other date is asked for.
func demoWorking(d bizdate.Date) (bool, error) {
	return d <= bizdate.New(2026, 2, 14) || d >= bizdate.New(2026, 2, 24), nil
}

// generator is one run of Generate.
type generator struct {
	Params
	source source
	faults []plannedFault
	marks  map[bizdate.Date]marks
	plan   *plan
}

func newGenerator(p Params) (*generator, error) {
	g := &generator{Params: p, source: newSource(p)}
	var err error
	if g.faults, err = planFaults(&p); err != nil {
		return nil, err
	}
	if g.marks, err = markOrders(&g.source, g.faults); err != nil {
		return nil, err
	}
	g.plan = newPlan(&p, g.source.partners, g.faults)
	return g, g.planReceipts()
}

func (g *generator) path(name string) string { return filepath.Join(g.Dir, inboxDir, name) }

// nextWorking returns the first working day after d.
func (g *generator) nextWorking(d bizdate.Date) (bizdate.Date, error) {
	for range maxDays { // no holiday is as long
		d = d.AddDays(1)
		if working, err := g.Working(d); err != nil || working {
			return d, err
		}
	}
	return 0, fault.Invalid("simbank.no_working_day", d)
}

func writeFile(path string, data []byte) error { return atomicfile.WriteFile(path, data, filePerm) }
