package recharge

import (
	"context"
	"strings"
	"time"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// Answer is what an operator's platform says.
type Answer struct {
	Code       string       `json:"code"`
	OperatorNo string       `json:"operator_no"`
	Clearing   bizdate.Date `json:"clearing_date"` // of the settlement that will list the debit
}

// Codes of an answer. Any other is no answer.
const (
	CodeOK       = "OK"          // the card may be debited
	CodeRefused  = "REFUSED"     // it may not; nothing was debited
	CodeDebited  = "DEBITED"     // its whole face value was taken
	CodeNotTaken = "NOT_DEBITED" // nothing was and nothing will be taken under the reference
)

// Poster posts JSON: internal/remote.
type Poster interface {
	PostJSON(ctx context.Context, url string, in, out any) error
}

// Gateway calls an operator's platform. No operator publishes its protocol: this
// one is ours, and what speaks another stands between.
//
//	POST /v1/authenticate {"reference","card_prefix","pin","face_fen"}  -> OK or REFUSED
//	POST /v1/debit        the same                                      -> DEBITED or REFUSED
//	POST /v1/query        {"reference"}                                 -> DEBITED or NOT_DEBITED
type Gateway struct {
	Remote Poster
	URL    string
}

type card struct {
	Reference string       `json:"reference"`
	Prefix    string       `json:"card_prefix"`
	PIN       string       `json:"pin"`
	Face      money.Amount `json:"face_fen"`
}

// Authenticate asks whether the card may be debited with the face value (鉴权).
func (g Gateway) Authenticate(ctx context.Context, r Recharge, pin string) (Answer, error) {
	return g.call(ctx, "/v1/authenticate", card{r.Reference, r.CardPrefix, pin, r.Face}, CodeOK, CodeRefused)
}

// Debit takes the face value of the card (扣款). Every error but remote.refused
// means that it may have been taken.
func (g Gateway) Debit(ctx context.Context, r Recharge, pin string) (Answer, error) {
	return g.call(ctx, "/v1/debit", card{r.Reference, r.CardPrefix, pin, r.Face}, CodeDebited, CodeRefused)
}

// Query asks what became of a debit (查询).
func (g Gateway) Query(ctx context.Context, r Recharge) (Answer, error) {
	return g.call(ctx, "/v1/query", map[string]string{"reference": r.Reference}, CodeDebited, CodeNotTaken)
}

func (g Gateway) call(ctx context.Context, path string, in any, yes, no string) (Answer, error) {
	var a Answer
	err := g.Remote.PostJSON(ctx, strings.TrimSuffix(g.URL, "/")+path, in, &a)
	if err == nil && (a.Code != yes && a.Code != no || a.Code == CodeDebited && (a.Clearing.IsZero() || a.OperatorNo == "")) {
		err = fault.Wait("recharge.answer", a.Code)
	}
	return a, err
}

// Platform is where the cards of some prefixes are debited: the operator's
// national platform, or that of a province.
type Platform struct {
	Name     string   `yaml:"name"`
	Province string   `yaml:"province"` // '' for the national one
	URL      string   `yaml:"url"`
	Prefixes []string `yaml:"prefixes"` // of card numbers
}

// Ratio says how a face value is divided (转换比例) from a date on. Province ” and
// face ” hold for every one; the rest is head office's.
type Ratio struct {
	Province    string `yaml:"province"`
	Face        string `yaml:"face"` // yuan
	Effective   string `yaml:"effective"`
	Version     int    `yaml:"version"`
	MemberPPM   int64  `yaml:"member_ppm"`
	OperatorPPM int64  `yaml:"operator_ppm"`
}

// Operator is a telecom operator; its code is that of its channel, whose bill is
// the settlement of its cards.
type Operator struct {
	Code      string     `yaml:"code"`
	Platforms []Platform `yaml:"platforms"`
	Ratios    []Ratio    `yaml:"ratios"`
}

// Config is the part of custody.yaml about recharges.
type Config struct {
	TimeoutSeconds int        `yaml:"timeout_seconds"`
	PlainHTTP      bool       `yaml:"plain_http"` // for simulated operators: no TLS
	Operators      []Operator `yaml:"operators"`
}

// Timeout is how long a call to an operator may take: ten seconds where nothing is said.
func (c Config) Timeout() time.Duration {
	if c.TimeoutSeconds <= 0 {
		return 10 * time.Second
	}
	return time.Duration(c.TimeoutSeconds) * time.Second
}

// Of returns the platform with the longest prefix that fits a card, and its
// operator: else recharge.prefix.
func (c Config) Of(cardPrefix string) (Operator, Platform, error) {
	var operator Operator
	var platform Platform
	longest := 0
	for _, o := range c.Operators {
		for _, p := range o.Platforms {
			for _, prefix := range p.Prefixes {
				if len(prefix) > longest && strings.HasPrefix(cardPrefix, prefix) {
					operator, platform, longest = o, p, len(prefix)
				}
			}
		}
	}
	if longest == 0 {
		return operator, platform, fault.Invalid("recharge.prefix").On("--card", cardPrefix)
	}
	return operator, platform, nil
}

// RatioOf returns the ratio of a face value on a date: one of the province before
// one of every province, one of the face value before one of every; of those the
// latest in force, of it the highest version. None is recharge.ratio.
func (o Operator) RatioOf(province string, face money.Amount, on bizdate.Date) (Ratio, error) {
	best, rank, from := Ratio{}, -1, bizdate.Date(0)
	for _, r := range o.Ratios {
		effective, err := bizdate.Parse(r.Effective)
		if err != nil || effective > on || r.Province != "" && r.Province != province {
			continue
		}
		n := 0
		if r.Province != "" {
			n += 2
		}
		if r.Face != "" {
			if fen, err := money.ParseYuan(r.Face); err != nil || fen != face {
				continue
			}
			n++
		}
		if n > rank || n == rank && (effective > from || effective == from && r.Version > best.Version) {
			best, rank, from = r, n, effective
		}
	}
	if rank < 0 {
		return best, fault.Invalid("recharge.ratio", o.Code, province, face, on)
	}
	return best, nil
}
