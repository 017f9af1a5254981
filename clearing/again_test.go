package clearing_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"custody/bankfiles/orderfile"
	"custody/clearing"
	"custody/internal/fault"
	"custody/internal/pgtest"
	"custody/internal/store"
)

// fingerprint is what a second run must leave as it is: vouchers, step counts,
// results, exceptions, payouts.
func (b *workedBooks) fingerprint() string {
	b.t.Helper()
	var out bytes.Buffer
	b.read(func(tx *store.Tx) error {
		for _, query := range []string{
			"SELECT COUNT(*) || '/' || COALESCE(SUM(voucher_no), 0) FROM vouchers",
			"SELECT COALESCE(string_agg(accounting_date || step || scope || state || n_in || '.' || n_done || '.' || n_skipped || '.' || n_failed, ',' ORDER BY accounting_date || step || scope || state || n_in || '.' || n_done || '.' || n_skipped || '.' || n_failed), '') FROM runs",
			"SELECT COALESCE(string_agg(accounting_date || state || day_phase || result_hash, ',' ORDER BY accounting_date || state || day_phase || result_hash), '') FROM days",
			"SELECT COALESCE(string_agg(exception_id || kind || subject || state || COALESCE(closed_date, 0), ',' ORDER BY exception_id || kind || subject || state || COALESCE(closed_date, 0)), '') FROM exceptions",
			"SELECT COALESCE(string_agg(serial || state, ',' ORDER BY serial || state), '') FROM payouts",
			"SELECT COALESCE(string_agg(batch_no || state || file_sha256, ',' ORDER BY batch_no || state || file_sha256), '') FROM batches",
			"SELECT COALESCE(string_agg(file_id || state || sha256, ',' ORDER BY file_id || state || sha256), '') FROM files",
			"SELECT COALESCE(string_agg(subject || state, ',' ORDER BY subject || state), '') FROM outbox",
			"SELECT CAST(COUNT(*) AS TEXT) FROM bank_lines",
		} {
			var s string
			if err := tx.Get(b.ctx, &s, query); err != nil {
				return fmt.Errorf("%s: %w", query, err)
			}
			fmt.Fprintln(&out, s)
		}
		return nil
	})
	return out.String()
}

// TestAgainAfterEveryStep plays the worked days step by step, and each step
// twice: the second time changes nothing, and the days come to the same.
func TestAgainAfterEveryStep(t *testing.T) {
	whole := newWorkedBooks(t)
	whole.playWorkedDays()
	b := newWorkedBooks(t)
	b.everyStep = true
	b.playWorkedDays()
	if got, want := b.vouchers(), whole.vouchers(); got != want {
		t.Errorf("vouchers differ:\n%s\n%s", got, want)
	}
	for d := day("2026-02-12"); d <= day("2026-02-24"); d = d.AddDays(1) {
		one, err1 := whole.engine.Day(whole.ctx, d)
		two, err2 := b.engine.Day(b.ctx, d)
		if err1 != nil || err2 != nil || one.ResultHash != two.ResultHash || one.ResultHash == "" {
			t.Errorf("%s: %s and %s %v %v", d, one.ResultHash, two.ResultHash, err1, err2)
		}
	}
}

// again runs every step of a day by itself, twice.
func (b *workedBooks) again(date string) {
	b.t.Helper()
	for _, step := range b.engine.StepNames() {
		once, errOnce := b.engine.Run(b.ctx, clearing.RunRequest{Date: day(date), Until: step, Actor: "maker1"})
		before := b.fingerprint()
		twice, errTwice := b.engine.Run(b.ctx, clearing.RunRequest{Date: day(date), Until: step, Actor: "maker1"})
		if after := b.fingerprint(); after != before {
			b.t.Errorf("%s until %s again changed the books:\n%s\n%s", date, step, before, after)
		}
		if fault.ExitCode(errOnce) != fault.ExitCode(errTwice) || (once != nil && twice != nil && !slices.Equal(once.WaitsFor, twice.WaitsFor)) {
			b.t.Errorf("%s until %s: %v, again %v", date, step, errOnce, errTwice)
		}
		if code := fault.ExitCode(errOnce); code != 0 && code != waiting {
			b.t.Fatalf("%s until %s: %v", date, step, errOnce)
		}
	}
}

