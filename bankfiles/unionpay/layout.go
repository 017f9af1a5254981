// Package unionpay reads and writes the settlement files of UnionPay (银联): ZM
// (一般交易), ZME (差错交易) and COMN (收单机构通用流水).
//
// They are lines of fixed widths, counted in bytes of GBK: a name of two
// characters takes four. Amounts are in fen, and where an amount has a sign it
// is the letter before it, C for a credit of the merchant and D for a debit.
// Times have no year; it follows from the settlement date (清算日期), which the
// lines do not carry either: it stands in the file's name or is given.
//
//	sum, err := unionpay.Read("INN26021388ZM_700000000000001", f, unionpay.Options{},
//		func(row *unionpay.Row) error { return book(*row) })
//
// The widths are those of the published interface. Of ZME and COMN only the
// fields in [Row] are named; the meaning of the others is not verified.
package unionpay

import "bytes"

// The names of the formats.
const (
	ZM   = "unionpay-zm"
	ZME  = "unionpay-zme"
	COMN = "unionpay-comn"
)

// role is what a field means to us.
type role int

const (
	roleCode role = iota
	roleAgent
	roleSender
	roleTrace
	roleTime
	roleCard
	roleAmount
	roleMCC
	roleQuery
	roleOrder
	roleOrigTrace
	roleOrigTime
	roleFee
	roleFeeMore // COMN prints what is paid and what is received apart
	roleSettle
	roleMerchant
	roleNet
	roleTerminal
	roleOrigQuery
	roleSubMerchant
	roleSubName
	roleReason
	roleMessage
	roleReference
	roleOrigOrder
	roleCount
)

// names are the fields as UnionPay names them, for faults.
var names = [roleCount]string{"交易代码", "代理机构标识码", "发送机构标识码", "系统跟踪号", "交易传输时间", "账号", "交易金额", "商户类别", "查询流水号",
	"商户订单号", "原始交易系统跟踪号", "原始交易日期时间", "商户手续费", "受理方应收手续费", "结算金额", "商户代码", "清算净额", "终端号", "原交易查询流水号",
	"二级商户代码", "二级商户简称", "差错原因", "报文类型", "检索参考号", "原始交易订单号"}

// field is where a role stands in a line.
type field struct{ from, to int }

// layout is one kind of line.
type layout struct {
	format string
	// least is the length up to the last field that we need: what follows is
	// reserved and differs by version. most is the length of a whole line.
	least, most int
	gaps        []int // places of the spaces between fields
	fields      [roleCount]field
}

// build places fields of the widths behind each other. Where gap is 1 a space
// stands between two fields; where it is 0 the widths contain it.
func build(format string, widths []int, gap int, tail int, at map[role]int) *layout {
	l := &layout{format: format}
	places := make([]field, len(widths))
	pos := 0
	for i, w := range widths {
		places[i] = field{pos, pos + w}
		if i < len(widths)-1 {
			if gap == 0 {
				places[i].to--
			}
			l.gaps = append(l.gaps, places[i].to)
		}
		pos += w + gap
	}
	l.most = pos - gap
	l.least = places[tail].from
	for r, i := range at {
		l.fields[r] = places[i]
	}
	return l
}

// The widths of ZM up to the tail, then the tail of the oldest version, 131
// bytes. Newer ones cut it into 32 + 98 or 32 + 13 + 2 + 1 + 12 + 67: the first
// 32 are then the number of the original order.
var zmLayout = withOrigOrder(build(ZM, []int{3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15, 1, 15,
	32, 13, 13, 8, 32, 13, 13, 12, 2, 1, 131}, 1, 40, map[role]int{
	roleCode: 0, roleAgent: 1, roleSender: 2, roleTrace: 3, roleTime: 4, roleCard: 5, roleAmount: 6, roleMCC: 7, roleQuery: 9, roleOrder: 11,
	roleOrigTrace: 13, roleOrigTime: 14, roleFee: 15, roleSettle: 16, roleOrigQuery: 26, roleMerchant: 27, roleSubMerchant: 29, roleSubName: 30,
	roleNet: 32, roleTerminal: 33}))

var zmeLayout = build(ZME, []int{3, 11, 11, 6, 10, 19, 12, 4, 2, 2, 6, 10, 4, 12, 13, 13, 15, 15, 1, 12, 2, 135}, 1, 21, map[role]int{
	roleCode: 0, roleAgent: 1, roleSender: 2, roleTrace: 3, roleTime: 4, roleCard: 5, roleAmount: 6, roleMCC: 7, roleOrigTrace: 10, roleOrigTime: 11,
	roleReason: 12, roleFee: 14, roleSettle: 15, roleMerchant: 16})

// The widths of COMN contain the space behind each field: together they are 500.
var comnLayout = build(COMN, []int{12, 12, 7, 11, 20, 13, 13, 13, 5, 7, 5, 9, 16, 13, 3, 7, 12, 7, 3, 4, 13, 13, 13, 2, 4, 2, 2, 11, 12, 2, 3, 3, 13, 15,
	20, 3, 41, 4, 132}, 0, 37, map[role]int{
	roleAgent: 0, roleSender: 1, roleTrace: 2, roleTime: 3, roleCard: 4, roleAmount: 5, roleMessage: 8, roleCode: 9, roleMCC: 10, roleTerminal: 11,
	roleMerchant: 12, roleReference: 13, roleOrigTrace: 17, roleFeeMore: 20, roleFee: 21, roleOrigTime: 27, roleOrder: 36})

var layouts = []*layout{zmLayout, comnLayout, zmeLayout}

// origOrder is the width of the original order's number in the tail of ZM.
const origOrder = 32

func withOrigOrder(l *layout) *layout {
	l.fields[roleOrigOrder] = field{l.least, l.least + origOrder}
	return l
}

// longer is how much longer than published a line may be: the widths of the
// newest ZM add up to one byte more than its length.
const longer = 1

// Detect tells a line by its length and by the spaces between its fields. It
// returns "" where it is none of UnionPay's.
func Detect(line []byte) string {
	if l := detect(line); l != nil {
		return l.format
	}
	return ""
}

func detect(line []byte) *layout {
	line = bytes.TrimRight(line, "\r\n")
	for _, l := range layouts {
		if l.fits(line) && l.plain(line) {
			return l
		}
	}
	return nil
}

// fits checks length and spaces.
func (l *layout) fits(line []byte) bool {
	if len(line) < l.least || len(line) > l.most+longer {
		return false
	}
	for _, at := range l.gaps {
		if at < l.least && line[at] != ' ' {
			return false
		}
	}
	return true
}

// plain checks that the amount and the time are digits.
func (l *layout) plain(line []byte) bool {
	return isDigits(l.cut(line, roleAmount)) && isDigits(l.cut(line, roleTime))
}

func isDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// cut returns the bytes of a field, empty where the layout does not have it.
func (l *layout) cut(line []byte, r role) []byte {
	f := l.fields[r]
	return line[min(f.from, len(line)):min(f.to, len(line))]
}
