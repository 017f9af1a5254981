package alipay

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"custody/bankfiles/lines"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// The comment lines of the frame, found by the words in them.
const (
	markAccount = "账号"
	markPeriod  = "起始日期"
	markEnd     = "列表结束"
	markPay     = "交易合计"
	markRefund  = "退款合计"
)

var (
	bracketed = regexp.MustCompile(`\[([^\]]*)\]`)
	moment    = regexp.MustCompile(`^(\d{4})年(\d{2})月(\d{2})日\s*(\d{2}):(\d{2}):(\d{2})$`)
	rowCount  = regexp.MustCompile(`[:：]\s*([0-9.]+)笔`)
	amountOf  = regexp.MustCompile(`([^，,：:]*)共\s*(-?[0-9.]+)元`)
)

// frame reads a comment line. Lines without a known word are for people.
func (r *reader) frame(line []byte) {
	r.framed = true
	text := string(line)
	switch {
	case strings.Contains(text, markEnd):
		r.ended = true
	case strings.Contains(text, markPay):
		r.checkTotal(text, markPay, &r.pay)
	case strings.Contains(text, markRefund):
		r.checkTotal(text, markRefund, &r.refund)
	case strings.Contains(text, markPeriod):
		r.period(text)
	case strings.Contains(text, markAccount):
		m := bracketed.FindStringSubmatch(text)
		if m == nil || !lines.ID([]byte(m[1])) {
			r.Refuse(fault.Invalid("bill.number").On(markAccount, text))
			return
		}
		r.sum.Merchant = m[1]
	}
}

// period reads the bill's day: from its midnight to the next one, or to its
// last second. A bill of a month has no one clearing date and is refused.
func (r *reader) period(text string) {
	m := bracketed.FindAllStringSubmatch(text, -1)
	if len(m) != 2 {
		r.Refuse(fault.Invalid("bill.period").On(markPeriod, text))
		return
	}
	from, okFrom := parseMoment(m[0][1])
	to, okTo := parseMoment(m[1][1])
	day := bizdate.Of(from)
	midnight := day.At(24, 0)
	if !okFrom || !okTo || !from.Equal(day.At(0, 0)) ||
		(!to.Equal(midnight) && !to.Equal(midnight.Add(-time.Second))) {
		r.Refuse(fault.Invalid("bill.period").On(markPeriod, text))
		return
	}
	r.sum.Date = day
}

func parseMoment(s string) (time.Time, bool) {
	m := moment.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return time.Time{}, false
	}
	return lines.Time([]byte(m[1] + "-" + m[2] + "-" + m[3] + " " + m[4] + ":" + m[5] + ":" + m[6]))
}

// checkTotal compares one total of the bill with the rows of its kind.
//
//	#交易合计：6笔，商家实收共0.06元，商家优惠共0.00元
//	#退款合计：4笔，商家实收退款共-0.04元，商家优惠退款共0.00元
func (r *reader) checkTotal(text, mark string, s *side) {
	count := rowCount.FindStringSubmatch(text)
	amounts := amountOf.FindAllStringSubmatch(text, -1)
	if count == nil || len(amounts) == 0 {
		if r.Unended() {
			r.Refuse(fault.Invalid("bill.cut", r.sum.Rows))
			return
		}
		r.Refuse(fault.Invalid("bill.total_form").On(mark, text))
		return
	}
	s.seen = true
	if !r.OK() {
		return
	}
	if n, ok := lines.Count([]byte(count[1])); !ok || n != s.rows {
		r.Refuse(fault.Invalid("bill.count", count[1], strconv.Itoa(s.rows)).On(mark, count[1]))
	}
	for _, a := range amounts {
		switch name := strings.TrimSpace(a[1]); {
		case strings.HasPrefix(name, "商家实收"):
			r.compare(mark+" "+name, a[2], s.received)
		case strings.HasPrefix(name, "商家优惠") && r.column != nil && r.column[colDiscount] >= 0:
			r.compare(mark+" "+name, a[2], s.discount)
		}
	}
}

func (r *reader) compare(field, text string, want money.Exact) {
	if total, ok := lines.Total([]byte(text)); !ok || !total.Equal(want) {
		r.Refuse(fault.Invalid("bill.total", text, want.String()).On(field, text))
	}
}
