package bench_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"custody/cmd/custody/bench"
	"custody/internal/store"
)

// historyDays are closed before the day that is looked at: two months.
const historyDays = 60

// TestNightReadsNoHistory plays two months of small days and holds every
// statement of the day after them to two things: that its plan goes to the rows by
// what is open or of the day, and that it brings back no more rows than it did when
// the books were a week old. A step that reads all closed days fails here, not in
// its second year.
func TestNightReadsNoHistory(t *testing.T) {
	const young = 7 // the same weekday as the day that is looked at
	days := historyDays
	if testing.Short() {
		days = 21
	}
	last := young + (days-young+6)/7*7
	d := bench.NewDays(t, last+1, 50, 5)
	before, after := asked{}, asked{}
	for day := range last + 1 {
		switch day {
		case young:
			d.Play(day, before.add)
		case last:
			d.Play(day, after.add)
		default:
			d.Play(day, nil)
		}
	}
	if len(after) < 150 {
		t.Fatalf("only %d different statements were seen", len(after))
	}
	used := map[string]bool{}
	for _, query := range slices.Sorted(maps.Keys(after)) {
		a := after[query]
		for _, line := range d.Plan(a.Asked) {
			if why := reads(line, query); why != "" && !allowed(query, line, used) {
				t.Errorf("%s\n\t%s: %s", oneLine(query), why, line)
			}
		}
		// Rows of the day itself differ a little from day to day. Open items of head
		// office's fees (2302) stay until it withdraws them, which this one never does;
		// of a Merkle log the leaves of the last tile are read, up to 255.
		counted := !strings.Contains(query, "FROM items") && !strings.Contains(query, "SELECT leaf_hash")
		if b := before[query]; b != nil && counted && a.rows > 2*b.rows+30 {
			t.Errorf("%s\n\tbrought %d rows on day %d and %d on day %d", oneLine(query), b.rows, young, a.rows, last)
		}
	}
	for _, e := range exceptions {
		if !used[e.what] {
			t.Errorf("the exception %q is not needed", e.what)
		}
	}
}

// asked is what a day asked, by query.
type asked map[string]*statement

type statement struct {
	store.Asked
	rows int
}

func (a asked) add(s store.Asked) {
	if a[s.Query] == nil {
		a[s.Query] = &statement{Asked: s}
	}
	a[s.Query].rows += s.Rows
}

// access is one line of a plan: SEARCH t USING INDEX i (custody_id=? AND date<?).
var access = regexp.MustCompile(`^(SCAN|SEARCH) (\w+)(?: USING (?:COVERING )?(INDEX|PRIMARY KEY|INTEGER PRIMARY KEY)(?: (\w+))?)?(?: \((.*)\))?`)

// settled are tables that do not grow with closed days: they have a row for each
// account, member, rule or open item; bulk is written from numbers.
var settled = []string{"accounts", "a", "items", "i", "members", "member_regions", "member_states", "split_rules", "bindings", "users", "leases",
	"custodies", "audit_heads", "event_heads", "parameters", "archives", "pragma_database_list", "page", "dates", "numbers"}

// open are partial indexes that hold what is open alone.
var open = []string{"outbox_pending", "proofs_failed", "files_rejected", "open_lines_once", "channel_days_unpaid", "payouts_undebited",
	"payouts_returned", "bank_lines_open", "match_lines_once", "days_open", "ledger_days_open", "split_request_orders_open"}

// states are indexes by state: what they find is brought back and counted.
var states = []string{"batches_by_state", "approvals_by_state", "payment_orders_by_state", "escrow_orders_by_state"}

// coarse are columns of which one value selects a share of all rows.
var coarse = []string{"custody_id", "side", "part", "channel", "kind", "state", "mark", "reason", "source", "use", "phase", "step", "scope",
	"owner", "operator", "level", "check_id", "business", "purpose", "actor"}

// reads says what is wrong with a line of a plan, or "".
func reads(line, query string) string {
	m := access.FindStringSubmatch(line)
	if m == nil || slices.Contains(settled, m[2]) || slices.Contains(open, m[4]) || slices.Contains(states, m[4]) || m[3] == "INTEGER PRIMARY KEY" {
		return ""
	}
	if m[1] == "SCAN" {
		return "reads a whole table"
	}
	above := false
	for _, term := range strings.Split(m[5], " AND ") {
		column, _, equal := strings.Cut(term, "=")
		if equal && !slices.Contains(coarse, column) {
			return ""
		}
		// What lies behind a date or a number is young.
		above = above || strings.HasSuffix(term, ">?")
	}
	// The last row of an index is one row.
	if above || (strings.Contains(query, "LIMIT 1") && !strings.Contains(query, "TEMP B-TREE")) {
		return ""
	}
	return "reads all days"
}

// exceptions are statements that read what does grow, with the reason why they may.
var exceptions = []struct{ what, line, reason string }{}

func allowed(query, line string, used map[string]bool) bool {
	for _, e := range exceptions {
		if strings.Contains(oneLine(query), e.what) && strings.Contains(line, e.line) {
			used[e.what] = true
			return true
		}
	}
	return false
}

func oneLine(query string) string { return strings.Join(strings.Fields(query), " ") }
