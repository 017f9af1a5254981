package orderfile

import (
	"custody/bankfiles"
	"custody/bankfiles/lines"
	"custody/internal/fault"
	"custody/internal/money"
)

// isWide reports whether a row needs the columns coupon and status.
func isWide(row *bankfiles.Order) bool {
	return row.Coupon.Units != 0 || row.Status != bankfiles.OrderPaid
}

// parseMore reads the columns coupon and status. They speak of plain payments alone.
func (r *reader) parseMore() bool {
	r.row.Coupon, r.row.Status = money.Exact{}, bankfiles.OrderPaid
	plain := string(r.cells[colKind]) == string(bankfiles.Pay)
	ok := true
	if text := r.cells[colCoupon]; len(text) > 0 {
		coupon, fine := lines.Amount(text)
		if !fine || !plain || !fits(coupon, r.row.Amount) {
			ok = r.refuse("orders.coupon", colCoupon)
		}
		r.row.Coupon = coupon
	}
	switch status := bankfiles.OrderStatus(r.cells[colStatus]); {
	case len(status) == 0 || status == "PAID":
	case plain && isStatus(status):
		r.row.Status = status
	default:
		ok = r.refuse("orders.status", colStatus)
	}
	return ok
}

// fits reports whether a coupon pays a part of the amount, and not all of it.
func fits(coupon, amount money.Exact) bool {
	c, err1 := coupon.Rescale(decimals)
	a, err2 := amount.Rescale(decimals)
	return err1 == nil && err2 == nil && c.Units >= 0 && c.Units < a.Units
}

func isStatus(s bankfiles.OrderStatus) bool {
	switch s {
	case bankfiles.OrderReversed, bankfiles.OrderClosed, bankfiles.OrderFailed, bankfiles.OrderUnknown:
		return true
	}
	return false
}

// checkMore holds coupon and status against what Read holds them to.
func checkMore(row *bankfiles.Order) *fault.Fault {
	plain := row.Kind == bankfiles.Pay && !row.Escrow
	switch {
	case !isWide(row):
		return nil
	case row.Coupon.Units != 0 && (!plain || !fits(row.Coupon, row.Amount)):
		return fault.Invalid("orders.coupon")
	case row.Status != bankfiles.OrderPaid && (!plain || !isStatus(row.Status)):
		return fault.Invalid("orders.status")
	}
	return nil
}

// appendMore writes the columns coupon and status.
func appendMore(buf []byte, row *bankfiles.Order) []byte {
	buf = append(buf, ',')
	if row.Coupon.Units != 0 {
		coupon, _ := row.Coupon.Rescale(decimals) // check saw that it is possible
		buf = append(buf, coupon.String()...)
	}
	return append(append(buf, ','), row.Status...)
}
