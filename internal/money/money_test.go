package money_test

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"custody/internal/money"
)

// fens prefers the edges of an int64 and amounts near zero.
func fens() *rapid.Generator[int64] {
	return rapid.OneOf(rapid.Int64(), rapid.Int64Range(-200, 200),
		rapid.Int64Range(math.MinInt64, math.MinInt64+10), rapid.Int64Range(math.MaxInt64-10, math.MaxInt64))
}

// check compares a result with the same sum in big numbers: equal where that
// fits into an int64, ErrOverflow where it does not.
func check(t *rapid.T, got money.Amount, err error, want *big.Int) {
	t.Helper()
	if !want.IsInt64() {
		if !errors.Is(err, money.ErrOverflow) {
			t.Fatalf("got %d, %v, want an overflow of %s", got, err, want)
		}
		return
	}
	if err != nil || int64(got) != want.Int64() {
		t.Fatalf("got %d, %v, want %s", got, err, want)
	}
}

func TestAddSubSumAreExactOrOverflow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := fens().Draw(t, "a"), fens().Draw(t, "b")
		x, y := big.NewInt(a), big.NewInt(b)
		sum, err := money.Amount(a).Add(money.Amount(b))
		check(t, sum, err, new(big.Int).Add(x, y))
		difference, err := money.Amount(a).Sub(money.Amount(b))
		check(t, difference, err, new(big.Int).Sub(x, y))
		two, err := money.Sum(money.Amount(a), money.Amount(b))
		check(t, two, err, new(big.Int).Add(x, y))
	})
}

// rounded is |n|/d rounded down, or half up, with the sign of n.
func rounded(n *big.Int, d int64, r money.Rounding) *big.Int {
	q := new(big.Int).Abs(n)
	if r == money.HalfUp {
		q.Add(q, big.NewInt(d/2))
	}
	q.Quo(q, big.NewInt(d))
	if n.Sign() < 0 {
		q.Neg(q)
	}
	return q
}

func TestMulRateIsExactOrOverflow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := fens().Draw(t, "a")
		rate := rapid.OneOf(rapid.Int64Range(-2*money.PPM, 2*money.PPM), fens()).Draw(t, "ppm")
		r := rapid.SampledFrom([]money.Rounding{money.Floor, money.HalfUp}).Draw(t, "rounding")
		want := rounded(new(big.Int).Mul(big.NewInt(a), big.NewInt(rate)), money.PPM, r)
		got, err := money.Amount(a).MulRate(rate, r)
		if a == math.MinInt64 || rate == math.MinInt64 {
			// Refused whole: -2^63 has no absolute value. It is 92 quadrillion yuan.
			if !errors.Is(err, money.ErrOverflow) {
				t.Fatalf("got %d, %v", got, err)
			}
			return
		}
		if want.Cmp(big.NewInt(math.MinInt64)) == 0 {
			want = new(big.Int).Sub(want, big.NewInt(1)) // refused likewise
		}
		check(t, got, err, want)
	})
}

func TestMulRateByHand(t *testing.T) {
	for _, c := range []struct {
		fen, ppm    int64
		floor, half money.Amount
	}{
		{10_000, 6_000, 60, 60}, // 0.6 % of 100.00
		{83, 6_000, 0, 0},       // 0.498
		{84, 6_000, 0, 1},       // 0.504
		{250, 6_000, 1, 2},      // 1.5: half goes up
		{-250, 6_000, -1, -2},   // and away from zero
		{250, -6_000, -1, -2},
		{-250, -6_000, 1, 2},
		{1, 499_999, 0, 0},
		{1, 500_000, 0, 1},
	} {
		floor, err1 := money.Amount(c.fen).MulRate(c.ppm, money.Floor)
		half, err2 := money.Amount(c.fen).MulRate(c.ppm, money.HalfUp)
		if floor != c.floor || half != c.half || err1 != nil || err2 != nil {
			t.Errorf("%d x %d ppm: got %d and %d, want %d and %d", c.fen, c.ppm, floor, half, c.floor, c.half)
		}
	}
}