// TestSameBytesAgain: importing is a no-op the second time, other bytes are a
// conflict, and what was kept stays in the vault whatever is looked at later.
func TestSameBytesAgain(t *testing.T) {
	b := newWorkedBooks(t)
	b.statement("2026-02-12")
	b.orders("2026-02-12")
	b.bills("2026-02-12")
	var names []string
	files, err := os.ReadDir(filepath.Join(b.home, "inbox"))
	if err != nil || len(files) != 4 {
		t.Fatal(files, err)
	}
	imp := func(name string, o clearing.ImportOptions) (*clearing.ImportReport, error) {
		o.Actor = "maker1"
		return b.engine.Import(b.ctx, filepath.Join(b.home, "inbox", name), o)
	}
	if _, err := b.engine.Run(b.ctx, clearing.RunRequest{Date: day("2026-02-12"), Until: "day-cut", Actor: "maker1"}); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		names = append(names, f.Name())
		report, err := imp(f.Name(), clearing.ImportOptions{})
		if err != nil || report.AlreadyLoaded || report.File.State != clearing.FileLoaded {
			t.Fatalf("%s: %+v %v", f.Name(), report, err)
		}
	}
	kept := b.vault()
	for _, name := range names {
		for _, o := range []clearing.ImportOptions{{}, {DryRun: true}, {}} {
			report, err := imp(name, o)
			if err != nil || !report.AlreadyLoaded || report.LoadedOn == "" {
				t.Errorf("%s again: %+v %v", name, report, err)
			}
		}
	}
	// The files are still in the inbox: a run looks at them once more.
	b.run("2026-02-12", 0)
	if got := b.vault(); !maps.Equal(got, kept) {
		t.Errorf("the vault lost evidence: %v, had %v", got, kept)
	}
	var other bytes.Buffer
	if err := orderfile.Write(&other, day("2026-02-12"), slices.Values(workedOrders["2026-02-12"][:3])); err != nil {
		t.Fatal(err)
	}
	b.write("inbox/orders-20260212.csv", other.Bytes())
	_, err = imp("orders-20260212.csv", clearing.ImportOptions{})
	wantCode(t, err, "file.conflict")
	if _, err := b.engine.Import(b.ctx, filepath.Join(b.home, "inbox", names[0]), clearing.ImportOptions{Actor: "checker1"}); fault.CodeOf(err) != "people.denied" {
		t.Errorf("a checker imported a file: %v", err)
	}
}

// vault returns the files that are kept as evidence, with their sizes.
func (b *workedBooks) vault() map[string]int64 {
	b.t.Helper()
	list, err := os.ReadDir(filepath.Join(b.home, "vault"))
	if err != nil {
		b.t.Fatal(err)
	}
	kept := map[string]int64{}
	for _, f := range list {
		var info fs.FileInfo
		if info, err = f.Info(); err != nil {
			b.t.Fatal(err)
		}
		kept[f.Name()] = info.Size()
	}
	return kept
}

// TestOrderOfRowsAndFiles: how rows and files are arranged changes no result.
func TestOrderOfRowsAndFiles(t *testing.T) {
	ours := append(slices.Clone(workedOrders["2026-02-12"]), payOrder("M1", "A", "WX", "10.00", "02-12 10:05:00"), payOrder("M2", "B", "WX", "77.00", "02-12 10:05:00"))
	wx := append(slices.Clone(workedBills["WX 2026-02-12"]), pay("W2", "200.00", "1.20", "02-12 14:20:00"), pay("W2", "200.00", "1.20", "02-12 14:20:00"),
		pay("X1", "5.00", "0.03", "02-12 09:00:00"), pay("X2", "6.00", "0.09", "02-12 09:00:00"), pay("M2", "78.00", "0.47", "02-12 10:05:00"))
	ali := slices.Clone(workedBills["ALI 2026-02-12"])
	// Vouchers are numbered as they are posted, so here they are compared as a set.
	books := func(s *scene) []string {
		s.play("2026-02-12", 0)
		return append(slices.Sorted(slices.Values(s.posted("2026-02-12"))), s.open()...)
	}
	play := func(t *testing.T, r *rand.Rand) []string {
		s := newScene(t)
		drops := []func(){
			func() { s.dropOrders("2026-02-12", shuffled(r, ours)...) },
			func() { s.bill("WX", "2026-02-12", shuffled(r, wx)...) },
			func() { s.bill("ALI", "2026-02-12", shuffled(r, ali)...) },
			func() { s.bank("2026-02-12", workedLinesOf("K1201", "K1202")...) },
		}
		if r == nil {
			for _, drop := range drops {
				drop()
			}
			return books(s)
		}
		for _, i := range r.Perm(len(drops)) { // one at a time, so that they are loaded in this order
			drops[i]()
			_, err := s.engine.Run(s.ctx, clearing.RunRequest{Date: day("2026-02-12"), Actor: "maker1"})
			if code := fault.ExitCode(err); code != 0 && code != waiting {
				t.Fatal(err)
			}
		}
		return books(s)
	}
	want := play(t, nil)
	for seed := range uint64(30) {
		if got := play(t, rand.New(rand.NewPCG(seed, 7))); !slices.Equal(got, want) {
			t.Fatalf("seed %d:\n got %q\nwant %q", seed, got, want)
		}
	}
}

