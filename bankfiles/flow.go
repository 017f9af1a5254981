package bankfiles

import (
	"time"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// Flow is one movement of the account that a channel keeps for its merchant
// (资金流水, 账务明细), with the balance behind it.
type Flow struct {
	Line       int
	No         string // 资金流水单号 / 账务流水号: the channel's number of the movement
	BusinessNo string // 微信支付业务单号 / 业务流水号: of what caused it
	OrderNo    string // 业务凭证号 / 商户订单号
	Business   string // 业务名称 / 业务类型
	Party      string // 对方账号; empty where the channel names none
	Time       time.Time
	Amount     money.Exact // signed: 收入 positive, 支出 negative
	Balance    money.Exact // 账户结余 / 账户余额 after the movement
	Remark     string
}

// FlowSummary is what a file of movements adds up to.
type FlowSummary struct {
	Format   string
	Account  string // 账号 where the file names it
	Encoding string
	From, To bizdate.Date
	Rows     int
	InRows   int
	OutRows  int
	InTotal  money.Exact
	OutTotal money.Exact // positive
	// Opening and Closing follow from the balances of the rows; nil without rows.
	Opening, Closing *money.Exact
	// Balanced is whether each balance follows from the one before it, in the
	// file's order or backwards; nil without rows.
	Balanced *bool
	// Gap is the first row where it does not (flow.gap). For booking it is an
	// error, for a look at the file a warning.
	Gap *fault.Fault
}

// FlowChain follows the balances of a file of movements, row by row. The zero
// value is ready. Channels print the oldest row first or last; both are taken.
type FlowChain struct {
	first, last    Flow
	rows           int
	upBad, downBad bool
	gapUp, gapDown int // lines
}

// Add takes the next row. It returns money.ErrOverflow where a balance cannot be computed.
func (c *FlowChain) Add(f *Flow) error {
	if c.rows++; c.rows == 1 {
		c.first, c.last = *f, *f
		return nil
	}
	up, err := c.last.Balance.Add(f.Amount)
	if err != nil {
		return err
	}
	down, err := f.Balance.Add(c.last.Amount)
	if err != nil {
		return err
	}
	if !c.upBad && !up.Equal(f.Balance) {
		c.upBad, c.gapUp = true, f.Line
	}
	if !c.downBad && !down.Equal(c.last.Balance) {
		c.downBad, c.gapDown = true, f.Line
	}
	c.last = *f
	return nil
}

// Finish fills Opening, Closing, Balanced and Gap.
func (c *FlowChain) Finish(name string, s *FlowSummary) error {
	if c.rows == 0 {
		return nil
	}
	oldest, newest := c.first, c.last
	balanced := !c.upBad || !c.downBad
	backwards := c.upBad && !c.downBad
	if c.upBad && c.downBad {
		// The order that held longer is the file's.
		backwards = c.gapDown > c.gapUp
		s.Gap = fault.Invalid("flow.gap").In(name).AtLine(max(c.gapUp, c.gapDown))
	}
	if backwards {
		oldest, newest = newest, oldest
	}
	opening, err := oldest.Balance.Add(oldest.Amount.Neg())
	if err != nil {
		return err
	}
	closing := newest.Balance
	s.Opening, s.Closing, s.Balanced = &opening, &closing, &balanced
	return nil
}
