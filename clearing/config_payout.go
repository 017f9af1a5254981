package clearing

import (
	"slices"
	"time"

	"custody/clearing/routes"
	"custody/internal/bizdate"
	"custody/internal/money"
)

// Payout is how money is paid out.
type Payout struct {
	Fee           string   `yaml:"fee"` // yuan, on top of the amount (外扣)
	Minimum       string   `yaml:"minimum"`
	Route         string   `yaml:"route"` // of every payment where there are no rails
	Purpose       string   `yaml:"purpose"`
	FeeBack       bool     `yaml:"fee_back_on_return"`
	AccountFaults []string `yaml:"account_faults"` // answer codes that block the bound account

	Rails []RailConfig `yaml:"rails"` // in the order of preference; none: everything goes by route
	// AuthoriseAbove is the total of a batch, in yuan, above which a third person
	// authorises it (授权); empty for never.
	AuthoriseAbove string           `yaml:"authorise_above"`
	Withdrawals    WithdrawalLimits `yaml:"withdrawals"`
	// MicroPayments verify bound accounts (小额打款) in place of a checker.
	MicroPayments bool `yaml:"micro_payments"`
}

// RailConfig is a rail as custody.yaml states it. Amounts are yuan, hours 08:30-17:00.
type RailConfig struct {
	Code        string   `yaml:"code"` // OWN, SIB, BEP, HVP
	Effective   string   `yaml:"effective"`
	PerItem     string   `yaml:"per_item"`
	AtLeast     string   `yaml:"at_least"`
	WorkingDays bool     `yaml:"working_days"`
	From        string   `yaml:"from"`
	To          string   `yaml:"to"`
	Fee         string   `yaml:"fee"`
	Needs       string   `yaml:"needs"` // cnaps, super_bank, either
	Banks       []string `yaml:"banks"`
}

// WithdrawalLimits bound what a member may ask for (提现限额). Empty is no limit.
type WithdrawalLimits struct {
	Minimum   string   `yaml:"minimum"`
	PerItem   string   `yaml:"per_item"`
	PerDay    string   `yaml:"per_day"`       // yuan per member and accounting date
	DayCount  int      `yaml:"per_day_count"` // withdrawals per member and accounting date
	Blacklist []string `yaml:"blacklist"`     // members and account numbers that are not paid
}

// FeeFen returns the payout fee in fen; [Config.validate] has checked it.
func (p Payout) FeeFen() money.Amount { return mustYuan(p.Fee) }

// MinimumFen returns the smallest amount that is paid out, in fen.
func (p Payout) MinimumFen() money.Amount { return mustYuan(p.Minimum) }

// AuthoriseAboveFen returns the total above which a third person authorises, or 0.
func (p Payout) AuthoriseAboveFen() money.Amount { return mustYuan(p.AuthoriseAbove) }

func mustYuan(s string) money.Amount {
	a, _ := money.ParseYuan(s)
	return a
}

// table returns the rails as the choice takes them; [Config.validate] has checked them.
func (p Payout) table() []routes.Rail {
	var table []routes.Rail
	for _, r := range p.Rails {
		effective, _ := bizdate.Parse(r.Effective)
		from, _ := minutesOf(r.From)
		to, _ := minutesOf(r.To)
		table = append(table, routes.Rail{Code: routes.Code(r.Code), Effective: effective, PerItem: mustYuan(r.PerItem), AtLeast: mustYuan(r.AtLeast),
			WorkingDays: r.WorkingDays, From: from, To: to, Fee: mustYuan(r.Fee), Needs: routes.Number(r.Needs), Banks: r.Banks})
	}
	return table
}

// minutesOf reads 08:30 as minutes from midnight; nothing is 0.
func minutesOf(s string) (int, bool) {
	if s == "" {
		return 0, true
	}
	if s == "24:00" {
		return 24 * 60, true
	}
	t, err := time.Parse("15:04", s)
	return t.Hour()*60 + t.Minute(), err == nil
}

// railsMax bounds the rails: four codes, changed ten times a year for five years.
const railsMax = 200

// validate names every value that does not hold.
func (p Payout) validate(need func(ok bool, field, value string)) {
	optional := map[string]string{"payout.authorise_above": p.AuthoriseAbove, "payout.withdrawals.minimum": p.Withdrawals.Minimum,
		"payout.withdrawals.per_item": p.Withdrawals.PerItem, "payout.withdrawals.per_day": p.Withdrawals.PerDay}
	need(len(p.Rails) <= railsMax, "payout.rails", "")
	for _, r := range p.Rails {
		_, err := bizdate.Parse(r.Effective)
		from, fromOK := minutesOf(r.From)
		to, toOK := minutesOf(r.To)
		need(slices.Contains([]string{"OWN", "SIB", "BEP", "HVP"}, r.Code), "payout.rails.code", r.Code)
		need(err == nil, "payout.rails.effective", r.Effective)
		need(fromOK && toOK && (from < to || to == 0 && from == 0), "payout.rails.from", r.From+"-"+r.To)
		need(slices.Contains([]string{"cnaps", "super_bank", "either"}, r.Needs), "payout.rails.needs", r.Needs)
		for _, value := range []string{r.PerItem, r.AtLeast, r.Fee} {
			need(isYuan(value), "payout.rails."+r.Code, value)
		}
	}
	for field, value := range optional {
		need(isYuan(value), field, value)
	}
	need(p.Withdrawals.DayCount >= 0, "payout.withdrawals.per_day_count", "")
}

// isYuan reports an amount that is not negative, or nothing.
func isYuan(s string) bool {
	a, err := money.ParseYuan(s)
	return s == "" || err == nil && a >= 0
}
