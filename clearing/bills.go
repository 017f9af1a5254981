package clearing

import (
	"io"

	"custody/bankfiles"
	"custody/bankfiles/alipay"
	"custody/bankfiles/inspect"
	"custody/bankfiles/wechat"
)

// isBill reports whether a format is a channel's bill.
func isBill(f inspect.Format) bool {
	switch f {
	case inspect.WeChatAll, inspect.AlipayTrade:
		return true
	}
	return false
}

// readBill streams the rows of a channel's bill of any of these formats.
func readBill(a *arrival, src io.Reader, each func(*bankfiles.BillRow) error) (bankfiles.TradeSummary, error) {
	if a.format == inspect.AlipayTrade {
		return alipay.Read(a.name, src, each)
	}
	return wechat.Read(a.name, src, each)
}
