package clearing_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"custody/clearing"
	"custody/internal/fault"
	"custody/internal/pgtest"
	"custody/internal/store"
	"custody/subaccounts"
)

// archiveOn makes an archive behind each of the days, as soon as it is closed.
func (b *workedBooks) archiveOn(dates ...string) {
	b.closed = func(date string) {
		if slices.Contains(dates, date) {
			b.archive(date)
		}
	}
}

func (b *workedBooks) archive(until string) *clearing.ArchiveSeal {
	b.t.Helper()
	seal, err := b.engine.Archive(b.ctx, day(until), "maker1")
	if err != nil {
		b.t.Fatal(err)
	}
	return seal
}

// onSQLite leaves tests of files beside the database to the engine that has them.
func onSQLite(t *testing.T) {
	t.Helper()
	if pgtest.Server(t) != "" {
		t.Skip("archives are files of SQLite")
	}
}

// rows counts the rows of a table that the database itself still holds.
func (b *workedBooks) rows(table string) (n int) {
	b.t.Helper()
	if err := b.raw().Get(&n, "SELECT COUNT(*) FROM "+table); err != nil {
		b.t.Fatal(err)
	}
	return n
}

// TestArchivedDays plays the worked days with archives made on the way: later
// refunds, returns and adoptions reach back into them, and every voucher,
// balance, tie-out and exception must be the same.
func TestArchivedDays(t *testing.T) {
	onSQLite(t)
	b := newWorkedBooks(t)
	b.archiveOn("2026-02-12", "2026-02-13", "2026-02-20")
	b.playWorkedDays()
	b.archive("2026-02-24")
	for table, want := range map[string]int{"vouchers": 0, "entries": 0, "bill_rows": 0, "orders": 1} { // W6 was adopted and belongs to no file
		if n := b.rows(table); n != want {
			t.Errorf("%d rows of %s were left, want %d", n, table, want)
		}
	}
	golden(t, "vouchers.golden", b.vouchers())
	golden(t, "balances.golden", b.balances())
	golden(t, "tieout.golden", b.tieOuts())
	golden(t, "exceptions.golden", b.exceptions())
	report, err := b.engine.Verify(b.ctx, nil)
	if err != nil || !report.OK || report.Vouchers < 70 {
		t.Fatalf("%v %+v", err, report)
	}
}

// TestArchiveSeal reads what was signed: counts, the Merkle root over the
// vouchers that moved, and the term.
func TestArchiveSeal(t *testing.T) {
	onSQLite(t)
	b := newWorkedBooks(t)
	b.playWorkedDays()
	before := b.statementOf("A")
	seal := b.archive("2026-02-13")
	if seal.From != day("2026-02-12") || seal.Until != day("2026-02-13") || seal.KeepUntil != day("2056-12-31") {
		t.Errorf("seal is %+v", seal)
	}
	if seal.Tables[0].Name != "vouchers" || seal.Tables[0].Rows == 0 || seal.Tables[1].Rows < 2*seal.Tables[0].Rows {
		t.Errorf("tables are %+v", seal.Tables)
	}
	if _, err := os.Stat(filepath.Join(b.home, "seals", "archive-2026-02-13.json")); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(filepath.Join(b.home, "archive", seal.File)); err != nil || info.Size() != seal.Bytes || info.Mode().Perm()&0o222 != 0 {
		t.Errorf("%v %+v", err, info)
	}
	if after := b.statementOf("A"); !slices.Equal(before, after) || len(after) == 0 {
		t.Errorf("the statement was\n%v\nand is\n%v", before, after)
	}
}

// statementOf is the statement of a member's withdrawable account over all days.
func (b *workedBooks) statementOf(member string) (lines []string) {
	b.t.Helper()
	b.read(func(tx *store.Tx) error {
		_, _, err := b.engine.Book.Entries(b.ctx, tx, "2001", member, day("2026-02-12"), day("2026-02-24"), func(e *subaccounts.Entry) error {
			lines = append(lines, e.Date.String()+" "+e.Amount.String()+" "+e.Running.String())
			return nil
		})
		return err
	})
	return lines
}

func TestArchiveRefuses(t *testing.T) {
	onSQLite(t)
	b := newWorkedBooks(t)
	refuses := func(until, code string) {
		t.Helper()
		_, err := b.engine.Archive(b.ctx, day(until), "maker1")
		if fault.CodeOf(err) != code {
			t.Errorf("until %s: %v, want %s", until, err, code)
		}
	}
	refuses("2026-02-12", "archive.nothing") // no day was ever sealed
	b.statement("2026-02-12")
	b.orders("2026-02-12")
	b.bills("2026-02-12")
	b.run("2026-02-12", 0)
	b.intraday("2026-02-13", 1)
	b.run("2026-02-13", waiting)
	refuses("2026-02-13", "archive.unsealed")
	if _, err := b.engine.Archive(b.ctx, day("2026-02-12"), "nobody"); err == nil {
		t.Error("nobody made an archive")
	}
	b.archive("2026-02-12")
	refuses("2026-02-12", "archive.nothing")
	refuses("2026-02-11", "archive.nothing")

	// A number that an archived order has stays used forever.
	raw := orderBytes(t, "2026-02-13", payOrder("N1", "A", "WX", "1.00", "02-13 09:00:00"), payOrder("W2", "A", "WX", "1.00", "02-13 10:00:00"))
	path := filepath.Join(t.TempDir(), "orders-20260213.csv")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := b.engine.Import(b.ctx, path, clearing.ImportOptions{Actor: "maker1"}); fault.CodeOf(err) != "order.again" {
		t.Errorf("an archived order came again: %v", err)
	}
}

