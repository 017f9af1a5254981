package profile

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"custody/internal/fault"
)

// sampleRows are looked at for the words of the direction.
const sampleRows = 200

// Draft writes a profile for a sample file: the header is the row with the most
// names that any shipped profile knows, and names that none knows go to other.
// The text is a draft: its user completes it. It returns profile.draft where no
// row looks like a header.
func Draft(name string, sample io.Reader) ([]byte, error) {
	s, err := open(name, sample, nil)
	if err != nil {
		return nil, err
	}
	defer s.close()
	known := spellings()
	var d draft
	for n := 0; n < sampleRows && s.next(); n++ {
		d.look(s, known, n < firstRows)
	}
	if err := s.err(); err != nil {
		return nil, err
	}
	if d.score < 3 {
		return nil, fault.Invalid("profile.draft").In(name)
	}
	return d.write(), nil
}

// spellings are all names of the shipped profiles. The first field wins; what
// one bank reads and another passes over is read.
func spellings() map[string]field {
	known := map[string]field{}
	for f := range fieldCount {
		for _, p := range Shipped() {
			for _, name := range p.byField[f] {
				if _, taken := known[name]; !taken {
					known[name] = f
				}
			}
		}
	}
	return known
}

// draft is what a sample shows.
type draft struct {
	score  int
	names  [fieldCount][]string
	at     [fieldCount]int
	sep    string
	debit  []string
	credit []string
}

// look takes a row for the header where it knows more names than the one before.
func (d *draft) look(s source, known map[string]field, maybeHeader bool) {
	for _, sep := range separators {
		cells, folded := foldRow(s, sep)
		score := 0
		for _, cell := range folded {
			if f, ok := known[cell]; ok && f != fOther {
				score++
			}
		}
		if maybeHeader && score > d.score {
			*d = draft{score: score, sep: sep}
			for i, cell := range folded {
				f, ok := known[cell]
				if !ok {
					f = fOther
				}
				if cell != "" {
					d.names[f], d.at[f] = append(d.names[f], strings.TrimSpace(string(clean(cells[i])))), i
				}
			}
			return
		}
	}
	if len(d.names[fDirection]) == 0 {
		return
	}
	cells, _ := foldRow(s, d.sep)
	if i := d.at[fDirection]; i < len(cells) && len(clean(cells[i])) > 0 {
		d.word(string(clean(cells[i])))
	}
}

// word sorts a word of the direction: what is not known for a debit is a credit.
func (d *draft) word(w string) {
	to := &d.credit
	if strings.ContainsAny(w, "借支付往出Dd-") {
		to = &d.debit
	}
	if !slices.Contains(*to, w) && len(*to) < maxNames {
		*to = append(*to, w)
	}
}

func (d *draft) write() []byte {
	var b strings.Builder
	rule := "signed"
	switch {
	case len(d.names[fDebit]) > 0 && len(d.names[fCredit]) > 0:
		rule = "columns"
	case len(d.names[fDirection]) > 0:
		rule = "direction"
	}
	b.WriteString("# 请逐项核对；说明见 docs/formats-profiles.md\n# Check every key; docs/formats-profiles.md explains them.\nname: my-bank\ntitle: \"my bank\"\nseparator: auto\nencoding: auto\nunit: yuan\ncurrency: CNY\ncolumns:\n")
	for i, key := range columnKeys {
		if names := d.names[i]; len(names) > 0 || field(i) == fDate || field(i) == fAmount && rule != "columns" {
			fmt.Fprintf(&b, "  %s: %s\n", key, list(names))
		}
	}
	fmt.Fprintf(&b, "sign:\n  rule: %s\n", rule)
	if rule == "direction" {
		fmt.Fprintf(&b, "  debit: %s\n  credit: %s\n", list(d.debit), list(d.credit))
	}
	b.WriteString("dates: [yyyy-MM-dd HH:mm:ss, yyyy-MM-dd, yyyy/MM/dd, yyyyMMdd HH:mm:ss, yyyyMMdd]\n")
	b.WriteString("labels:\n  account: [账号]\n  opening: [期初余额]\n  closing: [期末余额]\n")
	b.WriteString("totals:\n  rows: [合计, 总计]\n  debit: [借方合计]\n  credit: [贷方合计]\n")
	return []byte(b.String())
}

// columnKeys are the keys of [Columns] in the order of its fields.
var columnKeys = [fieldCount]string{"account", "name", "currency", "date", "time", "value_date", "amount", "debit", "credit",
	"direction", "balance", "reference", "code", "reversal", "counterparty_name", "counterparty_account", "remark", "other"}

func list(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = strconv.Quote(n)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
