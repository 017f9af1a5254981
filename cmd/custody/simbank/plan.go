package simbank

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"custody/internal/bizdate"
	"custody/internal/fault"
)

// planFile says what was generated and what the bank will receive.
const planFile = "simbank.json"

// planVersion changes with the layout of the plan and of the states.
const planVersion = 1

// plan is simbank.json. Amounts are fen.
type plan struct {
	Version  int            `json:"version"`
	From     bizdate.Date   `json:"from"`
	Days     int            `json:"days"`
	Seed     uint64         `json:"seed"`
	Orders   int            `json:"orders"`
	Members  int            `json:"members"`
	Partners int            `json:"partners"`
	Faults   []plannedFault `json:"faults"`
	// Statement is the form of the statements where it is not camt.053.
	Statement string `json:"statement,omitempty"`
	// Events says that the days have money events; Regions counts the regions, and
	// Renewed is the first clearing date of the second contract.
	Events   bool         `json:"events,omitempty"`
	Regions  int          `json:"regions,omitempty"`
	Renewed  bizdate.Date `json:"renewed,omitzero"`
	Receipts []line       `json:"receipts"` // lines that do not depend on payouts
	Scopes   []scope      `json:"scopes"`

	codes []string // of all members, franchisees first
}

// scope is a channel's clearing date: when it can be released.
type scope struct {
	Channel string       `json:"channel"`
	Date    bizdate.Date `json:"date"`
	Release bizdate.Date `json:"release"`
	NetFen  int64        `json:"net_fen"`
}

// line is a line of the bank's statement.
type line struct {
	Date     bizdate.Date `json:"date"`
	Time     string       `json:"time"` // 08:41:07
	Value    bizdate.Date `json:"value"`
	Ref      string       `json:"ref"`
	Fen      int64        `json:"fen"` // credit positive
	Serial   string       `json:"serial,omitempty"`
	Reversal bool         `json:"reversal,omitempty"`
	Code     string       `json:"code"`
	Name     string       `json:"name"`
	Account  string       `json:"account,omitempty"`
	Remark   string       `json:"remark,omitempty"`
	// Member and GiveBack: what the line returns to a member's sub-account.
	Member   string `json:"member,omitempty"`
	GiveBack int64  `json:"give_back_fen,omitempty"`
}

func (l *line) at() time.Time {
	t, _ := time.ParseInLocation("2006-01-02 15:04:05", l.Date.String()+" "+l.Time, bizdate.Zone)
	return t
}

func newPlan(p *Params, partners int, faults []plannedFault) *plan {
	pl := &plan{Version: planVersion, From: p.From, Days: p.Days, Seed: p.Seed, Orders: p.Orders,
		Members: p.Members, Partners: partners, Faults: faults, Statement: named(p.Statement, StatementCamt)}
	if p.Events {
		pl.Events, pl.Regions, pl.Renewed = true, 1, p.renewed()
	}
	pl.name()
	return pl
}

func (p *plan) name() {
	p.codes = memberCodes(p.Members, p.Partners)
	if p.Regions > 0 {
		p.codes = append(p.codes, regionCode)
	}
}

// fault returns the fault of the name on the day.
func (p *plan) has(name string, date bizdate.Date, channel string) bool {
	return slices.ContainsFunc(p.Faults, func(f plannedFault) bool {
		return f.Name == name && f.Date == date && (channel == "" || f.Channel == channel)
	})
}

// Codes of the bank's lines that its sub-ledger looks at.
const (
	receiptCode = "CRCT" // from others than the channels
	returnCode  = "RETN" // a payout that came back
)

// planReceipts plans what comes from others than the channels.
func (g *generator) planReceipts() error {
	for _, f := range g.faults {
		r := newRNG(g.Seed, receiptSalt, uint64(f.Date))
		switch f.Name {
		case OwnFunds:
			g.plan.Receipts = append(g.plan.Receipts, line{Date: f.Date, Time: "09:10:00", Value: f.Date, Fen: 100_000_00,
				Code: receiptCode, Name: corporateName, Account: corporateAccount, Remark: "自有资金"})
		case UnknownReceipt:
			g.plan.Receipts = append(g.plan.Receipts, line{Date: f.Date, Time: "15:40:00", Value: f.Date,
				Fen: int64(100_00 + r.below(9)*100_00), Code: receiptCode, Name: "李示例", Account: accountNo(g.Seed, million)})
		}
		g.planDebit(f)
	}
	return g.planEvents()
}

// planPayment plans what a channel pays for a bill, and when its members can
// have it: the next working day at the earliest (T+1), on which the money must
// have come by 11:00.
func (g *generator) planPayment(d *day, c int) error {
	ch, net := g.channelsOf()[c], d.bills[c].net()
	next, err := g.nextWorking(d.date)
	if err != nil {
		return err
	}
	pays, at, remark := next, 10*3600+30*60, ch.payer+" "+d.date.Compact()
	if ch.payNatural {
		pays, at = d.date.AddDays(1), 8*3600+40*60
	}
	if g.plan.has(ChannelLate, d.date, ch.code) {
		if pays, err = g.nextWorking(pays); err != nil {
			return err
		}
	}
	release := next
	for release < pays {
		if release, err = g.nextWorking(release); err != nil {
			return err
		}
	}
	g.plan.Scopes = append(g.plan.Scopes, scope{Channel: ch.code, Date: d.date, Release: release, NetFen: net})
	if c == gross {
		net += d.bills[c].fees
		if err := g.planFee(d, pays); err != nil {
			return err
		}
	}
	if net <= 0 { // the channel keeps a debit for its next payment; no such day is played
		return nil
	}
	at += newRNG(g.Seed, receiptSalt, uint64(d.date), uint64(c)).below(600)
	g.plan.Receipts = append(g.plan.Receipts, line{Date: pays, Time: clockTime(at), Value: pays, Fen: net, Code: "CHNL",
		Name: ch.payer, Remark: remark})
	return nil
}

func clockTime(second int) string {
	return fmt.Sprintf("%02d:%02d:%02d", second/3600, second/60%60, second%60)
}

// number puts the receipts in the order of the bank and gives them its references.
func (p *plan) number() error {
	slices.SortFunc(p.Receipts, func(a, b line) int {
		return cmp.Or(cmp.Compare(a.Date, b.Date), cmp.Compare(a.Time, b.Time), cmp.Compare(a.Remark, b.Remark))
	})
	n := 0
	for i := range p.Receipts {
		if i == 0 || p.Receipts[i].Date != p.Receipts[i-1].Date {
			n = 0
		}
		n++
		p.Receipts[i].Ref = bankRef(p.Receipts[i].Date, n)
	}
	return nil
}

// bankRef is the bank's reference: receipts from 1, payouts from 1,000,001.
func bankRef(d bizdate.Date, n int) string { return fmt.Sprintf("K%s%07d", d.Compact(), n) }

func (p *plan) save(dir string) error {
	raw, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, planFile), append(raw, '\n'))
}

func loadPlan(dir string) (*plan, error) {
	raw, err := os.ReadFile(filepath.Join(dir, planFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Invalid("simbank.none", dir)
	}
	if err != nil {
		return nil, err
	}
	p := &plan{}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(p); err != nil || p.Version != planVersion || p.Members < 1 || p.Members > maxMembers ||
		p.Partners < 1 || p.Partners > p.Members {
		return nil, fault.Invalid("simbank.plan").In(planFile).Because(err)
	}
	p.name()
	return p, nil
}
