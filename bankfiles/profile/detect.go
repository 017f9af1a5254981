package profile

import (
	"bytes"
	"slices"
	"strings"

	"custody/internal/fault"
)

// firstRows bounds the search for the header: banks print up to 20 rows above
// it, people who save a file again add a few.
const firstRows = 60

// separators that auto tries.
var separators = []string{",", "\t", ";", "|", "\x01", "^"}

// binding is where the columns of a profile stand in a file.
type binding struct {
	at     [fieldCount]int // -1 where a column is not there
	remark []int
	width  int // of the header
	known  int // columns that the profile names
	filled int // columns with a name
	twice  string
	need   []field // those of the sign rule
}

// bind finds the columns by name, wherever they stand.
func (p *Profile) bind(folded []string) *binding {
	b := &binding{width: len(folded)}
	taken := make([]bool, len(folded))
	for f := range fieldCount {
		b.at[f] = -1
		for _, name := range p.byField[f] {
			for i, cell := range folded {
				if cell != name {
					continue
				}
				taken[i] = true
				switch {
				case f == fRemark:
					b.remark = append(b.remark, i)
				case f == fOther:
				case b.at[f] < 0:
					b.at[f] = i
				case folded[b.at[f]] == name:
					b.twice = name
				}
			}
		}
	}
	for i, cell := range folded {
		if cell != "" {
			b.filled++
		}
		if taken[i] {
			b.known++
		}
	}
	switch p.Sign.Rule {
	case "columns":
		b.need = []field{fDate, fDebit, fCredit}
	case "direction":
		b.need = []field{fDate, fAmount, fDirection}
	default:
		b.need = []field{fDate, fAmount}
	}
	return b
}

// complete reports whether rows can be read, and at least half of the columns are known.
func (b *binding) complete() bool {
	for _, f := range b.need {
		if b.at[f] < 0 {
			return false
		}
	}
	return 2*b.known >= b.filled
}

// match is a profile that fits a header.
type match struct {
	p         *Profile
	b         *binding
	separator string
	score     int
}

// kept is a row above the header, cut in every way.
type kept struct {
	number int
	cells  map[string][][]byte
}

// finder looks for the header row of any of its profiles.
type finder struct {
	profiles []*Profile
	above    []kept
	words    strings.Builder // all that stands above, folded
	matches  []match
}

// try looks at one row and keeps it where it is not the header. It reports
// whether the header is found.
func (f *finder) try(s source) bool {
	row := kept{s.number(), map[string][][]byte{}}
	folded := map[string][]string{}
	for _, p := range f.profiles {
		for _, sep := range p.separators() {
			if _, cut := row.cells[sep]; !cut {
				row.cells[sep], folded[sep] = foldRow(s, sep)
			}
			b := p.bind(folded[sep])
			if b.complete() {
				f.matches = append(f.matches, match{p, b, sep, 2 * b.known})
			}
		}
	}
	if len(f.matches) > 0 {
		f.best()
		return true
	}
	f.above = append(f.above, row)
	for _, cells := range folded {
		f.words.WriteString(strings.Join(cells, " "))
		f.words.WriteByte(' ')
		break
	}
	return false
}

func foldRow(s source, sep string) ([][]byte, []string) {
	cells, ok := s.cells(sep)
	if !ok {
		return nil, nil
	}
	copied := make([][]byte, len(cells))
	folded := make([]string, len(cells))
	for i, c := range cells {
		copied[i] = bytes.Clone(c)
		folded[i] = fold(string(clean(c)))
	}
	return copied, folded
}

// best keeps the matches of the highest score. A word of the bank above the
// header counts half a column: it decides between layouts that are alike.
func (f *finder) best() {
	above, top := f.words.String(), 0
	for i := range f.matches {
		m := &f.matches[i]
		for _, mark := range m.p.Marks {
			if strings.Contains(above, fold(mark)) {
				m.score++
				break
			}
		}
		top = max(top, m.score)
	}
	f.matches = slices.DeleteFunc(f.matches, func(m match) bool { return m.score < top })
}

// chosen returns the match, or the fault profile.ambiguous that names all of them.
func (f *finder) chosen() (match, *fault.Fault) {
	names := make([]string, len(f.matches))
	for i, m := range f.matches {
		names[i] = m.p.Name
	}
	names = slices.Compact(names)
	if len(names) > 1 {
		return match{}, fault.Invalid("profile.ambiguous", strings.Join(names, ", "))
	}
	if b := f.matches[0].b; b.twice != "" {
		return match{}, fault.Invalid("profile.twice").On(b.twice, "")
	}
	return f.matches[0], nil
}

func (p *Profile) separators() []string {
	if p.Separator == auto {
		return separators
	}
	return []string{p.Separator}
}

// Detect returns the profile whose column names fit a text best, by the first
// bytes of the file. It returns nil where none fits, and the fault
// profile.ambiguous, which lists them, where several fit equally. A workbook
// cannot be told by its first bytes: [Read] finds its profile.
func Detect(head []byte, profiles []*Profile) (*Profile, error) {
	if bytes.HasPrefix(head, markOLE) || bytes.HasPrefix(head, markZip) {
		return nil, nil
	}
	s, err := open("", bytes.NewReader(head), nil)
	if err != nil {
		return nil, err
	}
	f := &finder{profiles: profiles}
	for n := 0; n < firstRows && s.next(); n++ {
		if f.try(s) {
			m, bad := f.chosen()
			if bad != nil {
				return nil, bad
			}
			return m.p, nil
		}
	}
	return nil, nil
}

// IsWorkbook reports whether the first bytes are those of a spreadsheet, .xlsx
// or the older .xls.
func IsWorkbook(head []byte) bool {
	return bytes.HasPrefix(head, markOLE) || bytes.HasPrefix(head, markZip) &&
		(bytes.Contains(head, []byte("[Content_Types].xml")) || bytes.Contains(head, []byte("xl/workbook")))
}
