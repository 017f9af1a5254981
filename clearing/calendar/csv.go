package calendar

import (
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"custody/internal/bizdate"
	"custody/internal/fault"
)

// Kind tells whether a listed day is off or worked.
type Kind string

// The kinds of a day. Work names a make-up day (调休上班) or a bank's own working day.
const (
	Off  Kind = "off"  // 休
	Work Kind = "work" // 班
)

// Day is one line of a calendar file: a day whose kind its weekday does not tell.
type Day struct {
	Date bizdate.Date
	Kind Kind
	Name string // of the holiday, e.g. 春节
}

const (
	// maxBytes holds ten years of 366 lines of at most 250 bytes, 915 kB.
	maxBytes = 1 << 20
	// maxNameRunes holds any holiday's name with a remark.
	maxNameRunes = 60
)

var header = []string{"date", "kind", "name"}

// Parse reads a calendar file: a header "date,kind,name", then one day a line,
// such as "2026-02-14,work,春节". It reads nothing else: a date that does not
// exist, another kind, a day that stands twice are faults (calendar.date,
// .kind, .twice, .name, .header, .csv, .size), all of them returned as a
// fault.List. name is the file's name for these faults.
func Parse(name string, r io.Reader) ([]Day, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return nil, fault.Invalid("calendar.csv").In(name).Because(err)
	}
	if len(raw) > maxBytes {
		return nil, fault.Invalid("calendar.size", maxBytes).In(name)
	}
	text := strings.TrimPrefix(string(raw), "\ufeff") // Excel writes one
	if !utf8.ValidString(text) {
		return nil, fault.Invalid("calendar.encoding").In(name)
	}
	rows := csv.NewReader(strings.NewReader(text))
	rows.FieldsPerRecord = len(header)
	first, err := rows.Read()
	if err != nil || !slices.Equal(first, header) {
		return nil, fault.Invalid("calendar.header").In(name).AtLine(1).Because(err)
	}
	var days []Day
	var faults fault.List
	seen := map[bizdate.Date]int{}
	for {
		fields, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return days, faults.Err()
		}
		if err != nil {
			return nil, append(faults, csvFault(name, err))
		}
		line, _ := rows.FieldPos(0)
		day, f := parseDay(fields)
		if f == nil && seen[day.Date] > 0 {
			f = fault.Invalid("calendar.twice", seen[day.Date]).On("date", fields[0])
		}
		if f != nil {
			faults = append(faults, f.In(name).AtLine(line))
			continue
		}
		seen[day.Date] = line
		days = append(days, day)
	}
}

func parseDay(fields []string) (Day, *fault.Fault) {
	date, err := bizdate.Parse(fields[0])
	if err != nil {
		return Day{}, fault.Invalid("calendar.date").On("date", fields[0])
	}
	kind := Kind(fields[1])
	if kind != Off && kind != Work {
		return Day{}, fault.Invalid("calendar.kind").On("kind", fields[1])
	}
	if utf8.RuneCountInString(fields[2]) > maxNameRunes {
		return Day{}, fault.Invalid("calendar.name", maxNameRunes).On("name", fields[2])
	}
	return Day{Date: date, Kind: kind, Name: fields[2]}, nil
}

func csvFault(name string, err error) *fault.Fault {
	f := fault.Invalid("calendar.csv").In(name).Because(err)
	var at *csv.ParseError
	if errors.As(err, &at) {
		f.AtLine(at.Line)
	}
	return f
}

// Write writes days in the form that [Parse] reads.
func Write(w io.Writer, days []Day) error {
	rows := csv.NewWriter(w)
	if err := rows.Write(header); err != nil {
		return err
	}
	for _, d := range days {
		if err := rows.Write([]string{d.Date.String(), string(d.Kind), d.Name}); err != nil {
			return err
		}
	}
	rows.Flush()
	return rows.Error()
}
