package routes_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"custody/clearing/calendar"
	"custody/clearing/routes"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

const yuan = 100

func day(s string) bizdate.Date { return bizdate.MustParse(s) }

// table is an example: own bank first, then real-time, then batched, then large
// values in the hours of counters.
var table = []routes.Rail{
	{Code: routes.Own, Effective: day("2026-01-01"), Needs: routes.CNAPS, Banks: []string{"307", "示例银行"}},
	{Code: routes.SIB, Effective: day("2026-01-01"), PerItem: 50_000 * yuan, Needs: routes.Either},
	{Code: routes.SIB, Effective: day("2026-03-01"), PerItem: 100_000 * yuan, Needs: routes.Either},
	{Code: routes.BEP, Effective: day("2026-01-01"), PerItem: 1_000_000 * yuan, Needs: routes.CNAPS, WorkingDays: true},
	{Code: routes.HVP, Effective: day("2026-01-01"), AtLeast: 50_000 * yuan, WorkingDays: true, From: 8*60 + 30, To: 17 * 60, Fee: 1050, Needs: routes.CNAPS},
}

func cal(t interface{ Fatal(...any) }) *calendar.Calendar {
	c, err := calendar.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestChoose names for every rail why it was taken or not.
func TestChoose(t *testing.T) {
	elsewhere := routes.Payee{Bank: "某银行", CNAPS: "102100099996"}
	for _, c := range []struct {
		name   string
		amount money.Amount
		day    string
		hour   int
		payee  routes.Payee
		rail   routes.Code
		why    []string
	}{
		{"own bank by its number", yuan, "2026-02-13", 13, routes.Payee{CNAPS: "307584000000"}, routes.Own,
			[]string{"OWN routes.chosen", "SIB routes.behind", "BEP routes.behind", "HVP routes.behind"}},
		{"own bank by its name", yuan, "2026-02-13", 13, routes.Payee{Bank: "示例银行", CNAPS: "102100099996"}, routes.Own,
			[]string{"OWN routes.chosen", "SIB routes.behind", "BEP routes.behind", "HVP routes.behind"}},
		{"small", 50_000 * yuan, "2026-02-13", 13, elsewhere, routes.SIB,
			[]string{"OWN routes.bank", "SIB routes.chosen", "BEP routes.behind", "HVP routes.behind"}},
		{"a fen above its limit", 50_000*yuan + 1, "2026-02-13", 13, elsewhere, routes.BEP,
			[]string{"OWN routes.bank", "SIB routes.limit", "BEP routes.chosen", "HVP routes.behind"}},
		{"a limit raised from a day on", 50_000*yuan + 1, "2026-03-02", 13, elsewhere, routes.SIB,
			[]string{"OWN routes.bank", "SIB routes.chosen", "BEP routes.behind", "HVP routes.behind"}},
		{"large", 2_000_000 * yuan, "2026-02-13", 13, elsewhere, routes.HVP,
			[]string{"OWN routes.bank", "SIB routes.limit", "BEP routes.limit", "HVP routes.chosen"}},
		{"large on a make-up Saturday", 2_000_000 * yuan, "2026-02-14", 13, elsewhere, routes.HVP,
			[]string{"OWN routes.bank", "SIB routes.limit", "BEP routes.limit", "HVP routes.chosen"}},
		{"large on a holiday", 2_000_000 * yuan, "2026-02-17", 13, elsewhere, "",
			[]string{"OWN routes.bank", "SIB routes.limit", "BEP routes.limit", "HVP routes.holiday"}},
		{"large after hours", 2_000_000 * yuan, "2026-02-13", 17, elsewhere, "",
			[]string{"OWN routes.bank", "SIB routes.limit", "BEP routes.limit", "HVP routes.hours"}},
		{"small on a holiday", yuan, "2026-02-17", 3, elsewhere, routes.SIB,
			[]string{"OWN routes.bank", "SIB routes.chosen", "BEP routes.behind", "HVP routes.behind"}},
		{"super bank number alone, above its rail", 60_000 * yuan, "2026-02-13", 13, routes.Payee{SuperBank: "102100"}, "",
			[]string{"OWN routes.bank", "SIB routes.limit", "BEP routes.number", "HVP routes.number"}},
		{"no number at all", yuan, "2026-02-13", 13, routes.Payee{Bank: "某银行"}, "",
			[]string{"OWN routes.bank", "SIB routes.number", "BEP routes.number", "HVP routes.least"}},
		{"before any rail", yuan, "2025-12-31", 13, elsewhere, "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := routes.Choose(table, c.amount, day(c.day).At(c.hour, 0), cal(t), c.payee)
			if want := map[bool]string{true: "routes.none"}[c.rail == ""]; fault.CodeOf(err) != want {
				t.Errorf("got %v, want %q", err, want)
			}
			var why []string
			for _, v := range got.Verdicts {
				why = append(why, string(v.Rail)+" "+v.Reason)
			}
			if diff := cmp.Diff(c.why, why); got.Rail != c.rail || diff != "" {
				t.Errorf("rail %q, want %q (-want +got):\n%s", got.Rail, c.rail, diff)
			}
		})
	}
}

// TestUnknownYear is an error, never a guess.
func TestUnknownYear(t *testing.T) {
	_, err := routes.Choose(table, 2_000_000*yuan, day("2039-02-13").At(13, 0), cal(t), routes.Payee{CNAPS: "102100099996"})
	if fault.CodeOf(err) != "calendar.year" {
		t.Errorf("got %v", err)
	}
}

// TestChosenHolds: whatever is chosen is in force, within its limits and hours,
// and carries exactly one number of the payee's bank.
func TestChosenHolds(t *testing.T) {
	c := cal(t)
	rapid.Check(t, func(t *rapid.T) {
		amount := money.Amount(rapid.Int64Range(1, 3_000_000*yuan).Draw(t, "amount"))
		date := day("2026-01-01").AddDays(rapid.IntRange(0, 364).Draw(t, "day"))
		at := date.At(rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"))
		payee := routes.Payee{Bank: rapid.SampledFrom([]string{"", "示例银行"}).Draw(t, "bank"),
			CNAPS:     rapid.SampledFrom([]string{"", "102100099996", "307584000000"}).Draw(t, "cnaps"),
			SuperBank: rapid.SampledFrom([]string{"", "102100"}).Draw(t, "super")}
		got, err := routes.Choose(table, amount, at, c, payee)
		if err != nil {
			if fault.CodeOf(err) != "routes.none" || got.Rail != "" {
				t.Fatal(err)
			}
			return
		}
		if (got.CNAPS == "") == (got.SuperBank == "") {
			t.Fatalf("numbers %q and %q", got.CNAPS, got.SuperBank)
		}
		for _, r := range routes.InForce(table, date) {
			if r.Code != got.Rail {
				continue
			}
			working, err := c.IsWorkingDay(date)
			minute := at.Hour()*60 + at.Minute()
			if err != nil || r.PerItem > 0 && amount > r.PerItem || amount < r.AtLeast || r.WorkingDays && !working ||
				r.To > 0 && (minute < r.From || minute >= r.To) {
				t.Fatalf("%s does not take %s at %s: %v", r.Code, amount, at, err)
			}
		}
	})
}
