// Package routes chooses the rail (汇路) by which a payment goes. A payment sent by
// the wrong one comes back days later or costs twenty times as much, and the rules
// change with the hour, the day and the amount: so every rail is data with an
// effective date, and the choice says why it took one and not the others.
//
//	table := []routes.Rail{{Code: routes.SIB, PerItem: 50_000_00, Needs: routes.Either}, {Code: routes.HVP, WorkingDays: true, From: 8*60 + 30, To: 17 * 60, Needs: routes.CNAPS}}
//	choice, err := routes.Choose(table, 60_000_00, at, cal, routes.Payee{CNAPS: "102100099996"})
//	// choice.Rail is HVP; choice.Verdicts[0] is SIB, routes.limit
//
// It reads no clock and no database: the instant is that at which the file will be sent.
package routes

import (
	"strings"
	"time"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// Code is a rail.
type Code string

// The rails.
const (
	Own Code = "OWN" // 本行: the payee's account is at the custody bank
	SIB Code = "SIB" // 超级网银 (IBPS)
	BEP Code = "BEP" // 小额 (BEPS)
	HVP Code = "HVP" // 大额 (HVPS)
)

// Number is by which number of the payee's bank a rail sends.
type Number string

// Exactly one number goes into the file. Either prefers the super bank number.
const (
	CNAPS     Number = "cnaps"      // 联行号
	SuperBank Number = "super_bank" // 超级网银号
	Either    Number = "either"
)

// Rail is one way to pay, from a day on. Rails stand in the order of preference.
type Rail struct {
	Code        Code
	Effective   bizdate.Date // a later one of the same code takes its place from its day on
	PerItem     money.Amount // largest payment in fen, 0 for no limit
	AtLeast     money.Amount // smallest payment in fen
	WorkingDays bool         // else 7x24
	From, To    int          // minutes from midnight, To excluded; 0, 0 is the whole day
	Fee         money.Amount // what the bank takes for one, in fen
	Needs       Number
	Banks       []string // beginnings of CNAPS numbers, or names, of banks that it reaches; none for all
}

// Payee is what of a payee decides on the rail.
type Payee struct {
	Bank, CNAPS, SuperBank string
}

// Calendar tells the working days of rails.
type Calendar interface {
	IsWorkingDay(bizdate.Date) (bool, error)
}

// Verdict is what was found about one rail. Reason is the code of a text:
// routes.chosen, or why the rail was passed over; Args belong to the text.
type Verdict struct {
	Rail   Code     `json:"rail"`
	Reason string   `json:"reason"`
	Args   []string `json:"args,omitempty"`
}

// Choice is the rail of a payment with the reason for every one that was not taken.
type Choice struct {
	Rail      Code         `json:"rail"`
	At        string       `json:"at"` // the instant for which it was chosen
	Fee       money.Amount `json:"bank_fee_fen"`
	CNAPS     string       `json:"cnaps,omitempty"`
	SuperBank string       `json:"super_bank,omitempty"`
	Verdicts  []Verdict    `json:"verdicts"`
}

// Choose returns the first rail in force that takes the payment at the instant.
// Where none does it is routes.none; the verdicts say why. A year without notice
// of holidays is calendar.year.
func Choose(table []Rail, amount money.Amount, at time.Time, cal Calendar, payee Payee) (Choice, error) {
	at = at.In(bizdate.Zone)
	c := Choice{At: at.Format("2006-01-02T15:04")}
	for _, r := range InForce(table, bizdate.Of(at)) {
		if c.Rail != "" {
			c.Verdicts = append(c.Verdicts, Verdict{Rail: r.Code, Reason: "routes.behind", Args: []string{string(c.Rail)}})
			continue
		}
		reason, args, err := r.against(amount, at, cal, payee)
		if err != nil {
			return c, err
		}
		if reason == "" {
			c.Rail, c.Fee = r.Code, r.Fee
			c.CNAPS, c.SuperBank = r.number(payee)
			reason = "routes.chosen"
		}
		c.Verdicts = append(c.Verdicts, Verdict{Rail: r.Code, Reason: reason, Args: args})
	}
	if c.Rail == "" {
		return c, fault.Invalid("routes.none", amount, c.At)
	}
	return c, nil
}

// InForce returns of each code the rail with the latest effective date up to the
// day, in the order in which the codes first stand in the table.
func InForce(table []Rail, day bizdate.Date) []Rail {
	var list []Rail
	place := map[Code]int{}
	for _, r := range table {
		if r.Effective > day {
			continue
		}
		i, known := place[r.Code]
		switch {
		case !known:
			place[r.Code] = len(list)
			list = append(list, r)
		case r.Effective >= list[i].Effective:
			list[i] = r
		}
	}
	return list
}

// against returns why the rail does not take the payment, or nothing.
func (r Rail) against(amount money.Amount, at time.Time, cal Calendar, payee Payee) (reason string, args []string, err error) {
	working := true
	if r.WorkingDays {
		if working, err = cal.IsWorkingDay(bizdate.Of(at)); err != nil {
			return "", nil, err
		}
	}
	minute := at.Hour()*60 + at.Minute()
	cnaps, super := r.number(payee)
	switch {
	case !r.reaches(payee):
		return "routes.bank", []string{payee.Bank}, nil
	case r.PerItem > 0 && amount > r.PerItem:
		return "routes.limit", []string{amount.String(), r.PerItem.String()}, nil
	case amount < r.AtLeast:
		return "routes.least", []string{amount.String(), r.AtLeast.String()}, nil
	case !working:
		return "routes.holiday", []string{bizdate.Of(at).String()}, nil
	case r.To > 0 && (minute < r.From || minute >= r.To):
		return "routes.hours", []string{clock(minute), clock(r.From), clock(r.To)}, nil
	case cnaps == "" && super == "":
		return "routes.number", []string{string(r.Needs)}, nil
	}
	return "", nil, nil
}

// number returns the one number that the rail sends by, or neither.
func (r Rail) number(p Payee) (cnaps, super string) {
	if r.Needs != CNAPS && p.SuperBank != "" {
		return "", p.SuperBank
	}
	if r.Needs != SuperBank {
		return p.CNAPS, ""
	}
	return "", ""
}

func (r Rail) reaches(p Payee) bool {
	if len(r.Banks) == 0 {
		return true
	}
	for _, b := range r.Banks {
		if p.CNAPS != "" && strings.HasPrefix(p.CNAPS, b) || p.Bank != "" && p.Bank == b {
			return true
		}
	}
	return false
}

// clock prints minutes from midnight.
func clock(minutes int) string { return time.Unix(int64(minutes)*60, 0).UTC().Format("15:04") }
