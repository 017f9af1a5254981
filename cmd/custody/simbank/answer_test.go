package simbank_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"custody/bankfiles"
	"custody/cmd/custody/simbank"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

var tuesday = monday.AddDays(1)

func TestAnswerRefuses(t *testing.T) {
	want := func(t *testing.T, dir string, d bizdate.Date, code string) {
		t.Helper()
		if names, err := simbank.Answer(dir, d); fault.CodeOf(err) != code || len(names) > 0 {
			t.Errorf("got %v and files %v, want %s", err, names, code)
		}
	}
	t.Run("no simulation", func(t *testing.T) { want(t, t.TempDir(), monday, "simbank.none") })
	p := params(t.TempDir(), 3)
	o := generate(t, p)
	t.Run("before the first day", func(t *testing.T) { want(t, p.Dir, monday.AddDays(-1), "simbank.before") })
	t.Run("a day was left out", func(t *testing.T) {
		want(t, p.Dir, tuesday, "simbank.earlier")
		_, err := simbank.Answer(p.Dir, tuesday)
		if f := fault.Of(err); f.Args[0] != monday {
			t.Errorf("it names %v", f.Args)
		}
		if _, err := os.Stat(filepath.Join(p.Dir, "inbox", "statement-20260106.xml")); err == nil {
			t.Error("a refused answer left a statement")
		}
	})
	o.answer(monday)
	t.Run("payout to nobody", func(t *testing.T) {
		batch, _ := o.pay(tuesday, 20_00, "F999")
		want(t, p.Dir, tuesday, "simbank.member")
		o.must(os.Remove(filepath.Join(p.Dir, "outbox", batch+".txt")))
	})
	t.Run("a damaged payout file", func(t *testing.T) {
		batch, _ := o.pay(tuesday, 20_00, "F001")
		path := filepath.Join(p.Dir, "outbox", batch+".txt")
		raw, err := os.ReadFile(path)
		o.must(err)
		o.must(os.WriteFile(path, raw[:len(raw)-20], 0o600))
		want(t, p.Dir, tuesday, "payfile.truncated")
		o.must(os.Remove(path))
	})
	t.Run("other payouts under an answered day", func(t *testing.T) {
		o.answer(tuesday)
		o.answer(tuesday.AddDays(1))
		before := tree(t, p.Dir+"/inbox")
		batch, _ := o.pay(tuesday, 20_00, "F001")
		want(t, p.Dir, tuesday, "simbank.later")
		if diff := cmp.Diff(before, tree(t, p.Dir+"/inbox")); diff != "" {
			t.Errorf("the refusal changed files: %s", diff)
		}
		o.must(os.Remove(filepath.Join(p.Dir, "outbox", batch+".txt")))
		if names := o.answer(tuesday); len(names) != 2 {
			t.Errorf("the same again: %v", names)
		}
	})
	t.Run("a damaged plan", func(t *testing.T) {
		o.must(os.WriteFile(filepath.Join(p.Dir, "simbank.json"), []byte(`{"version":1}`), 0o600))
		want(t, p.Dir, tuesday, "simbank.plan")
	})
}

