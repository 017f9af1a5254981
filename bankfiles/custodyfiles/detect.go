package custodyfiles

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"custody/bankfiles/lines"
)

// Detect tells a file by its first lines, or returns "". CZ and TX share a
// layout: a file is TX where its first row is a withdrawal. A file of only a
// first line of counts is of no known kind.
func Detect(head []byte) string {
	rows := firstLines(head)
	if len(rows) == 0 {
		return ""
	}
	switch first := rows[0]; {
	case strings.HasPrefix(first, "H|balance|"):
		return HTBalance
	case strings.HasPrefix(first, "H|settle|"):
		return HTSettle
	case strings.Contains(first, etx):
		return detectOrders(rows)
	case strings.Contains(first, ampersand) || len(rows) > 1 && strings.Contains(rows[1], ampersand):
		return detectRows(rows)
	}
	return ""
}

// firstLines decodes the first two lines.
func firstLines(head []byte) (out []string) {
	for _, line := range bytes.SplitN(head, []byte{'\n'}, 3) {
		text := bytes.TrimRight(line, "\r")
		if !utf8.Valid(text) {
			if decoded, ok := lines.AppendGBK(nil, text); ok {
				text = decoded
			}
		}
		if out = append(out, string(text)); len(out) == 2 {
			break
		}
	}
	return out
}

func detectOrders(rows []string) string {
	if len(rows) < 2 || strings.Count(rows[0], etx) != 1 {
		return ""
	}
	switch strings.Count(rows[1], etx) + 1 {
	case len(orderColumns):
		return Order616
	case len(orderColumns) + 2:
		return Result616
	}
	return ""
}

// detectRows tells the files of rows with a trailing separator by the number
// of their columns.
func detectRows(rows []string) string {
	first := strings.Split(strings.TrimSpace(rows[0]), ampersand)
	if first[len(first)-1] != "" || len(first) == 1 {
		return detectCounted(first, rows)
	}
	n := len(first) - 1
	if !digits(first[0]) {
		return ""
	}
	switch {
	case n == 4 && len(rows) > 1 && strings.Count(rows[1], ampersand) == 15:
		return CRJ
	case n == 4 || n == 5:
		return YE
	case n == 13 || n == 12:
		if strings.Contains(first[n-2], "提现") || strings.Contains(first[n-3], "提现") {
			return TX
		}
		return CZ
	case n == 16:
		return JY
	case n == 1:
		return detectCounted(first[:1], rows)
	}
	return ""
}

// detectCounted tells the files whose first line is a count.
func detectCounted(first, rows []string) string {
	if !digits(first[0]) || len(rows) < 2 {
		return ""
	}
	row := strings.Split(rows[1], ampersand)
	switch {
	case len(first) == 4 && len(row) == 16:
		return CRJ
	case len(first) > 1:
		return ""
	case len(row) == 10:
		return KXH
	case len(row) == 8:
		return TieOuts
	case len(row) == 11 && strings.Contains(row[3], "."):
		return CustDzFail
	case len(row) == 11:
		return CustDz
	}
	return ""
}

func digits(s string) bool {
	s = strings.TrimSpace(s)
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}
