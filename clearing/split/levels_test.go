package split_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"custody/clearing/split"
	"custody/internal/fault"
	"custody/internal/money"
)

var (
	headOffice = split.Receiver{Party: split.HeadOffice}
	region     = split.Receiver{Party: split.Region}
	partner    = split.Receiver{Party: split.Partner}
	franchisee = split.Receiver{Party: split.Franchisee}
	named      = split.Receiver{Party: split.Named, Member: "N"}
)

func levels(list ...split.Level) split.Rule { return split.Rule{ID: "L", Version: 1, Levels: list} }

// rate is a level with nothing but a rate.
func rate(to split.Receiver, ppm int64) split.Level { return split.Level{Receiver: to, PPM: ppm} }

func TestLevelsRefused(t *testing.T) {
	var fifty []split.Level
	for i := range split.MaxReceivers + 1 {
		fifty = append(fifty, rate(split.Receiver{Party: split.Named, Member: fmt.Sprint("N", i)}, 1))
	}
	restTo := func(to split.Receiver, l ...split.Level) split.Rule { r := levels(l...); r.Remainder = to; return r }
	for _, test := range []struct {
		name string
		rule split.Rule
		want string
	}{
		{"unknown receiver", levels(rate(split.Receiver{Party: "BANK"}, 1)), "split.receiver"},
		{"payer receives", levels(rate(split.Receiver{Party: split.Payer}, 1)), "split.receiver"},
		{"named without a name", levels(rate(split.Receiver{Party: split.Named}, 1)), "split.receiver"},
		{"role with a name", levels(rate(split.Receiver{Party: split.Region, Member: "X"}, 1)), "split.receiver"},
		{"one receiver twice", levels(rate(region, 1), rate(region, 2)), "split.twice"},
		{"51 receivers", levels(fifty...), "split.receivers"},
		{"negative minimum", levels(split.Level{Receiver: region, Min: -1}), "split.bound"},
		{"minimum above the cap", levels(split.Level{Receiver: region, Min: 2, Cap: 1}), "split.bounds"},
		{"tier at nothing", levels(split.Level{Receiver: region, Tiers: []split.Tier{{From: 0}}}), "split.tiers"},
		{"tiers that fall", levels(split.Level{Receiver: region, Tiers: []split.Tier{{From: 5}, {From: 4}}}), "split.tiers"},
		{"rate of a tier", levels(split.Level{Receiver: region, Tiers: []split.Tier{{From: 5, PPM: -1}}}), "split.rate"},
		{"rate above its limit", levels(split.Level{Receiver: region, PPM: 300_001, LimitPPM: 300_000}), "split.limit"},
		{"tier above its limit", levels(split.Level{Receiver: region, Tiers: []split.Tier{{From: 5, PPM: 300_001}}, LimitPPM: 300_000}), "split.limit"},
		{"rates above the whole", levels(rate(region, 600_000), rate(partner, 400_001)), "split.rates"},
		{"rest to nobody of the rule", restTo(named, rate(region, 1)), "split.remainder"},
		{"rest to head office, nothing to the franchisee", restTo(headOffice, rate(region, 1)), "split.remainder"},
	} {
		if got := fault.CodeOf(test.rule.Validate()); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
	if err := levels(fifty[1:]...).Validate(); err != nil {
		t.Errorf("50 receivers: %v", err)
	}
	// The franchisee's level is below the fee that it bears.
	if _, err := levels(rate(franchisee, 1_000)).Split(split.Chain{Member: "A"}, 100_00, 60); err != nil {
		t.Errorf("the rest covers the fee: %v", err)
	}
	below := restTo(headOffice, rate(franchisee, 1_000))
	if _, err := below.Split(split.Chain{Member: "A"}, 100_00, 60); fault.CodeOf(err) != "split.exceeds" {
		t.Errorf("level below the fee: %v", err)
	}
}

// Each row is an order of 1,000.00 with a fee of 6.00 unless it says otherwise;
// want is the franchisee, the others in the order of the levels, head office.
func TestLevels(t *testing.T) {
	full := split.Chain{Member: "A", Region: "R", Partner: "P"}
	with := func(r split.Rule, change func(*split.Rule)) split.Rule { change(&r); return r }
	four := levels(rate(headOffice, 50_000), rate(region, 10_000), rate(partner, 20_000), rate(named, 5_000))
	level := func(change func(*split.Level)) split.Rule {
		l := rate(partner, 20_000)
		change(&l)
		return levels(rate(headOffice, 50_000), l)
	}
	tiers := []split.Tier{{From: 1000_00, PPM: 15_000}, {From: 5000_00, PPM: 10_000, Fixed: 1_00}}
	for _, test := range []struct {
		name   string
		rule   split.Rule
		chain  split.Chain
		amount money.Amount
		fee    money.Amount
		want   []money.Amount
	}{
		{"four levels", four, full, 1000_00, 6_00, []money.Amount{909_00, 10_00, 20_00, 5_00, 50_00}},
		{"no region", four, split.Chain{Member: "A", Partner: "P"}, 1000_00, 6_00, []money.Amount{919_00, 0, 20_00, 5_00, 50_00}},
		{"head office bears the fee", with(four, func(r *split.Rule) { r.FeeBearer = split.HeadOffice }), full, 1000_00, 6_00,
			[]money.Amount{915_00, 10_00, 20_00, 5_00, 50_00}},
		{"the payer paid the fee on top", with(four, func(r *split.Rule) { r.FeeBearer = split.Payer }), full, 1006_00, 6_00,
			[]money.Amount{915_00, 10_00, 20_00, 5_00, 50_00}},
		{"each rounded down, the rest to the franchisee", four, full, 99, 1, []money.Amount{93, 0, 1, 0, 4}},
		{"fixed on top of the rate", level(func(l *split.Level) { l.Fixed = 30 }), full, 1000_00, 6_00, []money.Amount{923_70, 20_30, 50_00}},
		{"minimum", level(func(l *split.Level) { l.Min = 25_00 }), full, 1000_00, 6_00, []money.Amount{919_00, 25_00, 50_00}},
		{"cap", level(func(l *split.Level) { l.Cap = 15_00 }), full, 1000_00, 6_00, []money.Amount{929_00, 15_00, 50_00}},
		{"limit of the contract", level(func(l *split.Level) { l.Fixed, l.LimitPPM = 10_00, 25_000 }), full, 1000_00, 6_00, []money.Amount{919_00, 25_00, 50_00}},
		{"below the first tier", level(func(l *split.Level) { l.Tiers = tiers }), full, 999_99, 6_00, []money.Amount{924_01, 19_99, 49_99}},
		{"at the first tier", level(func(l *split.Level) { l.Tiers = tiers }), full, 1000_00, 6_00, []money.Amount{929_00, 15_00, 50_00}},
		{"in the second tier", level(func(l *split.Level) { l.Tiers = tiers }), full, 6000_00, 36_00, []money.Amount{5603_00, 61_00, 300_00}},
		{"a rate of the rest", level(func(l *split.Level) { l.OfRest = true }), full, 1000_00, 6_00, []money.Amount{925_12, 18_88, 50_00}},
		{"no more than is left", levels(rate(headOffice, 500_000), rate(region, 499_000)), full, 100_00, 60, []money.Amount{0, 49_40, 50_00}},
		{"a minimum above a small order", level(func(l *split.Level) { l.Min = 50 }), full, 20, 1, []money.Amount{0, 18, 1}},
		{"the rest to head office", with(levels(rate(franchisee, 900_000), rate(partner, 20_000)), func(r *split.Rule) { r.Remainder = headOffice }),
			full, 99, 1, []money.Amount{88, 1, 9}},
		{"the rest to a partner that the order lacks", with(levels(rate(franchisee, 900_000), rate(partner, 20_000)), func(r *split.Rule) { r.Remainder = partner }),
			split.Chain{Member: "A"}, 100, 1, []money.Amount{99, 0, 0}},
	} {
		got, err := test.rule.Split(test.chain, test.amount, test.fee)
		if err != nil || !slices.Equal(got.Parts, test.want) {
			t.Errorf("%s: got %v, %v, want %v", test.name, got.Parts, err, test.want)
		}
	}
}

func TestExplain(t *testing.T) {
	rule := levels(rate(headOffice, 50_000), split.Level{Receiver: region, PPM: 10_000, Cap: 3_00}, split.Level{Receiver: partner, PPM: 20_000, Min: 50, LimitPPM: 300_000})
	scheme, err := rule.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	steps, err := scheme.Explain(split.Chain{Member: "A", Region: "R"}, 1000_01, 6_00)
	want := []split.Step{{Base: 1000_01, PPM: 50_000, ByRate: 50_00, Share: 50_00},
		{Base: 1000_01, PPM: 10_000, ByRate: 10_00, Bound: split.ByCap, Share: 3_00}, {}}
	if err != nil || !slices.Equal(steps, want) {
		t.Errorf("got %+v, %v", steps, err)
	}
}

func drawChain(t *rapid.T) split.Chain {
	return split.Chain{Member: "A", Region: rapid.SampledFrom([]string{"", "R"}).Draw(t, "region"), Partner: rapid.SampledFrom([]string{"", "P"}).Draw(t, "partner")}
}

// anyRule draws a rule of either form, whether it fits every order or not.
func anyRule(t *rapid.T) split.Rule {
	if rapid.IntRange(0, 3).Draw(t, "short form") == 0 {
		return rules(t)
	}
	left := int64(money.PPM)
	r := split.Rule{ID: "R", Version: 1, FeeBearer: rapid.SampledFrom([]split.Party{split.Franchisee, split.HeadOffice, split.Payer}).Draw(t, "bearer")}
	for _, to := range []split.Receiver{headOffice, region, partner, named, franchisee} {
		if rapid.Bool().Draw(t, "skip") {
			continue
		}
		fen := func(name string, most int64) money.Amount {
			return money.Amount(rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, most)).Draw(t, name))
		}
		l := split.Level{Receiver: to, PPM: rapid.Int64Range(0, left).Draw(t, "ppm"), Fixed: fen("fixed", 100), Min: fen("min", 50),
			OfRest: rapid.Bool().Draw(t, "of rest"), LimitPPM: money.PPM}
		if l.Cap = fen("cap", 10_000); l.Cap > 0 {
			l.Cap += l.Min
		}
		if !l.OfRest {
			left -= l.PPM
		}
		r.Levels = append(r.Levels, l)
	}
	return r
}

// Whatever the rule, the shares add up to the order and none is negative; the
// steps tell the same shares.
func TestLevelsConserve(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := amounts().Draw(t, "amount")
		fee := money.Amount(rapid.Int64Range(0, int64(amount)).Draw(t, "fee"))
		scheme, err := anyRule(t).Scheme()
		if err != nil {
			t.Fatal(err)
		}
		chain := drawChain(t)
		s, err := scheme.Split(make([]money.Amount, 0, 20), chain, amount, fee)
		if err != nil {
			if code := fault.CodeOf(err); code != "split.exceeds" && code != "split.overflow" {
				t.Fatal(err)
			}
			return
		}
		if total, err := s.Total(); err != nil || total != amount || lowest(s) < 0 {
			t.Fatalf("%s became %+v: total %s, %v", amount, s, total, err)
		}
		steps, err := scheme.Explain(chain, amount, fee)
		if err != nil {
			t.Fatal(err)
		}
		i := 0
		scheme.Each(func(l split.Level, part int) {
			if part != 0 && part != scheme.RemainderOf(chain) && steps[i].Share != s.Parts[part] {
				t.Fatalf("%s: step %+v, part %s", l, steps[i], s.Parts[part])
			}
			i++
		})
	})
}
