package clearing

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"

	"custody/clearing/split"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// RuleConfig is a split rule (分账规则) as a file states it: custody.yaml at
// `custody init`, later a file of its own for `custody rule new`. The short form
// is two rates; the full form has levels. The books keep it as JSON, as it was
// approved.
type RuleConfig struct {
	ID            string `yaml:"id" json:"id"`
	Effective     string `yaml:"effective" json:"effective"`
	HeadOfficePPM int64  `yaml:"head_office_ppm" json:"head_office_ppm"`
	PartnerPPM    int64  `yaml:"partner_ppm" json:"partner_ppm"`
	FeeBearer     string `yaml:"fee_bearer" json:"fee_bearer"` // franchisee, head_office or payer

	Fee       string        `yaml:"fee" json:"fee,omitempty"`             // inside (内扣) or on_top (外扣)
	Basis     string        `yaml:"basis" json:"basis,omitempty"`         // clearing or trade: the date that Effective is compared with
	Remainder string        `yaml:"remainder" json:"remainder,omitempty"` // who takes the rest (尾差方), franchisee where empty
	Levels    []LevelConfig `yaml:"levels" json:"levels,omitempty"`
	Contract  *Contract     `yaml:"contract" json:"contract,omitempty"`

	Scope *Scope `yaml:"scope" json:"scope,omitempty"` // to which orders it applies; nil: to all (a default)
	// Mode is rule (the default), or requests (分账请求): the orders in the scope are
	// not split by the night but by requests to the receivers of the levels, until
	// the rest is released FreezeDays after the clearing date.
	Mode       string `yaml:"mode" json:"mode,omitempty"`
	FreezeDays int    `yaml:"freeze_days" json:"freeze_days,omitempty"`
	Until      string `yaml:"until" json:"until,omitempty"` // last day of a rule with a scope; empty: none
}

// LevelConfig is one level of a rule. To is head_office, region, franchisee,
// partner or member:CODE. Amounts are yuan.
type LevelConfig struct {
	To    string       `yaml:"to" json:"to"`
	PPM   int64        `yaml:"ppm" json:"ppm"`
	Of    string       `yaml:"of" json:"of,omitempty"` // order, or rest: what the levels before left
	Fixed string       `yaml:"fixed" json:"fixed,omitempty"`
	Min   string       `yaml:"min" json:"min,omitempty"`
	Cap   string       `yaml:"cap" json:"cap,omitempty"` // 封顶
	Tiers []TierConfig `yaml:"tiers" json:"tiers,omitempty"`
}

// TierConfig replaces rate and fixed amount for orders of From yuan and above.
type TierConfig struct {
	From  string `yaml:"from" json:"from"`
	PPM   int64  `yaml:"ppm" json:"ppm"`
	Fixed string `yaml:"fixed" json:"fixed,omitempty"`
}

// Contract is what the channel's contract allows (分账限额); zero is the default.
// Head office and the franchisee have no limit: they are whose money it is, the
// others receive of it.
type Contract struct {
	SharePPM  int64 `yaml:"share_ppm" json:"share_ppm"` // of an order, per receiver; limits.share_ppm
	Receivers int   `yaml:"receivers" json:"receivers"` // split.MaxReceivers
	Requests  int   `yaml:"requests" json:"requests"`   // split requests of one order; split.MaxRequests
}

// maxRuleBytes bounds a rule file: 50 levels of 10 tiers of 60 bytes are 30 KiB.
const maxRuleBytes = 64 << 10

// LoadRule reads and checks a rule file; what it leaves to defaults is filled in,
// so that a later change of custody.yaml does not change the rule.
func LoadRule(path string, limits Limits) (RuleConfig, error) {
	name := filepath.Base(path)
	raw, err := readUpTo(path, maxRuleBytes)
	if err != nil {
		return RuleConfig{}, fault.Invalid("file.read", name).In(name).Because(err)
	}
	return ParseRule(raw, name, limits)
}

