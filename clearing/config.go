package clearing

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"custody/clearing/recharge"
	"custody/internal/fault"
	"custody/internal/money"
)

// Config is custody.yaml: one custody account and how its days run.
// Rules and users in it are read by `custody init`; the books keep their own copy.
type Config struct {
	Code      string          `yaml:"code"`
	Name      string          `yaml:"name"`
	Account   string          `yaml:"account"`   // the custody account (存管专户) at the bank
	Clock     ClockMode       `yaml:"clock"`     // live or replay
	Corporate Party           `yaml:"corporate"` // head office's own account (对公户)
	Channels  []Channel       `yaml:"channels"`  // in the order of posting
	Rules     []RuleConfig    `yaml:"rules"`
	Release   Release         `yaml:"release"`
	Payout    Payout          `yaml:"payout"`
	Files     Files           `yaml:"files"`
	Limits    Limits          `yaml:"limits"`
	Bank      BankWords       `yaml:"bank"` // how the bank calls what it takes and gives by itself
	Escrow    Escrow          `yaml:"escrow"`
	Recharge  recharge.Config `yaml:"recharge"`
	Signing   *Signing        `yaml:"signing"` // of files for the bank; nil: they carry no signature
	Users     []User          `yaml:"users"`
}

// ClockMode says whose time the days follow.
type ClockMode string

// In a live home days follow the clock; in a replayed one each day runs on its
// own timetable, whenever it is played.
const (
	Live   ClockMode = "live"
	Replay ClockMode = "replay"
)

// Party is a named bank account.
type Party struct {
	Name      string `yaml:"name"`
	Account   string `yaml:"account"`
	Bank      string `yaml:"bank"`
	CNAPS     string `yaml:"cnaps"`      // 联行号, needed to pay it
	SuperBank string `yaml:"super_bank"` // 超级网银号
}

// Release is T+N: N working days after the clearing date.
type Release struct {
	Days int `yaml:"days"`
}

// Files says which optional files the bank sends.
type Files struct {
	Intraday bool `yaml:"intraday"` // 当日明细 (camt.052) on the release day
	Balances bool `yaml:"balances"` // 子账户余额文件 (R8)
	// StatementProfile is the profile of the bank's table where several fit.
	StatementProfile string `yaml:"statement_profile"`
}

// Limits are periods after which something becomes a person's work.
type Limits struct {
	PoolDays    int `yaml:"pool_days"`    // natural days in the cross-day pool (日切差缓冲)
	TransitDays int `yaml:"transit_days"` // how many of its own days a channel's money may be late (R5)
	DormantDays int `yaml:"dormant_days"` // natural days without movement until an account is dormant (久悬); 0: never
	// Of split rules: natural days between approval and effect of a changed rate
	// at least, and the share of an order that one receiver may have.
	RateCoolingDays int   `yaml:"rate_cooling_days"`
	SharePPM        int64 `yaml:"share_ppm"`
	// CoolingDays is for how many natural days after its verification nothing is
	// paid to an account that took another's place (换卡冷静期).
	CoolingDays int `yaml:"account_cooling_days"`
}

// Escrow is how escrow orders (担保交易) run.
type Escrow struct {
	AutoDays int `yaml:"auto_days"` // natural days after shipping until an order confirms itself
}

// User is a person who may act on the books.
type User struct {
	Name   string   `yaml:"name"`
	OSUser string   `yaml:"os_user"`
	Roles  []string `yaml:"roles"`
}

// maxConfigBytes bounds custody.yaml: 200 channels and users take some 30 KiB.
const maxConfigBytes = 1 << 20

// LoadConfig reads and checks custody.yaml.
func LoadConfig(path string) (*Config, error) {
	raw, err := readUpTo(path, maxConfigBytes)
	if err != nil {
		return nil, fault.Invalid("config.read", path).Because(err)
	}
	return ParseConfig(raw)
}

// ParseConfig reads custody.yaml; an unknown key is an error.
func ParseConfig(raw []byte) (*Config, error) {
	if len(raw) > maxConfigBytes {
		return nil, fault.Invalid("config.size", maxConfigBytes).In("custody.yaml")
	}
	c := Config{Clock: Live, Release: Release{Days: 1}, Limits: Limits{PoolDays: 3, TransitDays: 3, SharePPM: 300_000}, Escrow: Escrow{AutoDays: 10},
		Payout: Payout{Fee: "0.00", Minimum: "0.01", Route: "BEP"}}
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil {
		return nil, fault.Invalid("config.syntax", err).In("custody.yaml")
	}
	return &c, c.validate()
}

// validate is one flat list of checks; each fault names the key and its value.
func (c *Config) validate() error {
	var bad fault.List
	need := func(ok bool, field, value string) {
		if !ok {
			bad = append(bad, fault.Invalid("config.value").In("custody.yaml").On(field, value))
		}
	}
	need(c.Code != "" && !strings.ContainsAny(c.Code, " ./"), "code", c.Code)
	need(c.Name != "", "name", c.Name)
	need(c.Account != "", "account", c.Account)
	need(c.Clock == Live || c.Clock == Replay, "clock", string(c.Clock))
	need(len(c.Channels) > 0, "channels", "")
	c.checkChannels(need)
	need(slices.ContainsFunc(c.Rules, func(r RuleConfig) bool { return r.Scope == nil }), "rules", "")
	for i := range c.Rules {
		r := &c.Rules[i]
		if r.byRequests() && r.FreezeDays == 0 {
			r.FreezeDays = freezeDays
		}
		if err := r.validate(c.Limits); err != nil {
			f := fault.Of(err)
			if f == nil {
				return err
			}
			bad = append(bad, f.In("custody.yaml"))
		}
	}
	need(c.Limits.RateCoolingDays >= 0 && c.Limits.RateCoolingDays <= 365, "limits.rate_cooling_days", "")
	need(c.Limits.SharePPM > 0 && c.Limits.SharePPM <= money.PPM, "limits.share_ppm", "")
	for field, value := range map[string]string{"payout.fee": c.Payout.Fee, "payout.minimum": c.Payout.Minimum} {
		a, err := money.ParseYuan(value)
		need(err == nil && a >= 0, field, value)
	}
	need(slices.Contains([]string{"OWN", "SIB", "BEP", "HVP"}, c.Payout.Route), "payout.route", c.Payout.Route)
	c.Payout.validate(need)
	need(c.Limits.CoolingDays >= 0 && c.Limits.CoolingDays <= 366, "limits.account_cooling_days", "")
	need(c.Release.Days >= 0 && c.Release.Days <= 30, "release.days", "")
	c.checkRecharge(need)
	c.checkSigning(need)
	need(c.Escrow.AutoDays >= 1 && c.Escrow.AutoDays <= maxTimerDays, "escrow.auto_days", "")
	return bad.Err()
}
