package clearing_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"custody/bankfiles"
	"custody/clearing"
	"custody/internal/atomicfile"
	"custody/internal/clock"
	"custody/internal/fault"
	"custody/internal/store"
)

// dying is the context of a process that dies between two transactions: from so
// many commits on no transaction begins any more. What the process did outside
// the database after its last commit has happened, as it would with a kill.
type dying struct {
	context.Context
	die  context.CancelFunc
	db   *store.DB
	last int64
}

func (d *dying) Done() <-chan struct{} {
	if d.db.Counts().Commits >= d.last {
		d.die()
	}
	return d.Context.Done()
}

// crashes plays a piece of business on copies of a home. Each copy dies after
// another commit and is asked for the same once more; it must come to what the
// copy came to that nobody interrupted.
type crashes struct {
	t    *testing.T
	home string // as it was before the piece
	play func(ctx context.Context, e *clearing.Engine) error
	what func(b *workedBooks) string // what must be the same
}

func (c *crashes) copyOf() *workedBooks {
	c.t.Helper()
	b := &workedBooks{t: c.t, ctx: context.Background(), home: filepath.Join(c.t.TempDir(), "home")}
	if err := os.CopyFS(b.home, os.DirFS(c.home)); err != nil {
		c.t.Fatal(err)
	}
	keys, _ := filepath.Glob(filepath.Join(b.home, "keys", "*")) // CopyFS gives 0666 less the umask
	for _, key := range keys {
		if err := os.Chmod(key, 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(b.home, "keys"), 0o700); err != nil {
		c.t.Fatal(err)
	}
	b.engine = c.engine(b.home)
	return b
}

func (c *crashes) engine(home string) *clearing.Engine {
	c.t.Helper()
	e, err := clearing.Open(context.Background(), clearing.OpenOptions{Home: home, Clock: clock.Fixed(day("2026-02-12").At(10, 0)), Random: clock.Rand()})
	if err != nil {
		c.t.Fatal(err)
	}
	return e
}

func (c *crashes) close(e *clearing.Engine) {
	c.t.Helper()
	if err := e.Close(); err != nil {
		c.t.Fatal(err)
	}
}

// everywhere tries each moment, in steps of every.
func (c *crashes) everywhere(every int64) {
	c.t.Helper()
	whole := c.copyOf()
	before := whole.engine.DB.Counts().Commits
	if err := c.play(whole.ctx, whole.engine); err != nil {
		c.t.Fatal(err)
	}
	commits := whole.engine.DB.Counts().Commits - before
	want := c.what(whole)
	c.close(whole.engine)
	for n := int64(1); n < commits; n += every {
		b := c.copyOf()
		ctx, cancel := context.WithCancel(b.ctx)
		err := c.play(&dying{ctx, cancel, b.engine.DB, b.engine.DB.Counts().Commits + n}, b.engine)
		cancel()
		if !errors.Is(err, context.Canceled) {
			c.t.Errorf("after %d of %d commits: %v, want it to have died", n, commits, err)
		}
		c.close(b.engine)
		b.engine = c.engine(b.home)
		if err := c.play(b.ctx, b.engine); err != nil {
			c.t.Errorf("again after %d of %d commits: %v", n, commits, err)
		}
		if got := c.what(b); got != want {
			c.t.Errorf("died after %d of %d commits, and came to\n%s\nwant\n%s", n, commits, firstDiffering(got, want), firstDiffering(want, got))
		}
		c.close(b.engine)
	}
}

// firstDiffering is the lines of a that b does not have.
func firstDiffering(a, b string) string {
	has := map[string]bool{}
	for line := range strings.Lines(b) {
		has[line] = true
	}
	out := ""
	for line := range strings.Lines(a) {
		if !has[line] {
			out += line
		}
	}
	return out
}

// outcome is all that a day leaves behind: the books, and the bytes of what went out.
func outcome(b *workedBooks) string {
	b.t.Helper()
	out := b.fingerprint()
	entries, err := os.ReadDir(filepath.Join(b.home, "outbox"))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(b.home, "outbox", e.Name()))
		if err != nil {
			b.t.Fatal(err)
		}
		out += e.Name() + "\n" + string(raw)
	}
	b.invariants()
	return out
}

// TestDiesAfterEveryCommit: a day with refunds, a payout that the bank refuses,
// differences of both sides and an unknown payer tells others the same, in the
// same order, wherever its process dies.
func TestDiesAfterEveryCommit(t *testing.T) {
	s := newSceneAt(t, "")
	s.sent()
	s.answer(poFirst, map[string]bankfiles.ResultStatus{serialA: "F", serialB: "U"})
	s.orders("2026-02-13")
	s.bills("2026-02-13")
	s.bank("2026-02-13", append([]bankLine{workedLine("K1301"), {"U1", "02-13 15:00:00", "77.00", "路人", "", "", "转账"},
		{"O1", "02-13 15:01:00", "-5.00", "柜面", "", "", "手工"}}, s.debits(poFirst, "02-13 13:31:00", serialA)...)...)
	if err := s.engine.DB.Checkpoint(s.ctx); err != nil {
		t.Fatal(err)
	}
	c := crashes{t: t, home: s.home, what: outcome, play: func(ctx context.Context, e *clearing.Engine) error {
		_, err := e.Run(ctx, clearing.RunRequest{Date: day("2026-02-13"), Actor: "maker1"})
		if fault.ExitCode(err) == waiting {
			return nil
		}
		return err
	}}
	every := int64(1)
	if testing.Short() {
		every = 7
	}
	c.everywhere(every)
}

// TestEventFileHalfWritten: what a killed run left of the file of events is
// cleared away, and a file that was lost before it was known to be written is made again.
func TestEventFileHalfWritten(t *testing.T) {
	s := newScene(t)
	s.first()
	path := filepath.Join(s.home, "outbox", "events-20260212.jsonl")
	want, err := os.ReadFile(path)
	s.must(err)
	for _, kind := range []string{"events", "seal"} {
		s.exec("UPDATE outbox SET state = 'PENDING' WHERE kind = '" + kind + "'")
	}
	s.must(os.Rename(path, filepath.Join(s.home, "outbox", ".events-20260212.jsonl.1"+atomicfile.TempSuffix)))
	view := s.run("2026-02-12", 0)
	if !view.AlreadyClosed || !slices.Contains(view.FilesOut, "outbox/events-20260212.jsonl") || !slices.Contains(view.FilesOut, "seals/2026-02-12.json") {
		t.Errorf("%+v", view.FilesOut)
	}
	got, err := os.ReadFile(path)
	s.must(err)
	if !bytes.Equal(got, want) {
		t.Errorf("got %s", got)
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("%v %v", files, err)
	}
}
