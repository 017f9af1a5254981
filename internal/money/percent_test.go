package money_test

import (
	"testing"

	"custody/internal/money"
)

func TestPercent(t *testing.T) {
	for in, want := range map[int64]string{0: "0%", 1: "0.0001%", 6000: "0.6%", 50000: "5%", 123456: "12.3456%", 1000000: "100%"} {
		if got := money.Percent(in); got != want {
			t.Errorf("%d: got %q, want %q", in, got, want)
		}
	}
}
