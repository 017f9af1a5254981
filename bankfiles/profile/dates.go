package profile

import (
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"custody/internal/bizdate"
	"custody/internal/fault"
)

// layout is one way to write a day, a time or both.
type layout struct {
	go_     string
	hasYear bool
	hasDay  bool
	hasTime bool
	fixed   bool // every number has all its digits
}

// plain reads a cell of exactly the layout: digits where the layout has digits,
// its signs elsewhere. Package time takes three times as long; it decides on all
// that is not plain, such as a fraction of a second.
func (l *layout) plain(cell string) (moment, bool) {
	if !l.fixed || !l.hasYear || len(cell) != len(l.go_) {
		return moment{}, false
	}
	var year, month, day, hour, minute, second int
	for i := 0; i < len(cell); {
		to, n := (*int)(nil), 2
		switch l.go_[i:min(i+2, len(l.go_))] {
		case "20":
			to, n = &year, 4
		case "01":
			to = &month
		case "02":
			to = &day
		case "15":
			to = &hour
		case "04":
			to = &minute
		case "05":
			to = &second
		default:
			if cell[i] != l.go_[i] {
				return moment{}, false
			}
			i++
			continue
		}
		for _, c := range []byte(cell[i : i+n]) {
			if c < '0' || c > '9' {
				return moment{}, false
			}
			*to = 10**to + int(c-'0')
		}
		i += n
	}
	m := moment{day: bizdate.New(year, time.Month(month), day)}
	if m.day.IsZero() || year < 1900 || hour > 23 || minute > 59 || second > 59 {
		return moment{}, false
	}
	if l.hasTime {
		m.time = m.day.At(hour, minute).Add(time.Duration(second) * time.Second)
	}
	return m, true
}

// fits is a quick look before the slow one: a refusal of package time costs ten
// times as much. Only a fraction of a second may follow.
func (l *layout) fits(cell string) bool {
	return !l.fixed || len(cell) == len(l.go_) || len(cell) > len(l.go_) && l.hasTime && cell[len(l.go_)] == '.'
}

var tokens = strings.NewReplacer("yyyy", "2006", "MM", "01", "dd", "02", "HH", "15", "mm", "04", "ss", "05", "M", "1", "d", "2", "H", "15")

// compileDates turns yyyy-MM-dd into the layouts of package time. Day before
// month and month before day cannot both be right.
func (p *Profile) compileDates() *fault.Fault {
	if len(p.Dates) == 0 {
		p.Dates = []string{"yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd", "yyyy/MM/dd HH:mm:ss", "yyyy/MM/dd", "yyyy/M/d", "yyyyMMdd", "yyyyMMdd HH:mm:ss", "yyyyMMddHHmmss", "yyyy年MM月dd日"}
	}
	if len(p.Dates) > maxNames {
		return fault.Invalid("profile.columns", maxNames).On("dates", "")
	}
	dayFirst, monthFirst := false, false
	for _, text := range p.Dates {
		plain := strings.NewReplacer("yyyy", "", "MM", "", "dd", "", "HH", "", "mm", "", "ss", "", "M", "", "d", "", "H", "").Replace(text)
		l := layout{go_: tokens.Replace(text), hasYear: strings.Contains(text, "yyyy"), hasTime: strings.Contains(text, "H")}
		month, day := strings.Index(text, "M"), strings.Index(text, "d")
		l.hasDay = month >= 0 && day >= 0
		rest := strings.NewReplacer("yyyy", "", "MM", "", "dd", "", "HH", "").Replace(text)
		l.fixed = !strings.ContainsAny(rest, "MdH")
		if strings.ContainsAny(plain, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSUVWXYZ_") || (month >= 0) != (day >= 0) || !l.hasDay && !l.hasTime || l.hasYear && !l.hasDay {
			return fault.Invalid("profile.layout").On("dates", text)
		}
		if l.hasDay && !strings.HasPrefix(text, "yyyy") {
			dayFirst, monthFirst = dayFirst || day < month, monthFirst || month < day
		}
		p.layouts = append(p.layouts, l)
	}
	if dayFirst && monthFirst {
		return fault.Invalid("profile.day_or_month").On("dates", strings.Join(p.Dates, ", "))
	}
	return nil
}

