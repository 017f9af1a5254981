package clearing_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"custody/bankfiles"
	"custody/clearing/flows"
)

// TestArchivedMarks: what an order file said of a payment beside its amount moves
// with its day, and a late refund of an order with a coupon still finds it there.
func TestArchivedMarks(t *testing.T) {
	onSQLite(t)
	s := newScene(t)
	s.night("2026-02-11", nil, nil, bankLine{"K11", "02-11 09:10:00", "300.00", "示例连锁总部有限公司", "1100999900001111222", "", "自有资金"})
	s.act("E0b", flows.Allocation{Reference: "A1", Marketing: 300_00})
	s.night("2026-02-12", []bankfiles.Order{withCoupon(payOrder("N1", "A", "WX", "1000.00", "02-12 10:00:00"), "20.00"),
		withStatus(payOrder("N2", "A", "WX", "7.00", "02-12 11:00:00"), bankfiles.OrderClosed)}, []bankfiles.BillRow{pay("N1", "980.00", "5.88", "02-12 10:00:00")})
	if n := s.rows("main.order_marks"); n != 2 {
		t.Fatalf("%d marks", n)
	}
	seal := s.archive("2026-02-12")
	if n := s.rows("main.order_marks"); n != 0 {
		t.Errorf("%d marks were left", n)
	}
	var moved int
	file, err := sql.Open("sqlite3", "file:"+filepath.Join(s.home, "archive", seal.File)+"?mode=ro&immutable=1")
	if err == nil {
		err = file.QueryRow("SELECT COUNT(*) FROM order_marks").Scan(&moved)
	}
	if err != nil || moved != 2 || file.Close() != nil {
		t.Errorf("%d marks moved, %v", moved, err)
	}
	// The order that was closed is paid late, and the one with the coupon goes back.
	s.night("2026-02-13", []bankfiles.Order{refundOf("N1", "R1", "A", "WX", "980.00", "02-13 10:00:00")},
		[]bankfiles.BillRow{refunded("N1", "R1", "980.00", "5.88", "02-13 10:00:00"), pay("N2", "7.00", "0.04", "02-13 09:00:00")})
	s.wantOpen("LATE_PAID N2 OPEN")
	s.want(map[string]string{"2303": "300.00", "2002.A": "0.00", "2402.N2": "7.00"})
}
