// Package bizdate holds business dates: calendar days without a time or a zone.
//
// An accounting date (会计日), a clearing date (清算日期) and a value date (起息日) are
// such days. A moment is a time.Time; it becomes a Date only through [Of], in
// the zone of the books, which is UTC+8 without daylight saving.
package bizdate

import (
	"database/sql/driver"
	"fmt"
	"strings"
	"time"
)

// Zone is the zone of the books, UTC+8 (Asia/Shanghai since 1991).
var Zone = time.FixedZone("CST", 8*3600)

// Date is a day as the decimal number yyyymmdd, so that it sorts and reads
// well in a database column. The zero Date means "none".
type Date int32

// New returns the date. A day that does not exist gives the zero Date.
func New(year int, month time.Month, day int) Date {
	t := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	if t.Year() != year || t.Month() != month || t.Day() != day {
		return 0
	}
	return fromTime(t)
}

func fromTime(t time.Time) Date {
	y, m, d := t.Date()
	return Date(y*10000 + int(m)*100 + d)
}

// Of returns the day of the moment in the zone of the books.
func Of(t time.Time) Date { return fromTime(t.In(Zone)) }

// Parse reads 2026-02-12 or 20260212. It refuses days that do not exist.
func Parse(s string) (Date, error) {
	layout := "2006-01-02"
	if len(s) == 8 && !strings.Contains(s, "-") {
		layout = "20060102"
	}
	t, err := time.Parse(layout, s)
	if err != nil || t.Year() < 1900 || t.Year() > 9999 {
		return 0, fmt.Errorf("bizdate: %q is not a date", s)
	}
	return fromTime(t), nil
}

// MustParse is Parse for constants in tests; it panics on a bad date.
func MustParse(s string) Date {
	d, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return d
}

// IsZero reports whether there is no date.
func (d Date) IsZero() bool { return d == 0 }

// Year returns the year.
func (d Date) Year() int { return int(d) / 10000 }

// String returns 2026-02-12, or "" for the zero Date.
func (d Date) String() string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", int(d)/10000, int(d)/100%100, int(d)%100)
}

// Compact returns 20260212, or "" for the zero Date.
func (d Date) Compact() string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf("%08d", int(d))
}

// AddDays returns the date n natural days later.
func (d Date) AddDays(n int) Date {
	return fromTime(d.utc().AddDate(0, 0, n))
}

// DaysUntil returns how many natural days lie from d to other.
func (d Date) DaysUntil(other Date) int {
	return int(other.utc().Sub(d.utc()) / (24 * time.Hour))
}

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

// At returns the moment hour:minute of the day in the zone of the books;
// hour 24 is midnight at its end.
func (d Date) At(hour, minute int) time.Time {
	return time.Date(d.Year(), time.Month(int(d)/100%100), int(d)%100, hour, minute, 0, 0, Zone)
}

func (d Date) utc() time.Time {
	return time.Date(d.Year(), time.Month(int(d)/100%100), int(d)%100, 0, 0, 0, 0, time.UTC)
}

// MarshalText writes 2026-02-12.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Date) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = 0
		return nil
	}
	var err error
	*d, err = Parse(string(b))
	return err
}

// Value stores the date as its number.
func (d Date) Value() (driver.Value, error) { return int64(d), nil }

// Scan reads a number written by Value; NULL is the zero Date. A number that is
// no day means a damaged row and is an error.
func (d *Date) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*d = 0
	case int64:
		*d = New(int(v/10000), time.Month(v/100%100), int(v%100))
		if int64(*d) != v {
			return fmt.Errorf("bizdate: %d is not a date", v)
		}
	default:
		return fmt.Errorf("bizdate: cannot scan %T", src)
	}
	return nil
}
