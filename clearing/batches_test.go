package clearing_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"custody/bankfiles"
	"custody/clearing"
	"custody/clearing/payout"
)

// TestThirdPerson: above the amount a batch needs a third person, who is neither
// its maker nor its checker; until then nothing is sent.
func TestThirdPerson(t *testing.T) {
	s := newScene(t, `account_faults: ["1004"]}`, `account_faults: ["1004"], authorise_above: "1000.00"}`,
		"users:\n", "users:\n  - {name: both, roles: [operator, maker, checker]}\n  - {name: third, roles: [checker]}\n")
	s.released()
	if _, err := s.engine.Run(s.ctx, clearing.RunRequest{Date: day("2026-02-13"), Actor: "both"}); err == nil {
		t.Fatal("the day does not wait")
	}
	s.approve(poFirst)
	wantWaits(t, s.play("2026-02-13", waiting), "approval "+poFirst+"+A since 2026-02-13 13:00")
	if _, err := os.Stat(filepath.Join(s.home, "outbox", poFirst+".txt")); err == nil {
		t.Error("sent without its third person")
	}
	for _, who := range []string{"checker1", "both"} {
		_, err := s.engine.Approve(s.ctx, who, poFirst+"+A")
		wantCode(t, err, "approval.same-person")
	}
	if _, err := s.engine.Approve(s.ctx, "third", poFirst+"+A"); err != nil {
		t.Fatal(err)
	}
	s.play("2026-02-13", waiting)
	if p := s.payout(serialA); p.State != payout.Sent {
		t.Errorf("%s is %s", serialA, p.State)
	}
}

// TestThirdPersonAway: a batch that nobody authorised in time expires and goes
// the next day, approved by all three again.
func TestThirdPersonAway(t *testing.T) {
	s := newScene(t, `account_faults: ["1004"]}`, `account_faults: ["1004"], authorise_above: "1000.00"}`,
		"users:\n", "users:\n  - {name: third, roles: [checker]}\n")
	s.released()
	s.play("2026-02-13", waiting)
	s.approve(poFirst)
	s.rest("2026-02-13")
	s.bank("2026-02-13", workedLine("K1301"))
	s.over("2026-02-13", 0)
	s.report("2026-02-14")
	s.play("2026-02-14", waiting)
	s.approve(poFirst + "@20260214")
	if _, err := s.engine.Approve(s.ctx, "third", poFirst+"@20260214+A"); err != nil {
		t.Fatal(err)
	}
	s.play("2026-02-14", waiting)
	if p := s.payout(serialA); p.State != payout.Sent {
		t.Errorf("%s is %s", serialA, p.State)
	}
}

// TestResend: the same file goes again where the bank refused it or has rows that
// nobody knows the end of, and never otherwise.
func TestResend(t *testing.T) {
	s := newScene(t)
	s.sent()
	path := filepath.Join(s.home, "outbox", poFirst+".txt")
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, s.engine.RefuseFile(s.ctx, "maker1", poFirst, ""), "batch.code")
	wantCode(t, s.engine.RefuseFile(s.ctx, "maker1", "PO20260213-09", "230"), "batch.unknown")
	if err := s.engine.RefuseFile(s.ctx, "maker1", poFirst, "230"); err != nil {
		t.Fatal(err)
	}
	s.want(map[string]string{"2201": "1227.20"}) // no row was read, and nothing goes back
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	b, err := s.engine.Resend(s.ctx, "maker1", poFirst)
	if err != nil || b.State != payout.BatchSent || b.Sends != 1 {
		t.Fatalf("%+v %v", b, err)
	}
	if again, err := os.ReadFile(path); err != nil || string(again) != string(first) {
		t.Errorf("another file was sent: %v", err)
	}
	s.answer(poFirst, map[string]bankfiles.ResultStatus{serialB: "U"})
	s.rest("2026-02-13")
	s.bank("2026-02-13", append([]bankLine{workedLine("K1301")}, s.debits(poFirst, "02-13 13:31:00", serialB)...)...)
	s.play("2026-02-13", 0)
	if _, err := s.engine.Resend(s.ctx, "maker1", poFirst); err != nil {
		t.Errorf("an unknown payout: %v", err)
	}
	list, err := s.engine.Queries(s.ctx)
	if err != nil || len(list) != 1 || list[0].Serial != serialB {
		t.Errorf("queries: %+v %v", list, err)
	}
	wantCode(t, s.engine.RefuseFile(s.ctx, "maker1", poFirst, "230"), "batch.state")
	s.rest("2026-02-14")
	s.report("2026-02-14")
	s.bank("2026-02-14", debit(s.payout(serialB), "LATE", "02-14 09:00:00"))
	s.over("2026-02-14", 0)
	_, err = s.engine.Resend(s.ctx, "maker1", poFirst)
	wantCode(t, err, "batch.resend")
}

// TestQueryTimes: 5 minutes, 15, 30, 2 hours, then daily.
func TestQueryTimes(t *testing.T) {
	sent := day("2026-02-13").At(13, 30)
	var got []string
	for _, at := range clearing.QueryTimes(sent) {
		got = append(got, at.Format(time.DateTime[5:16]))
	}
	wantList(t, "ladder", got, []string{"02-13 13:35", "02-13 13:45", "02-13 14:00", "02-13 15:30", "02-14 13:30", "02-15 13:30", "02-16 13:30"})
}

const rails = `account_faults: ["1004"], rails: [
  {code: SIB, effective: 2026-01-01, per_item: "200.00", needs: super_bank},
  {code: BEP, effective: 2026-01-01, per_item: "500.00", needs: cnaps},
  {code: HVP, effective: 2026-01-01, at_least: "500.00", working_days: true, from: "08:30", to: "17:00", needs: cnaps, fee: "10.50"}]}`

// TestRails: each payout goes by its rail, with why; what no rail takes waits.
func TestRails(t *testing.T) {
	s := newScene(t, `account_faults: ["1004"]}`, rails)
	s.released()
	s.withdraw("", "A", "100.00", "WD1")
	s.sendAll()
	for serial, want := range map[string]string{serialA: "HVP", serialB: "BEP", serialC: "BEP", "20260213010005": "BEP"} {
		p := s.payout(serial)
		if p.Route != want || p.Why == "" {
			t.Errorf("%s goes by %s (%s), want %s", serial, p.Route, p.Why, want)
		}
	}

	s = newScene(t, `account_faults: ["1004"]}`, `account_faults: ["1004"], rails: [{code: BEP, effective: 2026-01-01, per_item: "500.00", needs: cnaps}]}`)
	s.released()
	s.sendAll()
	s.want(map[string]string{"2001.A": "924.00", "2201.A": "0.00", "2001.B": "0.00"}) // A's is too large
}

// TestRailsRefused: custody.yaml is refused with the value that does not hold.
func TestRailsRefused(t *testing.T) {
	for _, rail := range []string{
		`{code: XXX, effective: 2026-01-01, needs: cnaps}`, `{code: BEP, effective: soon, needs: cnaps}`, `{code: BEP, effective: 2026-01-01}`,
		`{code: BEP, effective: 2026-01-01, needs: cnaps, per_item: "-1.00"}`, `{code: BEP, effective: 2026-01-01, needs: cnaps, from: "17:00", to: "08:00"}`,
		`{code: BEP, effective: 2026-01-01, needs: cnaps, from: "25:00", to: "26:00"}`,
	} {
		_, err := clearing.ParseConfig([]byte(replace(workedConfig, `account_faults: ["1004"]}`, `account_faults: ["1004"], rails: [`+rail+`]}`)))
		wantCode(t, err, "config.value")
	}
}
