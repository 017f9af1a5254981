package clearing_test

import (
	"strings"
	"testing"
)

// TestEscrowFee: a confirmed order bears the channel's fee by the rule by which an
// ordinary one of the same amount bears it: fixed part, minimum and cap.
func TestEscrowFee(t *testing.T) {
	for rule, c := range map[string]struct{ amount, fee, shares string }{
		`fee_fixed: "0.10"`: {"100.00", "0.70", "92.30"},
		`fee_min: "2.00"`:   {"100.00", "2.00", "91.00"},
		`fee_cap: "0.50"`:   {"100.00", "0.50", "92.50"},
	} {
		t.Run(rule, func(t *testing.T) {
			channel := strings.Replace(wechatChannel, "fee_ppm: 6000", "fee_ppm: 6000, "+rule, 1)
			s := newScene(t, append(escrowConfig, wechatChannel, channel)...)
			s.bank("2026-02-12")
			s.dropOrders("2026-02-12", held("S1", "WX", c.amount, "02-12 10:00:00"), payOrder("N1", "B", "WX", c.amount, "02-12 11:00:00"))
			s.bill("WX", "2026-02-12", pay("S1", c.amount, c.fee, "02-12 10:00:00"), pay("N1", c.amount, c.fee, "02-12 11:00:00"))
			s.bill("ALI", "2026-02-12")
			s.play("2026-02-12", 0)
			s.wantOpen()
			s.want(map[string]string{"2002.B": c.shares, "2501.WX.0212": c.fee})
			s.must(s.engine.ShipEscrow(s.ctx, "maker1", "S1", "SF1", 0))
			s.must(s.engine.ConfirmEscrow(s.ctx, "maker1", "S1"))
			s.want(map[string]string{"2002.A": c.shares, "2002.B": c.shares})
			s.quietBank("2026-02-13")
			s.wantOpen()
		})
	}
}
