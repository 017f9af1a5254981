package inspect

import (
	"io"

	"custody/bankfiles"
	"custody/bankfiles/alipay"
	"custody/bankfiles/orderfile"
	"custody/bankfiles/payfile"
	"custody/bankfiles/wechat"
)

const utf8Name = "utf-8"

func reportOrders(f *file) error {
	f.Version = orderfile.Version
	return trade(f, orderfile.Read)
}

func reportWeChat(f *file) error { return trade(f, wechat.Read) }
func reportAlipay(f *file) error { return trade(f, alipay.Read) }

// trade reports on orders or on a bill: both carry totals, which the reader checks.
func trade[Row any](f *file, read func(string, io.Reader, func(*Row) error) (bankfiles.TradeSummary, error)) error {
	rows := 0
	sum, err := read(f.File, f.src, func(*Row) error {
		rows++
		return nil
	})
	f.Rows, f.Encoding = max(rows, sum.Rows), sum.Encoding
	if err == nil {
		f.agree(true)
	}
	return err
}

// reportNoBill: the answer is complete; there are no rows and no totals.
func reportNoBill(f *file) error {
	f.Encoding = utf8Name
	return nil
}

func reportPayout(f *file) error {
	got, err := payfile.ReadPayout(f.File, f.src)
	if err == nil {
		f.sealed(len(got.Items))
	}
	return err
}

func reportResult(f *file) error {
	got, err := payfile.ReadResult(f.File, f.src)
	if err == nil {
		f.sealed(len(got.Items))
	}
	return err
}

func reportBalances(f *file) error {
	got, err := payfile.ReadBalance(f.File, f.src)
	if err == nil {
		f.sealed(len(got.Items))
	}
	return err
}

func reportInstructions(f *file) error {
	got, err := payfile.ReadInstruct(f.File, f.src)
	if err == nil {
		f.sealed(len(got.Items))
	}
	return err
}

// sealed is a payout, result, balance or instruction file that holds.
func (f *file) sealed(rows int) {
	f.Encoding, f.Rows = utf8Name, rows
	f.agree(true)
}
