// Package inspect answers the first question about any file: what is this?
//
// Names lie: a statement arrives as .txt, a bill as .dat, and last week's file
// under today's name. So a file is told by its first bytes, then read by the
// reader of its family, and what that found is put into one [Report], whatever
// the family. Nothing is booked.
//
//	report, err := inspect.File("wx.csv", f, say)
//	if report.Refused() { ... }
//
// A family joins by one line in the table formats.
package inspect

import (
	"bytes"
	"regexp"

	"golang.org/x/text/encoding/simplifiedchinese"

	"custody/bankfiles/alipay"
	"custody/bankfiles/lines"
	"custody/bankfiles/orderfile"
	"custody/bankfiles/wechat"
	"custody/internal/fault"
)

// Format is the name of a file format, as printed and as --format takes it.
type Format string

// The formats.
const (
	Orders       Format = orderfile.Format // head office's order file (订单文件)
	WeChatAll    Format = wechat.Format    // WeChat Pay trade bill (微信交易账单)
	AlipayTrade  Format = alipay.Format    // Alipay trade bill (支付宝业务明细)
	NoBill       Format = "no-bill"        // a channel's answer that there is no bill
	Camt053      Format = "camt.053"       // statement at the end of the day (对账单)
	Camt052      Format = "camt.052"       // report during the day (当日明细)
	Payout       Format = "payout"         // payout batch (出款批次文件)
	PayoutResult Format = "payout-result"  // the bank's answer to it (回盘文件)
	Balances     Format = "subaccount-balance"
	Instruct     Format = "instruct" // sub-account instructions (分户指令文件)
	Unknown      Format = "unknown"
)

// HeadBytes is how much of a file Detect wants to see: a statement's envelope
// may be long, all other formats show themselves within the first lines.
const HeadBytes = 16 << 10

// format is one line of the table: how a format is told and how it is read.
type format struct {
	name   Format
	sniff  func(head []byte) bool
	report func(*file) error
}

// formats in the order in which they are tried. The first match wins, so the
// ones with an unmistakable first line come first.
var formats = []format{
	{Payout, begins("H|PAYOUT|"), reportPayout},
	{PayoutResult, begins("H|RESULT|"), reportResult},
	{Balances, begins("H|BALANCE|"), reportBalances},
	{Instruct, begins("H|INSTRUCT|"), reportInstructions},
	{Orders, begins("ORDERS,"), reportOrders},
	{Camt053, isXMLWith("BkToCstmrStmt"), reportStatements},
	{Camt052, isXMLWith("BkToCstmrAcctRpt"), reportStatements},
	{NoBill, isNoBill, reportNoBill},
	{WeChatAll, hasColumns("交易时间", "微信订单号", "商户订单号"), reportWeChat},
	{AlipayTrade, hasColumns("支付宝交易号", "商户订单号", "业务类型"), reportAlipay},
}

// Detect tells a file by its first bytes; [HeadBytes] are enough.
func Detect(head []byte) Format {
	if f := detect(head); f != nil {
		return f.name
	}
	return Unknown
}

func detect(head []byte) *format {
	head = trim(head)
	for i := range formats {
		if formats[i].sniff(head) {
			return &formats[i]
		}
	}
	return nil
}

// trim takes off byte order marks (some tools write two) and leading white space.
func trim(head []byte) []byte {
	for bytes.HasPrefix(head, []byte("\xEF\xBB\xBF")) {
		head = head[3:]
	}
	return bytes.TrimLeft(head, " \t\r\n")
}

// begins tells a format by its first characters.
func begins(mark string) func([]byte) bool {
	return func(head []byte) bool { return bytes.HasPrefix(head, []byte(mark)) }
}

// isXMLWith tells an XML message by the element that names it, in any envelope
// and with any prefix.
func isXMLWith(element string) func([]byte) bool {
	tag := regexp.MustCompile(`<(?:[A-Za-z_][\w.-]*:)?` + element + `[\s/>]`)
	return func(head []byte) bool { return bytes.HasPrefix(head, []byte("<")) && tag.Match(head) }
}

// firstLines bounds the search for the column names of a bill: people who save
// a bill again add a title or two.
const firstLines = 30

// words are column names in the two encodings of a bill.
type words [2][][]byte

func inBothEncodings(names ...string) (w words) {
	gbk := simplifiedchinese.GB18030.NewEncoder()
	for _, name := range names {
		w[0] = append(w[0], []byte(name))
		coded, err := gbk.Bytes([]byte(name))
		if err != nil {
			panic(err) // the names are constants of this file
		}
		w[1] = append(w[1], coded)
	}
	return w
}

// hasColumns tells a bill by the names of its columns: one of the first lines
// holds all of them.
func hasColumns(names ...string) func([]byte) bool {
	coded := inBothEncodings(names...)
	return func(head []byte) bool {
		for i, line := range bytes.SplitN(head, []byte{'\n'}, firstLines+1) {
			if i < firstLines && (containsAll(line, coded[0]) || containsAll(line, coded[1])) {
				return true
			}
		}
		return false
	}
}

func containsAll(line []byte, words [][]byte) bool {
	for _, w := range words {
		if !bytes.Contains(line, w) {
			return false
		}
	}
	return true
}

// longestAnswer in bytes: a channel's answer is under 1 KiB, and a bill in
// which a shopper wrote the same words is not an answer.
const longestAnswer = 4 << 10

// isNoBill tells the answers in which a channel says that a day has no bill:
// an XML or JSON body, or the bare words.
func isNoBill(head []byte) bool {
	const bare = 64
	if len(head) == 0 || len(head) > longestAnswer || head[0] != '<' && head[0] != '{' && len(head) > bare {
		return false
	}
	return fault.CodeOf(lines.Refusal("", head)) == "bill.none"
}
