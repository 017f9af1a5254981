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
// A family joins by one line in the table formats. What none of them knows may be
// the export of a bank that a shipped profile describes.
package inspect

import (
	"bytes"
	"io"
	"regexp"

	"golang.org/x/text/encoding/simplifiedchinese"

	"custody/bankfiles/alipay"
	"custody/bankfiles/bai2"
	"custody/bankfiles/camt"
	"custody/bankfiles/feed"
	"custody/bankfiles/lines"
	"custody/bankfiles/mt940"
	"custody/bankfiles/ofx"
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
	Camt054      Format = "camt.054"       // notification of entries (收付款通知)
	MT940        Format = mt940.Customer   // SWIFT statement at the end of the day
	MT942        Format = mt940.Interim    // SWIFT report during the day
	MT950        Format = mt940.Bank       // SWIFT statement between banks
	BAI2         Format = bai2.Format      // report of American banks
	OFX          Format = ofx.Format       // statement for accounting programs, also QFX
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
	{Camt053, isXMLWith("BkToCstmrStmt"), reportStatements(camt.Read)},
	{Camt052, isXMLWith("BkToCstmrAcctRpt"), reportStatements(camt.Read)},
	{Camt054, isXMLWith("BkToCstmrDbtCdtNtfctn"), reportStatements(camt.Read)},
	{NoBill, isNoBill, reportNoBill},
	{WeChatAll, hasColumns("交易时间", "微信订单号", "商户订单号"), reportWeChat},
	{AlipayTrade, hasColumns("支付宝交易号", "商户订单号", "业务类型"), reportAlipay},
	{OFX, hasOFX, reportStatements(ofx.Read)},
	{BAI2, beginsBAI2, reportStatements(bai2.Read)},
	{MT942, isMT(mt940.Interim), reportStatements(mt940.Read)},
	{MT950, isMT(mt940.Bank), reportStatements(mt940.Read)},
	{MT940, isMT(mt940.Customer), reportStatements(mt940.Read)},
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
	for _, table := range [...][]format{channelFormats, formats, custodyFormats, instructFormats} {
		for i := range table {
			if table[i].sniff(head) {
				return &table[i]
			}
		}
	}
	return profileFormat(head)
}

// trim takes off byte order marks (some tools write two), leading white space
// and the second byte of UTF-16.
func trim(head []byte) []byte {
	if _, wide := feed.UTF16Order(head); wide {
		head, _ = io.ReadAll(feed.Plain(bytes.NewReader(head))) // of bytes in memory
	}
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

// fieldsOfMT are the fields of SWIFT statements at the start of a line; :20:
// and :21: are those of payments, too.
var fieldsOfMT = regexp.MustCompile(`(?:^|[\r\n\x00-\x20]|\{4:|@@):(?:25P?|28C?|60[FM]?|61|62[FM]?|34F|90[CD]):`)

var (
	typeOfMT   = regexp.MustCompile(`(?:\{2:[IO]?|(?:^|[\r\n]):?)(940|942|950)[^\r\n]{0,80}`)
	balanceMT  = regexp.MustCompile(`(?:[\r\n]|@@)\s*:6[02][FM]?:`)
	intradayMT = regexp.MustCompile(`(?:[\r\n]|@@)\s*:(?:34F|13D?|90[CD]):`)
)

// isMT tells SWIFT statements: by the type that an envelope or the line before
// the message names, else an intraday report by its own fields.
func isMT(kind string) func([]byte) bool {
	return func(head []byte) bool {
		if !fieldsOfMT.Match(head) {
			return false
		}
		named := typeOfMT.FindSubmatch(head)
		switch {
		case named != nil:
			return "mt"+string(named[1]) == kind
		case intradayMT.Match(head) && !balanceMT.Match(head):
			return kind == mt940.Interim
		}
		return kind == mt940.Customer
	}
}

// recordsOfBAI2 are a file header, its group and its account, a group without
// the file or an account without the group.
var recordsOfBAI2 = regexp.MustCompile(`(?:^|[\r\n])(?:01,[^\r\n]*[/\r\n]\s*02,|02,[^\r\n]*[/\r\n]\s*03,|03,[^\r\n]*[/\r\n]\s*(?:16|88|49),)`)

func beginsBAI2(head []byte) bool { return recordsOfBAI2.Match(head) }

// headOfOFX is the header of version 1 or 2, or the root of a file without one.
var headOfOFX = regexp.MustCompile(`(?i)^\s*OFXHEADER\s*:|<\?OFX\s|<(?:\w+:)?OFX[\s>]`)

func hasOFX(head []byte) bool { return headOfOFX.Match(head) }

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
