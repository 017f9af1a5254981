package reconcile_test

import (
	"fmt"
	"testing"

	"custody/clearing/reconcile"
)

func TestWhy(t *testing.T) {
	for _, test := range []struct {
		name         string
		ours, theirs reconcile.Trade
		want         string
	}{
		{"a payment and a refund", pay(1, 1, "A", 100, 0), refund(2, 1, "A", "R1", 100, 0), `kind "PAY" "REFUND"`},
		{"a payment and a refund of another order", pay(1, 1, "A", 100, 0), refund(2, 1, "B", "R1", 7, 0), `kind "PAY" "REFUND"`},
		{"another order", pay(1, 1, "A", 100, 0), pay(2, 1, "B", 100, 0), `order_no "A" "B"`},
		{"another order and amount", pay(1, 1, "A", 100, 0), pay(2, 1, "B", 7, 0), `order_no "A" "B"`},
		{"another refund of the order", refund(1, 1, "A", "R1", 100, 0), refund(2, 1, "A", "R2", 7, 0), `refund_no "R1" "R2"`},
		{"the refund of another order", refund(1, 1, "A", "R1", 100, 0), refund(2, 1, "B", "R1", 100, 0), `order_no "A" "B"`},
		{"another amount", pay(1, 1, "A", 100, 0), pay(2, 1, "A", 99, 0), `amount "1.00" "0.99"`},
		{"no number there, another amount", pay(1, 1, "A", 100, 0), pay(2, 1, "", 99, 0), `order_no "A" ""`},
		{"the same", pay(1, 1, "A", 100, 0), pay(2, 1, "A", 100, tomorrow), "order-no"},
		{"no number there, the same amount and day", pay(1, 1, "A", 100, 0), pay(2, 1, "", 100, 5), "amount-day"},
	} {
		rule, failed, ours, theirs := reconcile.Why(test.ours, test.theirs)
		got := rule.String()
		if failed != "" {
			got += fmt.Sprintf("%s %q %q", failed, ours, theirs)
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}
