package clearing

import (
	"bytes"
	"context"
	"encoding/json"

	"go.yaml.in/yaml/v4"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
)

// parameterTax is the kind of parameter that holds the tax rule; it has one subject.
const parameterTax = "tax"

// TaxRule says what is withheld from a month's payouts to a person, as data that
// head office sets and answers for: nothing here claims to be any law's, and what
// a law knows beyond bands (deductions, credits, treaties) is not here.
type TaxRule struct {
	Name      string       `json:"name"`
	Bands     []TaxBand    `json:"bands"`
	Version   int          `json:"version,omitempty"`
	Effective bizdate.Date `json:"effective"`
	Approval  string       `json:"approval,omitempty"`
}

// TaxBand holds for month's payouts above an amount (级距): of the whole month's
// sum PPM is taken, less Quick (速算扣除数). Fen.
type TaxBand struct {
	Above money.Amount `json:"above_fen"`
	PPM   int64        `json:"ppm"`
	Quick money.Amount `json:"quick_fen"`
}

// bandsMax bounds a rule: the longest schedule in use has seven bands. fileTaxMax is
// what as many take in a file, at 100 bytes each.
const (
	bandsMax   = 20
	fileTaxMax = bandsMax*100 + 4096
)

// Tax returns the tax of a month's sum, rounded half up to the fen.
func (r TaxRule) Tax(sum money.Amount) (money.Amount, error) {
	var band TaxBand
	for _, b := range r.Bands {
		if sum > b.Above {
			band = b
		}
	}
	tax, err := sum.MulRate(band.PPM, money.HalfUp)
	return max(tax-band.Quick, 0), err
}

// validate holds bands to ascending amounts and rates below one, and to meet: where
// one begins the tax is what the band before comes to, give or take a fen of
// rounding. Else a payout could bring less than a smaller one.
func (r TaxRule) validate() error {
	if r.Name == "" || len(r.Name) > 100 || len(r.Bands) == 0 || len(r.Bands) > bandsMax || r.Bands[0].Above != 0 || r.Bands[0].Quick != 0 {
		return fault.Invalid("tax.rule", bandsMax)
	}
	for i, b := range r.Bands {
		if b.PPM < 0 || b.PPM >= money.PPM || b.Quick < 0 {
			return fault.Invalid("tax.band", i+1).On("ppm", b.Quick.String())
		}
		if i == 0 {
			continue
		}
		before := r.Bands[i-1]
		was, err1 := b.Above.MulRate(before.PPM, money.HalfUp)
		now, err2 := b.Above.MulRate(b.PPM, money.HalfUp)
		if err := firstErr(err1, err2); err != nil {
			return fault.Invalid("tax.band", i+1).Because(err)
		}
		if b.Above <= before.Above || (now-b.Quick-was+before.Quick).Abs() > 1 {
			return fault.Invalid("tax.band", i+1).On("above", b.Above.String())
		}
	}
	return nil
}

// ParseTaxRule reads a rule as people write it: amounts in yuan, rates in ppm.
//
//	name: 示例
//	effective: 2026-03-01
//	bands:
//	  - {above: "0.00", ppm: 0, quick: "0.00"}
//	  - {above: "800.00", ppm: 200000, quick: "160.00"}
func ParseTaxRule(raw []byte) (TaxRule, error) {
	var file struct {
		Name      string `yaml:"name"`
		Effective string `yaml:"effective"`
		Bands     []struct {
			Above string `yaml:"above"`
			PPM   int64  `yaml:"ppm"`
			Quick string `yaml:"quick"`
		} `yaml:"bands"`
	}
	if len(raw) > fileTaxMax {
		return TaxRule{}, fault.Invalid("tax.rule", bandsMax)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		return TaxRule{}, fault.Invalid("tax.rule", bandsMax).Because(err)
	}
	r := TaxRule{Name: file.Name}
	var err error
	if file.Effective != "" {
		if r.Effective, err = bizdate.Parse(file.Effective); err != nil {
			return r, fault.Invalid("tax.rule", bandsMax).On("effective", file.Effective)
		}
	}
	for i, b := range file.Bands {
		above, err1 := money.ParseYuan(b.Above)
		quick, err2 := money.ParseYuan(b.Quick)
		if firstErr(err1, err2) != nil {
			return r, fault.Invalid("tax.band", i+1).On("above", b.Above)
		}
		r.Bands = append(r.Bands, TaxBand{above, b.PPM, quick})
	}
	return r, r.validate()
}

// NewTaxRule submits a rule; two people set it, and it holds from its day on for
// payouts drawn up from then.
func (e *Engine) NewTaxRule(ctx context.Context, actor string, r TaxRule) (string, error) {
	if err := r.validate(); err != nil {
		return "", err
	}
	raw, err := json.Marshal(TaxRule{Name: r.Name, Bands: r.Bands, Effective: r.Effective})
	if err != nil {
		return "", err
	}
	return e.askParameter(ctx, actor, parameterTax, Parameter{Kind: parameterTax, Effective: r.Effective, Content: raw}, nil)
}

// TaxRules lists every version, the oldest first.
func (e *Engine) TaxRules(ctx context.Context) ([]TaxRule, error) {
	list := []TaxRule{}
	err := e.readOnly(ctx, func(tx *store.Tx) error {
		var rows []parameterRow
		err := tx.Select(ctx, &rows, `SELECT subject, version, effective_date, content, approval_id FROM parameters
			WHERE custody_id = ? AND kind = ? ORDER BY version`, e.Book.ID(), parameterTax)
		for _, row := range rows {
			r, parseErr := row.taxRule()
			if parseErr != nil {
				return parseErr
			}
			list = append(list, r)
		}
		return err
	})
	return list, err
}

func (row parameterRow) taxRule() (TaxRule, error) {
	var r TaxRule
	err := json.Unmarshal([]byte(row.Content), &r)
	r.Version, r.Effective, r.Approval = row.Version, row.Effective, row.Approval
	return r, err
}

// taxRule returns the rule that holds on a date, and whether there is one.
func (e *Engine) taxRule(ctx context.Context, tx *store.Tx, date bizdate.Date) (TaxRule, bool, error) {
	held, err := e.parameters(ctx, tx, parameterTax, date)
	row, found := held[""]
	if err != nil || !found {
		return TaxRule{}, false, err
	}
	r, err := row.taxRule()
	return r, err == nil, err
}