// moment is what a cell says of a day and its time.
type moment struct {
	day  bizdate.Date
	time time.Time // zero where the cell has none
}

// moment reads a cell. near gives the year to a layout without one; a sheet
// holds days as numbers, of the calendar of 1900 or 1904.
func (p *Profile) moment(cell string, near bizdate.Date, s sheetDates) (moment, bool) {
	for i := range p.layouts {
		l := &p.layouts[i]
		if !l.hasDay || !l.fits(cell) {
			continue
		}
		if m, ok := l.plain(cell); ok {
			return m, true
		}
		t, err := time.ParseInLocation(l.go_, cell, bizdate.Zone)
		if err != nil || l.hasYear && t.Year() < 1900 {
			continue
		}
		if !l.hasYear {
			if near.IsZero() {
				continue
			}
			t = nearest(t, near)
		}
		m := moment{day: bizdate.Of(t)}
		if l.hasTime {
			m.time = t
		}
		return m, true
	}
	return s.moment(cell)
}

// nearest gives a month and day the year that brings it closest to a day.
func nearest(t time.Time, near bizdate.Date) time.Time {
	best, distance := t, -1
	for year := near.Year() - 1; year <= near.Year()+1; year++ {
		day := bizdate.New(year, t.Month(), t.Day())
		if day.IsZero() {
			continue // 29 February
		}
		n := near.DaysUntil(day)
		if n = max(n, -n); distance < 0 || n < distance {
			best, distance = day.At(t.Hour(), t.Minute()).Add(time.Duration(t.Second())*time.Second), n
		}
	}
	return best
}

// clock reads a cell that holds a time alone, 15:24:03 or 152403.
func (p *Profile) clock(day bizdate.Date, cell string, s sheetDates) (time.Time, bool) {
	for _, l := range p.layouts {
		if l.hasDay {
			continue
		}
		if t, err := time.Parse(l.go_, cell); err == nil {
			return day.At(t.Hour(), t.Minute()).Add(time.Duration(t.Second()) * time.Second), true
		}
	}
	for _, form := range [...]string{"15:04:05", "150405", "15:04"} {
		if t, err := time.Parse(form, cell); err == nil {
			return day.At(t.Hour(), t.Minute()).Add(time.Duration(t.Second()) * time.Second), true
		}
	}
	if m, ok := p.moment(cell, day, s); ok && !m.time.IsZero() && m.day == day {
		return m.time, true
	}
	if s != noSheet && strings.HasPrefix(cell, "0.") && len(cell) < 24 {
		if d, err := decimal.NewFromString(cell); err == nil {
			return day.At(0, 0).Add(seconds(d)), true
		}
	}
	return time.Time{}, false
}

// sheetDates is where the days of a sheet are counted from.
type sheetDates bizdate.Date

// The calendars of spreadsheets; text has none.
const (
	noSheet  sheetDates = 0
	from1900 sheetDates = 18991230
	from1904 sheetDates = 19040101
)

// moment reads 46054.5: noon of a day. Numbers of five digits are 1927 to 2173.
func (s sheetDates) moment(cell string) (moment, bool) {
	if t, err := time.ParseInLocation("2006-01-02T15:04:05", cell, bizdate.Zone); err == nil && s != noSheet { // Excel 2003
		return moment{day: bizdate.Of(t), time: t}, true
	}
	whole, _, _ := strings.Cut(cell, ".")
	if s == noSheet || len(whole) != 5 || len(cell) > 24 || strings.Trim(cell, "0123456789.") != "" {
		return moment{}, false
	}
	d, err := decimal.NewFromString(cell)
	if err != nil {
		return moment{}, false
	}
	days := d.IntPart()
	m := moment{day: bizdate.Date(s).AddDays(int(days))}
	if rest := d.Sub(decimal.NewFromInt(days)); !rest.IsZero() {
		m.time = m.day.At(0, 0).Add(seconds(rest))
		m.day = bizdate.Of(m.time)
	}
	return m, true
}

// seconds of a fraction of a day.
func seconds(fraction decimal.Decimal) time.Duration {
	const day = 24 * 60 * 60
	return time.Duration(fraction.Mul(decimal.NewFromInt(day)).Round(0).IntPart()) * time.Second
}
