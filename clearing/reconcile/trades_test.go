package reconcile_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"custody/clearing/reconcile"
	"custody/internal/money"
)

// fee is the contract of the worked days: 0.6 %, half-up, given back on a refund.
func fee(kind reconcile.Kind, amount money.Amount) money.Amount {
	f, err := amount.MulRate(6_000, money.HalfUp)
	if err != nil {
		panic(err)
	}
	if kind == reconcile.Refund {
		return -f
	}
	return f
}

// Rows are written as the tests read best: rows of ours are in file 1, the
// channel's in file 2, the pool's in file 0; the row number is the second value.
func pay(file int64, row int32, orderNo string, amount money.Amount, second int64) reconcile.Trade {
	return reconcile.Trade{Ref: reconcile.Ref{File: file, Row: row}, OrderNo: orderNo, Amount: amount,
		Fee: fee(reconcile.Pay, amount), Time: dayStart + second}
}

func refund(file int64, row int32, orderNo, refundNo string, amount money.Amount, second int64) reconcile.Trade {
	return reconcile.Trade{Ref: reconcile.Ref{File: file, Row: row}, Kind: reconcile.Refund, OrderNo: orderNo,
		RefundNo: refundNo, Amount: amount, Fee: fee(reconcile.Refund, amount), Time: dayStart + second}
}

type trades = []reconcile.Trade

// lines prints a result as a person reads it, so that the tables below do too.
func lines(matches []reconcile.Match, differences []reconcile.Difference) []string {
	var out []string
	for _, m := range matches {
		out = append(out, fmt.Sprintf("%d/%d = %d/%d %s", m.Ours.File, m.Ours.Row, m.Theirs.File, m.Theirs.Row, m.Rule))
		if m.FromPool != (m.Ours.File == 0) {
			out = append(out, "FromPool is wrong")
		}
	}
	at := func(t *reconcile.Trade) string {
		if t == nil {
			return "-"
		}
		return fmt.Sprintf("%d/%d", t.Ref.File, t.Ref.Row)
	}
	for _, d := range differences {
		s := fmt.Sprintf("%s %s %s", d.Kind, at(d.Ours), at(d.Theirs))
		if d.Near != nil {
			s += " near " + at(d.Near)
		}
		if d.Failed != "" {
			s += fmt.Sprintf(": %s %q %q", d.Failed, d.OursValue, d.TheirsValue)
		}
		if d.FromPool {
			s += " from pool"
		}
		out = append(out, s)
	}
	return out
}

const tomorrow = 24 * 3600