// TestAnswerAgain: the same call gives the same names and bytes, and a batch
// that comes later on the day joins the answer.
func TestAnswerAgain(t *testing.T) {
	p := params(t.TempDir(), 3)
	p.Faults = simbank.FaultNames()
	o := generate(t, p)
	o.answer(monday)
	o.pay(tuesday, 20_00, "F001", "F002", "F003", "F004", "P001")
	names := o.answer(tuesday)
	want := []string{"inbox/result-PO20260106-01.txt", "inbox/balances-20260106.txt", "inbox/statement-20260106.xml"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	before := tree(t, p.Dir)
	if diff := cmp.Diff(names, o.answer(tuesday)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, tree(t, p.Dir)); diff != "" {
		t.Errorf("the second answer differs: %s", diff)
	}
}

// TestOnlyTheDaysBatches: the header decides, not the name; a batch drawn up
// yesterday and re-dated is paid today.
func TestOnlyTheDaysBatches(t *testing.T) {
	p := params(t.TempDir(), 3)
	p.Faults = []string{}
	o := generate(t, p)
	o.answer(monday)
	_, items := o.pay(tuesday.AddDays(1), 20_00, "F001")
	o.must(os.Rename(filepath.Join(p.Dir, "outbox/PO20260107-01.txt"), filepath.Join(p.Dir, "outbox/PO20260106-01.txt")))
	if names := o.answer(tuesday); len(names) != 2 {
		t.Errorf("tuesday answers %v", names)
	}
	o.answer(tuesday.AddDays(1))
	if got := o.statement("statement", tuesday.AddDays(1)).serial(items[0].Serial); len(got) != 1 {
		t.Errorf("wednesday's statement has %d debits", len(got))
	}
}

// TestTheBankDoesNotOverdraw: a payout above the account's balance is refused
// and leaves the sub-account as it was.
func TestTheBankDoesNotOverdraw(t *testing.T) {
	p := params(t.TempDir(), 3)
	p.Orders, p.Faults = 0, []string{simbank.OwnFunds}
	o := generate(t, p)
	o.answer(monday)
	batch, items := o.pay(tuesday, 60_000_00, "F001", "F002")
	o.answer(tuesday)
	r := o.result(batch)
	if r[0].Status != bankfiles.ResultSuccess || r[1].Status != bankfiles.ResultFailed || r[1].Code != "1001" {
		t.Errorf("got %+v", r)
	}
	if got := o.statement("statement", tuesday).serial(items[1].Serial); len(got) != 0 {
		t.Errorf("it was debited: %v", got)
	}
}

// payoutStory is how one payout fares over two days.
type payoutStory struct {
	status     bankfiles.ResultStatus
	code       string
	hasRef     bool
	debit      int // day of the debit, 0 the day itself, -1 never
	back       string
	reversal   bool
	kept       bool // by the end of its day the member has it again
	givenLater bool // with the fee, on the next day
}

func TestPayoutFaults(t *testing.T) {
	for name, want := range map[string]payoutStory{
		"":                {status: "S", code: "0000", hasRef: true},
		simbank.Refused:   {status: "F", code: "1004", debit: -1, kept: true},
		simbank.LateDebit: {status: "S", code: "0000", debit: 1},
		simbank.Returned:  {status: "S", code: "0000", hasRef: true, back: "退汇 "},
		simbank.DebitedF:  {status: "F", code: "1005", back: "冲正 ", reversal: true, givenLater: true},
		simbank.NoAnswer:  {status: "U", code: "9999"},
	} {
		t.Run("fault "+name, func(t *testing.T) {
			p := params(t.TempDir(), 4)
			if p.Faults = []string{}; name != "" {
				p.Faults = []string{name + "@" + tuesday.String()}
			}
			o := generate(t, p)
			o.answer(monday)
			batch, items := o.pay(tuesday, 25_00, "F002")
			o.answer(tuesday)
			o.answer(tuesday.AddDays(1))
			r := o.result(batch)[0]
			got := payoutStory{status: r.Status, code: r.Code, hasRef: r.BankRef != "", debit: -1}
			for k := range 2 {
				s := o.statement("statement", tuesday.AddDays(k))
				for _, e := range s.serial(items[0].Serial) {
					if e.Amount.Units < 0 {
						got.debit = k
						if o.fen(e.Amount) != -25_00 || got.hasRef && e.BankRef != r.BankRef || e.ValueDate != tuesday {
							t.Errorf("debit %+v", e)
						}
						continue
					}
					got.back, got.reversal = e.Remark[:len("退汇 ")], e.Reversal
					if k != 1 || e.Remark != got.back+items[0].Serial || o.fen(e.Amount) != 25_00 {
						t.Errorf("credit on day %d: %+v", k, e)
					}
				}
			}
			got.kept = o.changed("F002", tuesday, 26_00) == 0
			got.givenLater = o.changed("F002", tuesday.AddDays(1), 26_00) == 26_00
			if got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// changed compares the member's balance of the day with a bank without payouts
// on it: 0, what was paid and not given back (negative), or what came back.
func (o office) changed(member string, d bizdate.Date, least money.Amount) money.Amount {
	o.Helper()
	twin := params(o.TempDir(), 4)
	twin.Faults = []string{}
	calm := generate(o.T, twin)
	gap := func(x bizdate.Date) money.Amount {
		calm.answer(x)
		return o.balances(x)[member].Available - calm.balances(x)[member].Available
	}
	last := money.Amount(0)
	for x := monday; x < d; x = x.AddDays(1) {
		last = gap(x)
	}
	change := gap(d) - last
	if change != 0 && change.Abs() != least {
		o.Errorf("%s on %s changes by %s", member, d, change)
	}
	return change
}

// TestPayoutFaultsWaitForRows: a fault whose day had too few payouts hits the
// next ones, and each hits once.
func TestPayoutFaultsWaitForRows(t *testing.T) {
	p := params(t.TempDir(), 5)
	p.Faults = []string{"refused@2026-01-06", "debited-f@2026-01-06"}
	o := generate(t, p)
	o.answer(monday)
	var codes []string
	for k := range 4 {
		d := tuesday.AddDays(k)
		if k == 0 {
			o.answer(d) // no payouts on their day
			continue
		}
		batch, _ := o.pay(d, 20_00, "F001")
		o.answer(d)
		codes = append(codes, o.result(batch)[0].Code)
	}
	slices.Sort(codes)
	if want := []string{"0000", "1004", "1005"}; !slices.Equal(codes, want) {
		t.Errorf("got %v, want %v", codes, want)
	}
}
