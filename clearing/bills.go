package clearing

import (
	"errors"
	"io"

	"custody/bankfiles"
	"custody/bankfiles/alipay"
	"custody/bankfiles/cardsettle"
	"custody/bankfiles/inspect"
	"custody/bankfiles/lines"
	"custody/bankfiles/unionpay"
	"custody/bankfiles/wechat"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// isBill reports whether a format is a channel's bill. A user's profile is one
// where a channel names it as its bill.
func (e *Engine) isBill(f inspect.Format) bool {
	switch f {
	case inspect.WeChatAll, inspect.AlipayTrade, inspect.UnionPayZM, inspect.UnionPayZME, inspect.UnionPayCOMN, inspect.CardSettle:
		return true
	}
	if isProfile(f) {
		for _, ch := range e.Config.Channels {
			if ch.Bill == string(f) {
				return true
			}
		}
	}
	return false
}

// readBill streams the rows of a channel's bill of any of these formats. Every
// row is a payment or a refund: one that is neither refuses the file.
func (e *Engine) readBill(a *arrival, src io.Reader, each func(*bankfiles.BillRow) error) (bankfiles.TradeSummary, error) {
	switch a.format {
	case inspect.WeChatAll:
		return wechat.Read(a.name, src, each)
	case inspect.AlipayTrade:
		return alipay.Read(a.name, src, each)
	case inspect.UnionPayZM, inspect.UnionPayZME, inspect.UnionPayCOMN:
		return readUnionPay(a, src, each)
	case inspect.CardSettle:
		return readCards(a, src, each)
	}
	p, err := e.profileNamed(string(a.format))
	if err != nil {
		return bankfiles.TradeSummary{}, err
	}
	return p.ReadTrades(a.name, src, each)
}

// readUnionPay reads a settlement file of UnionPay. Its rows have no year and its
// lines no day: the settlement date stands in its name.
func readUnionPay(a *arrival, src io.Reader, each func(*bankfiles.BillRow) error) (bankfiles.TradeSummary, error) {
	var settle bizdate.Date
	for _, name := range []string{a.entry, a.name} {
		if settle.IsZero() {
			settle = unionpay.SettleDate(name)
		}
	}
	if settle.IsZero() {
		settle = a.onlyNameDate()
	}
	return unionpay.Read(a.name, src, unionpay.Options{Settle: settle}, func(r *unionpay.Row) error {
		if r.Kind == "" {
			return fault.Invalid("bill.kind").In(a.name).AtLine(r.Line).On("交易代码", r.Code)
		}
		if each == nil {
			return nil
		}
		row := bankfiles.BillRow{Line: r.Line, Kind: r.Kind, OrderNo: r.OrderNo, ChannelNo: r.QueryNo, Amount: r.Amount, Fee: r.Fee, Time: r.Time, Status: r.Code}
		if r.Kind == bankfiles.Refund {
			row.RefundNo, row.OrderNo = r.OrderNo, r.OrigOrderNo
		}
		return each(&row)
	})
}

// readCards reads the settlement of prepaid telecom cards (11888): a card debited
// is a payment of its face value, of which the operator keeps its share, and a
// reversal gives both back. The operator's number names the reversal.
func readCards(a *arrival, src io.Reader, each func(*bankfiles.BillRow) error) (bankfiles.TradeSummary, error) {
	sum := bankfiles.TradeSummary{Format: cardsettle.Format, Encoding: lines.UTF8}
	var pay, refund, fee money.Amount
	head, err := cardsettle.Read(a.name, src, func(r *cardsettle.Row) error {
		row := bankfiles.BillRow{Line: r.Line, Kind: bankfiles.Pay, OrderNo: r.Serial, ChannelNo: r.Operator, Amount: money.FromFen(r.Face),
			Fee: money.FromFen(r.Share), Time: r.Time, Status: string(r.Kind)}
		to, share := &pay, r.Share
		if r.Kind == cardsettle.Reversal {
			row.Kind, row.RefundNo, row.Fee, to, share = bankfiles.Refund, r.Operator, row.Fee.Neg(), &refund, -r.Share
			sum.RefundRows++
		} else {
			sum.PayRows++
		}
		var e1, e2 error
		*to, e1 = to.Add(r.Face)
		fee, e2 = fee.Add(share)
		if err := errors.Join(e1, e2); err != nil {
			return fault.Invalid("file.fen").In(a.name).AtLine(r.Line).Because(err)
		}
		if each == nil {
			return nil
		}
		return each(&row)
	})
	sum.Merchant, sum.Date, sum.Rows = head.Operator, head.Date, head.Rows
	sum.PayTotal, sum.RefundTotal, sum.FeeTotal = money.FromFen(pay), money.FromFen(refund), money.FromFen(fee)
	return sum, err
}

// channelOf finds the channel whose bill this is: by the format, and by the
// merchant number where both carry one.
func (e *Engine) channelOf(a *arrival, sum bankfiles.TradeSummary) string {
	for _, ch := range e.Config.Channels {
		if ch.Bill == string(a.format) && (sum.Merchant == "" || ch.Merchant == "" || ch.Merchant == sum.Merchant) {
			return ch.Code
		}
	}
	return ""
}