// The cases of TestTrades: failures first, then each rule.
var tradeCases = []struct {
	name string
	in   reconcile.Input
	want []string
}{
	{"nothing", reconcile.Input{}, nil},
	{"only ours", reconcile.Input{Ours: trades{pay(1, 1, "A", 100, 0)}},
		[]string{"BANK_MISS 1/1 -"}},
	{"only theirs", reconcile.Input{Theirs: trades{pay(2, 1, "A", 100, 0)}},
		[]string{"PLATFORM_MISS - 2/1"}},
	{"another amount", reconcile.Input{Ours: trades{pay(1, 1, "A", 100_00, 0)}, Theirs: trades{pay(2, 1, "A", 99_99, 0)}},
		[]string{`AMOUNT 1/1 2/1: amount "100.00" "99.99"`}},
	{"another number, same amount: near, but not the same", reconcile.Input{
		Ours: trades{pay(1, 1, "A", 100, 0)}, Theirs: trades{pay(2, 1, "B", 100, 0)}},
		[]string{`BANK_MISS 1/1 - near 2/1: order_no "A" "B"`, `PLATFORM_MISS - 2/1 near 1/1: order_no "A" "B"`}},
	{"near is the nearest in time", reconcile.Input{
		Ours:   trades{pay(1, 1, "A", 100, 1000)},
		Theirs: trades{pay(2, 1, "B", 100, 10), pay(2, 2, "C", 100, 1005), pay(2, 3, "D", 100, 990), pay(2, 4, "E", 99, 1000)}},
		[]string{`BANK_MISS 1/1 - near 2/2: order_no "A" "C"`,
			`PLATFORM_MISS - 2/1 near 1/1: order_no "A" "B"`, `PLATFORM_MISS - 2/2 near 1/1: order_no "A" "C"`,
			`PLATFORM_MISS - 2/3 near 1/1: order_no "A" "D"`, `PLATFORM_MISS - 2/4`}},
	{"matched, another fee", reconcile.Input{Ours: trades{pay(1, 1, "A", 1000_00, 0)}, Theirs: trades{wrongFee()}},
		[]string{"1/1 = 2/1 order-no", `FEE 1/1 2/1: fee "6.00" "6.01"`}},

	{"a row of theirs twice", reconcile.Input{
		Ours: trades{pay(1, 1, "A", 100, 0)}, Theirs: trades{pay(2, 1, "A", 100, 0), pay(2, 2, "A", 100, 0)}},
		[]string{"1/1 = 2/1 order-no", `DUPLICATE_THEIRS - 2/2 near 1/1: partner "" ""`}},
	{"a row of ours twice", reconcile.Input{
		Ours: trades{pay(1, 1, "A", 100, 0), pay(1, 2, "A", 100, 0)}, Theirs: trades{pay(2, 1, "A", 100, 0)}},
		[]string{"1/1 = 2/1 order-no", `DUPLICATE_OURS 1/2 - near 2/1: partner "" ""`}},
	{"twice, and nobody knows it", reconcile.Input{Ours: trades{pay(1, 1, "A", 100, 0), pay(1, 2, "A", 100, 0)},
		Theirs: trades{pay(2, 1, "B", 7, 0), pay(2, 2, "B", 7, 0)}},
		[]string{"BANK_MISS 1/1 -", `DUPLICATE_OURS 1/2 - near 1/1: partner "" ""`,
			"PLATFORM_MISS - 2/1", `DUPLICATE_THEIRS - 2/2 near 2/1: partner "" ""`}},
	{"the equal row of two is the match", reconcile.Input{
		Ours: trades{pay(1, 1, "A", 100, 0)}, Theirs: trades{pay(2, 1, "A", 99, 0), pay(2, 2, "A", 100, 0)}},
		[]string{"1/1 = 2/2 order-no", `DUPLICATE_THEIRS - 2/1 near 1/1: partner "" ""`}},
	{"two of one number, one of them wrong", reconcile.Input{
		Ours:   trades{pay(1, 1, "A", 100, 0), pay(1, 2, "A", 200, 0)},
		Theirs: trades{pay(2, 1, "A", 200, 0), pay(2, 2, "A", 300, 0)}},
		[]string{"1/2 = 2/1 order-no", `AMOUNT 1/1 2/2: amount "1.00" "3.00"`}},
	{"five identical rows", reconcile.Input{
		Ours:   trades{pay(1, 1, "A", 5, 0), pay(1, 2, "A", 5, 0), pay(1, 3, "A", 5, 0), pay(1, 4, "A", 5, 0), pay(1, 5, "A", 5, 0)},
		Theirs: trades{pay(2, 1, "A", 5, 0), pay(2, 2, "A", 5, 0), pay(2, 3, "A", 5, 0), pay(2, 4, "A", 5, 0), pay(2, 5, "A", 5, 0)}},
		[]string{"1/1 = 2/1 order-no", "1/2 = 2/2 order-no", "1/3 = 2/3 order-no", "1/4 = 2/4 order-no", "1/5 = 2/5 order-no"}},

	{"refund by its number", reconcile.Input{
		Ours:   trades{pay(1, 1, "A", 100, 0), refund(1, 2, "A", "R", 100, 9)},
		Theirs: trades{refund(2, 1, "A", "R", 100, 9), pay(2, 2, "A", 100, 0)}},
		[]string{"1/1 = 2/2 order-no", "1/2 = 2/1 refund-no"}},
	{"refund of another order", reconcile.Input{
		Ours: trades{refund(1, 1, "A", "R", 100, 0)}, Theirs: trades{refund(2, 1, "B", "R", 100, 0)}},
		[]string{`NUMBER 1/1 2/1: order_no "A" "B"`}},
	{"refund of another amount", reconcile.Input{
		Ours: trades{refund(1, 1, "A", "R", 100, 0)}, Theirs: trades{refund(2, 1, "A", "R", 90, 0)}},
		[]string{`AMOUNT 1/1 2/1: amount "1.00" "0.90"`}},
	{"refunds that one side has", reconcile.Input{
		Ours: trades{refund(1, 1, "A", "R", 100, 0)}, Theirs: trades{refund(2, 1, "A", "S", 100, 0)}},
		[]string{`REFUND_MISS 1/1 - near 2/1: refund_no "R" "S"`, `REFUND_MISS - 2/1 near 1/1: refund_no "R" "S"`}},
	{"refund whose number the channel leaves out", reconcile.Input{
		Ours: trades{refund(1, 1, "A", "R", 100, 0)}, Theirs: trades{refund(2, 1, "A", "", 100, 0)}},
		[]string{"1/1 = 2/1 order-no"}},
	{"two such refunds, one listed: which?", reconcile.Input{
		Ours:   trades{refund(1, 1, "A", "R", 100, 0), refund(1, 2, "A", "S", 100, 0)},
		Theirs: trades{refund(2, 1, "A", "", 100, 0)}},
		[]string{`REFUND_MISS 1/1 - near 2/1: refund_no "R" ""`, `REFUND_MISS 1/2 - near 2/1: refund_no "S" ""`,
			`REFUND_MISS - 2/1 near 1/1: refund_no "R" ""`}},
	{"refund whose order the channel leaves out, listed twice", reconcile.Input{
		Ours:   trades{refund(1, 1, "A", "R", 100, 0)},
		Theirs: trades{refund(2, 1, "", "R", 90, 0), refund(2, 2, "", "R", 100, 0)}},
		[]string{"1/1 = 2/2 refund-no", `DUPLICATE_THEIRS - 2/1 near 1/1: partner "" ""`}},
	{"payment here, refund there", reconcile.Input{
		Ours: trades{pay(1, 1, "A", 100, 0)}, Theirs: trades{refund(2, 1, "A", "R", 100, 0)}},
		[]string{`DIRECTION 1/1 2/1: kind "PAY" "REFUND"`}},
	{"an order number is no refund number", reconcile.Input{
		Ours: trades{pay(1, 1, "A", 100, 0)}, Theirs: trades{refund(2, 1, "B", "A", 100, 0)}},
		[]string{"BANK_MISS 1/1 -", "REFUND_MISS - 2/1"}},

	{"no number: amount and day", reconcile.Input{
		Ours: trades{pay(1, 1, "A", 100, 0)}, Theirs: trades{pay(2, 1, "", 100, 3600)}},
		[]string{"1/1 = 2/1 amount-day"}},
	{"no number: another day", reconcile.Input{
		Ours: trades{pay(1, 1, "A", 100, 0)}, Theirs: trades{pay(2, 1, "", 100, -1)}},
		[]string{`BANK_MISS 1/1 - near 2/1: count "1" "0"`, `PLATFORM_MISS - 2/1 near 1/1: count "0" "1"`}},
	{"no number: as a set, by time", reconcile.Input{
		Ours:   trades{pay(1, 1, "A", 100, 50), pay(1, 2, "B", 100, 10)},
		Theirs: trades{pay(2, 1, "", 100, 11), pay(2, 2, "", 100, 51)}},
		[]string{"1/1 = 2/2 amount-day", "1/2 = 2/1 amount-day"}},
	{"no number: two of ours, one of theirs, never a guess", reconcile.Input{
		Ours: trades{pay(1, 1, "A", 100, 50), pay(1, 2, "B", 100, 10)}, Theirs: trades{pay(2, 1, "", 100, 10)}},
		[]string{`BANK_MISS 1/1 - near 2/1: count "2" "1"`, `BANK_MISS 1/2 - near 2/1: count "2" "1"`,
			`PLATFORM_MISS - 2/1 near 1/2: count "2" "1"`}},

	{"found in a later bill", reconcile.Input{
		Ours: trades{pay(1, 1, "B", 100, 0)}, Pool: trades{pay(0, 7, "A", 100, -2)},
		Theirs: trades{pay(2, 1, "A", 100, 2), pay(2, 2, "B", 100, 0)}},
		[]string{"0/7 = 2/1 order-no", "1/1 = 2/2 order-no"}},
	{"goes on waiting", reconcile.Input{Pool: trades{pay(0, 7, "A", 100, -2)}, Theirs: trades{pay(2, 1, "", 100, 2)}},
		[]string{`PLATFORM_MISS - 2/1 near 0/7: count "0" "1"`}},
	{"found with another amount", reconcile.Input{
		Pool: trades{pay(0, 7, "A", 100, -2)}, Theirs: trades{pay(2, 1, "A", 90, tomorrow)}},
		[]string{`AMOUNT 0/7 2/1: amount "1.00" "0.90" from pool`}},
	{"waits, and comes again in our own file", reconcile.Input{
		Pool: trades{pay(0, 7, "A", 100, -2)}, Ours: trades{pay(1, 1, "A", 100, -2)}},
		[]string{`DUPLICATE_OURS 1/1 - near 0/7: partner "" ""`}},
}