// readUpTo reads a file of at most so many bytes, and one more of a larger one:
// who parses it says what is too large. It does not trust the size that the
// system tells, which for a pipe or a device is none.
func readUpTo(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

// ParseRule is [LoadRule] for bytes; name is what faults call the file.
func ParseRule(raw []byte, name string, limits Limits) (RuleConfig, error) {
	var c RuleConfig
	if len(raw) > maxRuleBytes {
		return c, fault.Invalid("rule.size", maxRuleBytes).In(name)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil {
		return c, fault.Invalid("config.syntax", err).In(name)
	}
	if c.FeeBearer == "" {
		c.FeeBearer = "franchisee"
	}
	if len(c.Levels) > 0 {
		contract := c.contract(limits)
		c.Contract = &contract
	}
	if c.byRequests() && c.FreezeDays == 0 {
		c.FreezeDays = freezeDays
	}
	if err := c.validate(limits); err != nil {
		if f := fault.Of(err); f != nil {
			return c, f.In(name)
		}
		return c, err
	}
	return c, nil
}

// contract returns the limits of the contract with the defaults filled in.
func (c RuleConfig) contract(limits Limits) Contract {
	k := Contract{SharePPM: limits.SharePPM, Receivers: split.MaxReceivers, Requests: split.MaxRequests}
	if c.Contract == nil {
		return k
	}
	if c.Contract.SharePPM != 0 {
		k.SharePPM = c.Contract.SharePPM
	}
	if c.Contract.Receivers != 0 {
		k.Receivers = c.Contract.Receivers
	}
	if c.Contract.Requests != 0 {
		k.Requests = c.Contract.Requests
	}
	return k
}

// validate checks everything that can be checked without the books.
func (c RuleConfig) validate(limits Limits) error {
	if c.ID == "" || strings.ContainsAny(c.ID, " ./@|\n") || len(c.ID) > 40 {
		return fault.Invalid("rule.id").On("id", c.ID)
	}
	if _, err := bizdate.Parse(c.Effective); err != nil {
		return fault.Invalid("rule.value").On("effective", c.Effective)
	}
	for _, word := range []struct{ field, value, allowed string }{
		{"fee", c.Fee, "|inside|on_top|"}, {"basis", c.Basis, "|clearing|trade|"}, {"mode", c.Mode, "|rule|requests|"},
		{"fee_bearer", c.FeeBearer, "|franchisee|head_office|payer|"},
	} {
		if !strings.Contains(word.allowed, "|"+word.value+"|") && (word.value != "" || word.field == "fee_bearer") {
			return fault.Invalid("rule.value").On(word.field, word.value)
		}
	}
	if c.Fee != "" && (c.FeeBearer == "payer") != (c.Fee == "on_top") {
		return fault.Invalid("rule.fee").On("fee", c.Fee)
	}
	if len(c.Levels) > 0 && c.HeadOfficePPM+c.PartnerPPM != 0 {
		return fault.Invalid("rule.forms").On("levels", c.ID)
	}
	if k := c.contract(limits); k.SharePPM < 1 || k.SharePPM > money.PPM || k.Receivers < 1 || k.Receivers > split.MaxReceivers ||
		k.Requests < 1 || k.Requests > split.MaxRequests {
		return fault.Invalid("rule.contract", split.MaxReceivers, split.MaxRequests).On("contract", c.ID)
	}
	if err := firstErr(c.validateScope(), c.validateRequests()); err != nil {
		return err
	}
	_, err := c.scheme(0, limits)
	return err
}

// ruleParties are the words for receivers in a rule file.
var ruleParties = map[string]split.Party{"franchisee": split.Franchisee, "head_office": split.HeadOffice, "region": split.Region,
	"partner": split.Partner, "payer": split.Payer}

// receiverOf reads head_office, region, franchisee, partner or member:CODE.
func receiverOf(field, text string) (split.Receiver, error) {
	if code, named := strings.CutPrefix(text, "member:"); named && code != "" {
		return split.Receiver{Party: split.Named, Member: code}, nil
	}
	party, known := ruleParties[text]
	if !known || party == split.Payer {
		return split.Receiver{}, fault.Invalid("split.receiver").On(field, text)
	}
	return split.Receiver{Party: party}, nil
}

// scheme makes the rule ready to divide orders.
func (c RuleConfig) scheme(version int, limits Limits) (*split.Scheme, error) {
	rule := split.Rule{ID: c.ID, Version: version, FeeBearer: ruleParties[c.FeeBearer], HeadOfficePPM: c.HeadOfficePPM, PartnerPPM: c.PartnerPPM}
	contract := c.contract(limits)
	if len(c.Levels) > contract.Receivers {
		return nil, fault.Invalid("split.receivers", len(c.Levels), contract.Receivers).On("levels", c.ID)
	}
	var err error
	if c.Remainder != "" {
		if rule.Remainder, err = receiverOf("remainder", c.Remainder); err != nil {
			return nil, err
		}
	}
	for _, l := range c.Levels {
		level, err := l.level(contract)
		if err != nil {
			return nil, err
		}
		rule.Levels = append(rule.Levels, level)
	}
	return rule.Scheme()
}

func (l LevelConfig) level(k Contract) (split.Level, error) {
	to, err := receiverOf("to", l.To)
	if err != nil {
		return split.Level{}, err
	}
	if l.Of != "" && l.Of != "order" && l.Of != "rest" {
		return split.Level{}, fault.Invalid("rule.value").On("of", l.Of)
	}
	level := split.Level{Receiver: to, PPM: l.PPM, OfRest: l.Of == "rest"}
	if to.Party != split.HeadOffice && to.Party != split.Franchisee {
		level.LimitPPM = k.SharePPM
	}
	fen := func(field, yuan string) money.Amount {
		if yuan == "" || err != nil {
			return 0
		}
		var a money.Amount
		if a, err = money.ParseYuan(yuan); err != nil {
			err = fault.Invalid("rule.value").On(field, yuan)
		}
		return a
	}
	level.Fixed, level.Min, level.Cap = fen("fixed", l.Fixed), fen("min", l.Min), fen("cap", l.Cap)
	for _, t := range l.Tiers {
		level.Tiers = append(level.Tiers, split.Tier{From: fen("from", t.From), PPM: t.PPM, Fixed: fen("fixed", t.Fixed)})
	}
	return level, err
}
