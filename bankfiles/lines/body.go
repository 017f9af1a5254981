package lines

import (
	"bytes"
	"regexp"
	"strings"

	"custody/internal/fault"
)

// maxBody is the longest error body looked at; a channel's is under 1 KiB.
const maxBody = 4 << 10

// maxWords is how much of a channel's words is shown, in characters.
const maxWords = 80

// noBill are the words by which a channel says that a day had no trade:
// WeChat's interfaces v2 and v3, Alipay's, and NO_BILL by itself.
var noBill = []string{
	"NO BILL EXIST", "NO_BILL", "NO_STATEMENT_EXIST", "STATEMENT_NOT_EXIST", "BILL_NOT_EXIST", "BILL NOT EXIST",
}

// message finds what a channel's answer says, in XML with or without CDATA or
// in JSON.
var message = regexp.MustCompile(
	`(?s)<(?:return_msg|err_code_des|sub_msg|msg)>\s*(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?\s*</` +
		`|"(?:sub_msg|message|msg)"\s*:\s*"([^"]*)"`)

// ErrorBody returns the start of the file where it is an answer of a channel's
// interface in XML, JSON or the bare word, saved in the place of a bill. Call it before Next.
func (r *Reader) ErrorBody() ([]byte, bool) {
	head, _ := r.src.Peek(maxBody)
	for bytes.HasPrefix(head, bom) {
		head = head[len(bom):]
	}
	head = bytes.TrimSpace(head)
	bare := len(head) < 64 && saysNoBill(head)
	return head, bare || len(head) > 0 && (head[0] == '<' || head[0] == '{')
}

func saysNoBill(body []byte) bool {
	upper := bytes.ToUpper(body)
	for _, words := range noBill {
		if bytes.Contains(upper, []byte(words)) {
			return true
		}
	}
	return false
}

// Refusal is the fault of an error body: bill.none where the channel had no
// trade that day, bill.refused with the channel's words where it would not give the bill.
func Refusal(name string, body []byte) error {
	if saysNoBill(body) {
		return fault.Invalid("bill.none").In(name)
	}
	words := string(body)
	if m := message.FindSubmatch(body); m != nil {
		words = string(m[1]) + string(m[2])
	}
	words = strings.ToValidUTF8(words, "\uFFFD")
	if runes := []rune(words); len(runes) > maxWords {
		words = string(runes[:maxWords])
	}
	return fault.Invalid("bill.refused", words).In(name).AtLine(1).On("", words)
}