func wrongFee() reconcile.Trade {
	t := pay(2, 1, "A", 1000_00, 0)
	t.Fee = 6_01
	return t
}

func TestTrades(t *testing.T) {
	for _, test := range tradeCases {
		t.Run(test.name, func(t *testing.T) {
			got := lines(reconcile.Trades(test.in, fee))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// The night phases of the worked days, channel by channel.
func TestTradesOfTheWorkedDays(t *testing.T) {
	// Ours are file 1 (02-12) and 3 (02-13), the bills file 2.
	w4 := pay(1, 4, "W4", 100_00, 86398)
	match := func(in reconcile.Input, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, lines(reconcile.Trades(in, fee))); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
	match(reconcile.Input{
		Ours:   trades{pay(1, 1, "W1", 1000_00, 36300), pay(1, 2, "W2", 200_00, 51600), pay(1, 3, "W3", 100_00, 54600), w4},
		Theirs: trades{pay(2, 1, "W1", 1000_00, 36300), pay(2, 2, "W2", 200_00, 51600), pay(2, 3, "W3", 100_00, 54600)},
	}, "1/1 = 2/1 order-no", "1/2 = 2/2 order-no", "1/3 = 2/3 order-no", "BANK_MISS 1/4 -")
	match(reconcile.Input{
		Ours:   trades{pay(1, 5, "L1", 500_00, 39600), pay(1, 6, "L2", 100_00, 57600), refund(1, 7, "L2", "R1", 100_00, 63000)},
		Theirs: trades{pay(2, 1, "L1", 500_00, 39600), pay(2, 2, "L2", 100_00, 57600), refund(2, 3, "L2", "R1", 100_00, 63000)},
	}, "1/5 = 2/1 order-no", "1/6 = 2/2 order-no", "1/7 = 2/3 refund-no")
	w4.Ref = reconcile.Ref{File: 0, Row: 4}
	match(reconcile.Input{
		Pool: trades{w4},
		Ours: trades{pay(3, 1, "W5", 500_00, 124200), refund(3, 4, "W1", "R2", 200_00, 140400)},
		Theirs: trades{pay(2, 1, "W4", 100_00, 86402), pay(2, 2, "W5", 500_00, 124200), pay(2, 3, "W6", 300_00, 129600),
			refund(2, 4, "W1", "R2", 200_00, 140400)},
	}, "0/4 = 2/1 order-no", "3/1 = 2/2 order-no", "3/4 = 2/4 refund-no", "PLATFORM_MISS - 2/3")
	match(reconcile.Input{
		Ours:   trades{pay(3, 2, "L3", 200_00, 121200), pay(3, 3, "L4", 50_00, 151200)},
		Theirs: trades{pay(2, 1, "L3", 200_00, 121200)},
	}, "3/2 = 2/1 order-no", "BANK_MISS 3/3 -")
}

// crowd draws rows from so few numbers, amounts and times that they collide.
func crowd(t *rapid.T, file int64, label string) trades {
	row := rapid.Custom(func(t *rapid.T) reconcile.Trade {
		return reconcile.Trade{
			Kind:     reconcile.Kind(rapid.IntRange(0, 1).Draw(t, "kind")),
			OrderNo:  rapid.SampledFrom([]string{"", "A", "B", "C"}).Draw(t, "orderNo"),
			RefundNo: rapid.SampledFrom([]string{"", "R", "S"}).Draw(t, "refundNo"),
			Amount:   money.Amount(rapid.IntRange(1, 3).Draw(t, "amount")),
			Time:     dayStart + 40_000*rapid.Int64Range(0, 3).Draw(t, "time"),
		}
	})
	rows := rapid.SliceOfN(row, 0, 12).Draw(t, label)
	for i := range rows {
		rows[i].Ref = reconcile.Ref{File: file, Row: int32(i)}
		if rows[i].Kind == reconcile.Pay {
			rows[i].RefundNo = ""
		}
	}
	return rows
}

func shuffled(rows trades, r *rand.Rand) trades {
	out := append(trades(nil), rows...)
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// Whatever the rows: each stands in one match or one difference and no more, a
// match is of one kind and amount, and the order of the rows changes nothing.
func TestTradesAccountsForEveryRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := reconcile.Input{Pool: crowd(t, 0, "pool"), Ours: crowd(t, 1, "ours"), Theirs: crowd(t, 2, "theirs")}
		matches, differences := reconcile.Trades(in, nil)
		seen := map[reconcile.Ref]int{}
		for _, m := range matches {
			seen[m.Ours]++
			seen[m.Theirs]++
			ours, theirs := find(in, m.Ours), find(in, m.Theirs)
			if ours.Kind != theirs.Kind || ours.Amount != theirs.Amount || m.Rule.String() == "" {
				t.Fatalf("%+v matches %+v by %q", ours, theirs, m.Rule)
			}
		}
		for _, d := range differences {
			for _, side := range []*reconcile.Trade{d.Ours, d.Theirs} {
				if side != nil {
					seen[side.Ref]++
				}
			}
		}
		for _, rows := range []trades{in.Ours, in.Theirs, in.Pool} {
			for _, row := range rows {
				if n := seen[row.Ref]; n > 1 || n == 0 && row.Ref.File != 0 {
					t.Fatalf("row %+v stands in %d results", row, n)
				}
			}
		}
		want := lines(matches, differences)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		again := reconcile.Input{Pool: shuffled(in.Pool, r), Ours: shuffled(in.Ours, r), Theirs: shuffled(in.Theirs, r)}
		if diff := cmp.Diff(want, lines(reconcile.Trades(again, nil))); diff != "" {
			t.Fatalf("another order of rows, another result: -want +got\n%s", diff)
		}
	})
}

func find(in reconcile.Input, ref reconcile.Ref) reconcile.Trade {
	return [][]reconcile.Trade{in.Pool, in.Ours, in.Theirs}[ref.File][ref.Row]
}

// One day with every kind of difference, in a thousand orders of its rows.
func TestTradesInAnyOrder(t *testing.T) {
	in := benchInput(400, true)
	in.Theirs = append(in.Theirs, in.Theirs[3], in.Theirs[3], in.Theirs[9])
	for j := range in.Theirs {
		in.Theirs[j].Ref.Row = int32(j)
	}
	in.Theirs[20].Amount++
	in.Theirs[21].Fee++
	in.Pool = append(in.Pool, in.Ours[:9]...)
	in.Ours = in.Ours[5:]
	for i := range in.Pool {
		in.Pool[i].Ref.File = 0
	}
	want := lines(reconcile.Trades(in, fee))
	r := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		again := reconcile.Input{Pool: shuffled(in.Pool, r), Ours: shuffled(in.Ours, r), Theirs: shuffled(in.Theirs, r)}
		if diff := cmp.Diff(want, lines(reconcile.Trades(again, fee))); diff != "" {
			t.Fatalf("-want +got\n%s", diff)
		}
	}
}
