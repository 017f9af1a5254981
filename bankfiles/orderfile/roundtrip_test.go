package orderfile_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"custody/bankfiles"
	"custody/bankfiles/orderfile"
	"custody/internal/fault"
	"custody/internal/money"
)

// orders draws the orders of one day; the index keeps numbers unique.
func orders(t *rapid.T) []bankfiles.Order {
	rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) bankfiles.Order {
		return bankfiles.Order{
			Kind:    rapid.SampledFrom([]bankfiles.TradeKind{bankfiles.Pay, bankfiles.Refund}).Draw(t, "kind"),
			OrderNo: rapid.StringMatching(`[!#-+\--_a-~]{1,40}`).Draw(t, "order"),
			Member:  rapid.StringMatching(`[A-Z0-9]{1,12}`).Draw(t, "member"),
			Channel: rapid.SampledFrom([]string{"WX", "ALI"}).Draw(t, "channel"),
			Amount:  money.Exact{Units: rapid.Int64Range(1, 999_999_999_999).Draw(t, "fen"), Scale: 2, Currency: money.CNY},
			Time:    day.At(0, 0).Add(time.Duration(rapid.IntRange(0, 86399).Draw(t, "second")) * time.Second),
		}
	}), 0, 20).Draw(t, "rows")
	for i := range rows {
		rows[i].Line = i + 3
		rows[i].OrderNo = fmt.Sprintf("%s-%d", rows[i].OrderNo, i)
		if rows[i].Kind == bankfiles.Refund {
			rows[i].RefundNo = "R" + rows[i].OrderNo
		}
	}
	return rows
}

// What the writer wrote, the reader gives back, row by row.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := orders(t)
		var out bytes.Buffer
		if err := orderfile.Write(&out, day, slices.Values(rows)); err != nil {
			t.Fatal(err)
		}
		var back []bankfiles.Order
		sum, err := orderfile.Read("orders.csv", &out, func(row *bankfiles.Order) error {
			back = append(back, *row)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rows, back, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		if sum.Rows != len(rows) || sum.PayRows+sum.RefundRows != sum.Rows {
			t.Fatalf("%d rows, summary %+v", len(rows), sum)
		}
	})
}

// Any one byte of a good file that is changed is noticed, or changes nothing
// that counts: the totals still agree with what the rows then say.
func TestOneDigitChanged(t *testing.T) {
	good := write(t, day0212())
	for i := range good {
		if good[i] < '0' || good[i] > '9' {
			continue
		}
		bad := good[:i] + string('0'+(good[i]-'0'+1)%10) + good[i+1:]
		rows, sum, err := read(t, bad)
		if err != nil {
			continue
		}
		if sum.PayTotal.String() != "2000.00" || sum.RefundTotal.String() != "100.00" || len(rows) != 7 || sum.Date != day {
			t.Errorf("byte %d changed and %+v was read", i, sum)
		}
	}
}

// FuzzRead writes every file that Read accepts and reads it again.
func FuzzRead(f *testing.F) {
	for _, rows := range [][]bankfiles.Order{day0212(), nil} {
		var out bytes.Buffer
		if err := orderfile.Write(&out, day, slices.Values(rows)); err != nil {
			f.Fatal(err)
		}
		f.Add(out.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<20 {
			return
		}
		var rows []bankfiles.Order
		sum, err := orderfile.Read("f", bytes.NewReader(data), func(row *bankfiles.Order) error {
			rows = append(rows, *row)
			return nil
		})
		if err != nil {
			if fault.CodeOf(err) == "internal" {
				t.Fatal(err)
			}
			return
		}
		var out bytes.Buffer
		if err := orderfile.Write(&out, sum.Date, slices.Values(rows)); err != nil {
			t.Fatal(err)
		}
		again, err := orderfile.Read("f", &out, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(sum, again); diff != "" || sum.Rows != len(rows) {
			t.Fatal(diff)
		}
	})
}
