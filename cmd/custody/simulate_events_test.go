package main

import (
	"context"
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"custody/clearing"
	"custody/internal/clock"
	"custody/internal/pgtest"
	"custody/internal/store"
)

// postingTable are the events that the posting table knows, by the code that a
// voucher carries.
const postingTable = `E0 E0b E1 E2 E3 E3g E3h E4 E5a E5b E5c E5d E5e E6a E6c E6d E6d2 E6e E6f E7a E7b E7c E7e
	E8a E8b E8c E8d E8e E8f E9a E9b E9c E9d E9e E10a E10b E10c E11b E12 E12b E12c E12d E13 E14a E14b E14c E14d E14f E14g E14h
	E15 E16 E17 E17x E20b E20c E21 E21b E22 E22b E22c E22d E23 E23b E23c E26 E26b`

// notPlayed are the events of the table that the days do not bring, and why.
var notPlayed = map[string]string{
	"E7c": "no command lets head office advance a refund: its reserve is the last source of E7a",
	"E22": "a refund that the merchant bears whole is an E7a by its shares",
}

// simulatedDay is what simulate --run says of a day.
type simulatedDay struct {
	Date   string `json:"date"`
	State  string `json:"state"`
	Hash   string `json:"result_hash"`
	Checks []struct {
		ID         string `json:"id"`
		OK         bool   `json:"ok"`
		State      string `json:"state"`
		Difference int64  `json:"difference_fen"`
	} `json:"checks"`
}

// TestSimulatedMoneyEvents plays twelve days with every kind of money event. The
// bank reckons every sub-account by itself, so the checks are no mirror: each day
// must seal with all of them passed at 0.00, the books re-derive, and nothing but
// head office's own withdrawal may reach its corporate account.
func TestSimulatedMoneyEvents(t *testing.T) {
	hashes := map[string][]string{}
	pgtest.Each(t, func(t *testing.T, dsn string) {
		if testing.Short() && dsn != "" && filepath.Base(t.Name()) != "sqlite" {
			t.Skip("the whole test plays it on PostgreSQL too")
		}
		home := filepath.Join(t.TempDir(), "home")
		var played struct {
			Ran []simulatedDay `json:"ran"`
		}
		text := exiting(t, 0, "simulate", "--out", home, "--days", "12", "--orders", "60", "--members", "6", "--events", "--run", "--json", "--db", dsn)
		if err := json.Unmarshal([]byte(text), &played); err != nil {
			t.Fatal(err)
		}
		if len(played.Ran) != 12 {
			t.Fatalf("%d days ran, want 12", len(played.Ran))
		}
		for _, d := range played.Ran {
			wantTiedOut(t, d)
			hashes[filepath.Base(t.Name())] = append(hashes[filepath.Base(t.Name())], d.Hash)
		}
		exiting(t, 0, "verify", "--home", home, "--db", dsn)
		exiting(t, 0, "corporate", "report", "--from", "2026-01-05", "--to", "2026-01-16", "--home", home, "--db", dsn)
		wantEvents(t, eventCounts(t, home, dsn))
	})
	if pg := hashes["postgres"]; pg != nil && !slices.Equal(pg, hashes["sqlite"]) {
		t.Errorf("result hashes differ: %v", hashes)
	}
}

// wantTiedOut expects a day sealed, with R1 to R11 passed and no difference.
func wantTiedOut(t *testing.T, d simulatedDay) {
	t.Helper()
	if d.State != "SEALED" || len(d.Checks) != 11 {
		t.Errorf("%s is %s with %d checks", d.Date, d.State, len(d.Checks))
	}
	for _, c := range d.Checks {
		if !c.OK || c.State != "passed" || c.Difference != 0 {
			t.Errorf("%s: %s is %s by %d fen", d.Date, c.ID, c.State, c.Difference)
		}
	}
}

// eventCounts counts the vouchers of a home by event.
func eventCounts(t *testing.T, home, dsn string) map[string]int {
	t.Helper()
	e, err := clearing.Open(t.Context(), clearing.OpenOptions{Home: home, DSN: dsn, Clock: clock.Real(), Random: clock.Rand()})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	counts := map[string]int{}
	err = e.DB.Read(t.Context(), func(tx *store.Tx) error {
		return tx.Each(context.Background(), "SELECT event, COUNT(*) FROM vouchers GROUP BY event", nil, func(scan func(...any) error) error {
			var event string
			var n int
			err := scan(&event, &n)
			counts[event] = n
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

// wantEvents expects every event of the table but those of notPlayed, which must
// not have occurred: then the list is to be shortened.
func wantEvents(t *testing.T, counts map[string]int) {
	t.Helper()
	table := strings.Fields(postingTable)
	for _, event := range table {
		_, left := notPlayed[event]
		switch {
		case counts[event] == 0 && !left:
			t.Errorf("%s did not occur", event)
		case counts[event] > 0 && left:
			t.Errorf("%s occurred %d times: take it off the list of those that do not", event, counts[event])
		}
	}
	for event := range maps.Keys(counts) {
		if !slices.Contains(table, event) {
			t.Errorf("%s is not in the posting table", event)
		}
	}
	for _, event := range table {
		t.Logf("%-5s %d", event, counts[event])
	}
}