// TestMulRateRoundsUpIntoAnOverflow: the product is 2^64 x 1,000,000 - 1, whose
// quotient rounds up to 2^64, zero in 64 bits.
func TestMulRateRoundsUpIntoAnOverflow(t *testing.T) {
	const side = 1000 << 32
	if got, err := money.Amount(side-1).MulRate(side+1, money.HalfUp); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("got %d, %v", got, err)
	}
}

func TestParseExactRefuses(t *testing.T) {
	for _, c := range []struct {
		in   string
		want error
	}{
		{"", money.ErrSyntax},
		{"-", money.ErrSyntax},
		{"+", money.ErrSyntax},
		{".", money.ErrSyntax},
		{".50", money.ErrSyntax},
		{"1.", money.ErrSyntax},
		{"1.2.3", money.ErrSyntax},
		{"--1", money.ErrSyntax},
		{"1-", money.ErrSyntax},
		{" 1", money.ErrSyntax},
		{"1 ", money.ErrSyntax},
		{"1,000.00", money.ErrSyntax},
		{"1e3", money.ErrSyntax},
		{"0x1", money.ErrSyntax},
		{"¥1", money.ErrSyntax},
		{"１.００", money.ErrSyntax}, // full-width digits
		{"NaN", money.ErrSyntax},
		{"1/2", money.ErrSyntax}, // the neighbours of the digits in ASCII
		{"1:2", money.ErrSyntax},
		{"0." + strings.Repeat("0", 19), money.ErrSyntax},
		{"9223372036854775808", money.ErrOverflow},
		{"92233720368547758.08", money.ErrOverflow},
		{strings.Repeat("9", 1000), money.ErrOverflow},
	} {
		if got, err := money.ParseExact(c.in, money.CNY); !errors.Is(err, c.want) {
			t.Errorf("%q: got %v, %v, want %v", c.in, got, err, c.want)
		}
	}
}

func TestParseYuan(t *testing.T) {
	for _, c := range []struct {
		in   string
		want money.Amount
		err  error
	}{
		{"1.005", 0, money.ErrNotWholeFen},
		{"92233720368547759", 0, money.ErrOverflow},
		{"12,30", 0, money.ErrSyntax},
		{"12.30", 1230, nil},
		{"12.3", 1230, nil},
		{"12", 1200, nil},
		{"-0.01", -1, nil},
		{"+0.01", 1, nil},
		{"1.0050000", 0, money.ErrNotWholeFen},
		{"1.0100000", 101, nil},
		{"007", 700, nil},
		{"92233720368547758.07", math.MaxInt64, nil},
	} {
		if got, err := money.ParseYuan(c.in); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%q: got %d, %v, want %d, %v", c.in, got, err, c.want, c.err)
		}
	}
}

func exacts() *rapid.Generator[money.Exact] {
	return rapid.Custom(func(t *rapid.T) money.Exact {
		// -2^63 is written but never read: its digits do not fit without the sign.
		units := fens().Filter(func(v int64) bool { return v != math.MinInt64 }).Draw(t, "units")
		return money.Exact{Units: units, Scale: uint8(rapid.IntRange(0, 18).Draw(t, "scale")), Currency: money.CNY}
	})
}

func TestExactRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := exacts().Draw(t, "x")
		got, err := money.ParseExact(x.String(), money.CNY)
		if err != nil || got != x {
			t.Fatalf("%s: got %+v, %v, want %+v", x, got, err, x)
		}
	})
}

func FuzzParseExact(f *testing.F) {
	for _, s := range []string{"0.60000", "-1.5", "+7", "9223372036854775807", "0.000000000000000001", "1,000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		x, err := money.ParseExact(s, money.CNY)
		if err != nil {
			return
		}
		again, err := money.ParseExact(x.String(), money.CNY)
		if err != nil || again != x {
			t.Errorf("%q: %+v is written as %s and read as %+v, %v", s, x, x, again, err)
		}
	})
}

// value is x as a big rational.
func value(x money.Exact) *big.Rat {
	return new(big.Rat).SetFrac(big.NewInt(x.Units), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(x.Scale)), nil))
}

func TestRoundFenAndFenAgainstBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := exacts().Draw(t, "x")
		fen := new(big.Rat).Mul(value(x), big.NewRat(100, 1))
		// Half away from zero: floor(|2n| + d) / 2d.
		twice := new(big.Int).Mul(new(big.Int).Abs(fen.Num()), big.NewInt(2))
		want := twice.Add(twice, fen.Denom()).Quo(twice, new(big.Int).Mul(fen.Denom(), big.NewInt(2)))
		if fen.Sign() < 0 {
			want.Neg(want)
		}
		got, err := x.RoundFen()
		check(t, got, err, want)
		got, err = x.Fen()
		if !fen.IsInt() {
			if !errors.Is(err, money.ErrNotWholeFen) {
				t.Fatalf("%s: got %d, %v, want not whole fen", x, got, err)
			}
			return
		}
		check(t, got, err, fen.Num())
	})
}

// TestRoundFenAtTheEnd: the largest number of thousandths still rounds.
func TestRoundFenAtTheEnd(t *testing.T) {
	for _, c := range []struct {
		units int64
		want  money.Amount
	}{{math.MaxInt64, 922337203685477581}, {-math.MaxInt64, -922337203685477581}, {math.MinInt64, -922337203685477581}} {
		if got, err := (money.Exact{Units: c.units, Scale: 3}).RoundFen(); got != c.want || err != nil {
			t.Errorf("%d thousandths: got %d, %v, want %d", c.units, got, err, c.want)
		}
	}
}

func TestExactAddAndEqualAgainstBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := exacts().Draw(t, "x"), exacts().Draw(t, "y")
		if rapid.Bool().Draw(t, "same value, other scale") {
			y = x
			for y.Scale < 18 && y.Units < math.MaxInt64/10 && y.Units > math.MinInt64/10 {
				y.Units *= 10
				y.Scale++
			}
		}
		if got, want := x.Equal(y), value(x).Cmp(value(y)) == 0; got != want {
			t.Fatalf("%s equal %s: got %v", x, y, got)
		}
		sum, err := x.Add(y)
		if err != nil {
			if !errors.Is(err, money.ErrOverflow) {
				t.Fatal(err)
			}
			return
		}
		if want := new(big.Rat).Add(value(x), value(y)); value(sum).Cmp(want) != 0 {
			t.Fatalf("%s + %s: got %s", x, y, sum)
		}
	})
}

func TestOtherCurrencies(t *testing.T) {
	usd := money.Exact{Units: 100, Scale: 2, Currency: "USD"}
	none := money.Exact{Units: 100, Scale: 2}
	_, fen := usd.Fen()
	_, round := usd.RoundFen()
	_, add := usd.Add(money.FromFen(100))
	for what, err := range map[string]error{"Fen": fen, "RoundFen": round, "Add": add} {
		if !errors.Is(err, money.ErrNotCNY) {
			t.Errorf("%s of USD: got %v", what, err)
		}
	}
	if usd.Equal(money.FromFen(100)) {
		t.Error("1 USD equals 1 CNY")
	}
	if got, err := none.Fen(); got != 100 || err != nil {
		t.Errorf("without a currency: got %d, %v", got, err)
	}
	if sum, err := none.Add(usd); err != nil || sum.Currency != "USD" || sum.Units != 200 {
		t.Errorf("none + USD: got %+v, %v", sum, err)
	}
}

func TestStringAndGrouped(t *testing.T) {
	for _, c := range []struct {
		fen             money.Amount
		string, grouped string
	}{
		{0, "0.00", "0.00"},
		{-5, "-0.05", "-0.05"},
		{99_999, "999.99", "999.99"},
		{100_000, "1000.00", "1,000.00"},
		{-123_456_789, "-1234567.89", "-1,234,567.89"},
		{math.MaxInt64, "92233720368547758.07", "92,233,720,368,547,758.07"},
		{math.MinInt64, "-92233720368547758.08", "-92,233,720,368,547,758.08"},
	} {
		if c.fen.String() != c.string || c.fen.Grouped() != c.grouped {
			t.Errorf("got %s and %s, want %s and %s", c.fen, c.fen.Grouped(), c.string, c.grouped)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a := money.Amount(fens().Draw(t, "a"))
		if got, err := money.ParseYuan(a.String()); a != math.MinInt64 && (got != a || err != nil) {
			t.Fatalf("%s: got %d, %v", a, got, err)
		}
	})
}