// TestOrderOfRows: with the files all there, the result hash is the same for each
// of 1,000 arrangements of their rows.
func TestOrderOfRows(t *testing.T) {
	ours := append(slices.Clone(workedOrders["2026-02-12"]), payOrder("M2", "B", "WX", "77.00", "02-12 10:05:00"))
	wx := append(slices.Clone(workedBills["WX 2026-02-12"]), pay("W2", "200.00", "1.20", "02-12 14:20:00"), pay("W2", "200.00", "1.20", "02-12 14:20:00"),
		pay("X1", "5.00", "0.03", "02-12 09:00:00"), pay("X2", "6.00", "0.09", "02-12 09:00:00"), pay("M2", "78.00", "0.47", "02-12 10:05:00"))
	var want string
	shuffles := uint64(1000)
	if testing.Short() || pgtest.Server(t) != "" {
		shuffles = 30
	}
	for seed := range shuffles {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { // a test of its own lets go of its books
			r := rand.New(rand.NewPCG(seed, 11))
			if seed == 0 {
				r = nil
			} else {
				t.Parallel()
			}
			s := newScene(t)
			for _, i := range perm(r, 4) { // all are there; the names sort them, the moment they come does not
				switch i {
				case 0:
					s.dropOrders("2026-02-12", shuffled(r, ours)...)
				case 1:
					s.bill("WX", "2026-02-12", shuffled(r, wx)...)
				case 2:
					s.bill("ALI", "2026-02-12", shuffled(r, workedBills["ALI 2026-02-12"])...)
				case 3:
					s.bank("2026-02-12", workedLinesOf("K1201", "K1202")...)
				}
			}
			hash := s.play("2026-02-12", 0).ResultHash
			if seed == 0 {
				want = hash
			}
			if hash != want {
				t.Fatalf("%s, want %s", hash, want)
			}
		})
	}
}

func perm(r *rand.Rand, n int) []int {
	if r == nil {
		r = rand.New(rand.NewPCG(0, 0))
	}
	return r.Perm(n)
}

func shuffled[T any](r *rand.Rand, list []T) []T {
	out := slices.Clone(list)
	if r != nil {
		r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	}
	return out
}

// TestImportsAtATime: whoever is first loads the file, the others are told that
// it is loaded, and a run that is at work does not mind.
func TestImportsAtATime(t *testing.T) {
	s := newScene(t)
	s.orders("2026-02-12")
	s.bills("2026-02-12")
	s.playUntil("2026-02-12", "day-cut", 0)
	path := filepath.Join(s.home, "inbox", "orders-20260212.csv")
	errs := make(chan error)
	for range 8 {
		go func() {
			_, err := s.engine.Import(s.ctx, path, clearing.ImportOptions{Actor: "maker1"})
			errs <- err
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	s.read(func(tx *store.Tx) error {
		var n, files int
		err := tx.Get(s.ctx, &n, "SELECT COUNT(*) FROM orders")
		if err == nil {
			err = tx.Get(s.ctx, &files, "SELECT COUNT(*) FROM files")
		}
		if n != 7 || files != 1 {
			t.Errorf("%d orders of %d files, want 7 of 1", n, files)
		}
		return err
	})
	s.bank("2026-02-12", workedLinesOf("K1201", "K1202")...)
	s.play("2026-02-12", 0)
}