// TestArchivesOfTwoHeadOffices: two custody accounts that share a database each
// keep their rows, though they archive the same days.
func TestArchivesOfTwoHeadOffices(t *testing.T) {
	onSQLite(t)
	dsn := filepath.Join(t.TempDir(), "shared.db")
	first := newBooksAt(t, workedConfig, dsn)
	second := newBooksAt(t, strings.Replace(workedConfig, "code: HQ01", "code: HQ02", 1), dsn)
	want := ""
	for _, b := range []*workedBooks{first, second} {
		b.statement("2026-02-12")
		b.orders("2026-02-12")
		b.bills("2026-02-12")
		b.run("2026-02-12", 0)
		want = b.vouchers()
		b.archive("2026-02-12")
	}
	for _, b := range []*workedBooks{first, second} {
		report, err := b.engine.Verify(b.ctx, nil)
		if got := b.vouchers(); err != nil || !report.OK || got != want || got == "" {
			t.Errorf("%v %+v\n%s\nwant\n%s", err, report, got, want)
		}
	}
}

// TestUndoWhatIsArchived: a match that has moved into an archive stands.
func TestUndoWhatIsArchived(t *testing.T) {
	onSQLite(t)
	b := day12(t)
	b.archive("2026-02-12")
	u, err := b.engine.UndoMatch(b.ctx, "maker1", "T:W2", "another customer's payment")
	if err != nil {
		t.Fatal(err)
	}
	before := b.fingerprint()
	_, err = b.engine.Approve(b.ctx, "checker1", u.ApprovalID)
	b.wantCode("archived", "match.archived", err)
	if after := b.fingerprint(); after != before {
		t.Errorf("%s\n%s", before, after)
	}
}

// TestArchiveTampered changes an archive file behind the program's back.
func TestArchiveTampered(t *testing.T) {
	onSQLite(t)
	b := newWorkedBooks(t)
	b.playWorkedDays()
	seal := b.archive("2026-02-13")
	path := filepath.Join(b.home, "archive", seal.File)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	problem := func(name, code string, change func([]byte)) {
		t.Helper()
		raw := slices.Clone(whole)
		change(raw)
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		report, err := b.engine.Verify(context.Background(), nil)
		found := report != nil && slices.ContainsFunc(report.Problems, func(p clearing.VerifyProblem) bool { return p.ID == seal.File && p.Code == code })
		if err != nil || report.OK || !found {
			t.Errorf("%s: %v %+v", name, err, report)
		}
	}
	problem("last byte", "archive.changed", func(raw []byte) { raw[len(raw)-1]++ })
	problem("a page", "archive.changed", func(raw []byte) { raw[len(raw)/2] ^= 0xff })
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	report, err := b.engine.Verify(b.ctx, nil)
	if err != nil || !report.OK {
		t.Fatalf("put back: %v %+v", err, report)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err = clearing.Open(b.ctx, clearing.OpenOptions{Home: b.home, Clock: b.engine.Clock})
	if fault.ExitCode(err) != int(fault.Books) || fault.CodeOf(err) != "store.archive" {
		t.Errorf("without the file: %v", err)
	}
}

// removable are the tables from which the program may take rows away: projections,
// suggestions, the rows of a file whose load was broken off, and the planner's
// figures. All else is kept, and an archive moves it.
var removable = []string{"files", "orders", "bill_rows", "items", "match_suggestions", "sqlite_stat1"}

var deletion = regexp.MustCompile(`(?i)\b(?:DELETE FROM|TRUNCATE TABLE|DROP TABLE) (\w+)`)

// TestNothingIsDeleted holds the terms of [clearing.Retentions]: no statement of
// the program removes what has one.
func TestNothingIsDeleted(t *testing.T) {
	seen := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		raw, err := os.ReadFile(path)
		for _, found := range deletion.FindAllStringSubmatch(string(raw), -1) {
			seen++
			if !slices.Contains(removable, found[1]) {
				t.Errorf("%s removes rows of %s", path, found[1])
			}
		}
		return err
	})
	if err != nil || seen == 0 {
		t.Fatal(seen, err)
	}
	for _, r := range clearing.Retentions {
		if r.Kind == "retention.ledger" && r.Years < 30 || r.Kind == "retention.trade" && r.Years < 10 || r.Kind == "retention.log" && r.Months < 6 {
			t.Errorf("%+v is too short", r)
		}
	}
}
