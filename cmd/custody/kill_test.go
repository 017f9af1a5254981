package main

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// TestKill kills `custody run` with SIGKILL at random moments, gives the same
// command again, and compares the day with one that nobody interrupted: the
// result hash must be the same and the books must verify. The moments are
// spread over three pieces of a day: the night phase, the sending of an
// approved batch, and the bank's answer with the night phase after it.
func TestKill(t *testing.T) {
	moments := 50
	if testing.Short() {
		moments = 6
	}
	var until time.Time // of `make soak TIME=1h`: as many kills as fit
	if d, err := time.ParseDuration(os.Getenv("SOAK")); err == nil {
		moments, until = math.MaxInt32, time.Now().Add(d)
	}
	k := &killing{t: t, bin: buildCustody(t), dir: t.TempDir(), rand: rand.New(rand.NewPCG(20260105, 1))}
	k.prepare()
	tries := 0
	for ; k.killed < moments && tries/4 < moments && (until.IsZero() || time.Now().Before(until)); tries++ {
		i := tries
		p := &k.pieces[i%len(k.pieces)]
		home := k.copyOf(p.before, "killed-"+strconv.Itoa(i))
		k.runAndKill(home, p)
		k.compare(home, p)
		if err := os.RemoveAll(home); err != nil {
			t.Fatal(err)
		}
	}
	if until.IsZero() && k.killed < moments {
		t.Errorf("only %d of %d runs were killed before they ended: the test proves too little", k.killed, tries)
	}
	t.Logf("%d of %d runs were killed before they ended", k.killed, tries)
}

// piece is a part of a day: the home before it, and what it comes to.
type piece struct {
	before string // copy of the home
	date   string
	exit   int // of the run that nobody interrupts
	state  string
	hash   string
	out    string // digest of outbox/, by listing
	took   time.Duration
}

type killing struct {
	t      *testing.T
	bin    string
	dir    string
	rand   *rand.Rand
	pieces []piece
	killed int
}

func buildCustody(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "custody")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

// prepare plays two simulated days once, and keeps a copy of the home before
// each piece.
func (k *killing) prepare() {
	home := filepath.Join(k.dir, "home")
	k.must(0, "simulate", "--out", home, "--from", "2026-01-05", "--days", "2", "--seed", "7", "--orders", "4000", "--members", "40",
		"--faults", "own-funds,unknown-receipt,cross-midnight,refused,ours-only,channel-only")
	k.must(0, "--home", home, "simulate", "answer", "--date", "2026-01-05")
	k.piece(home, "2026-01-05", 0)
	k.must(5, "--home", home, "run", "--date", "2026-01-06", "--as", "maker1")
	k.must(0, "--home", home, "approve", "PO20260106-01", "--as", "checker1")
	k.piece(home, "2026-01-06", 5)
	k.must(0, "--home", home, "simulate", "answer", "--date", "2026-01-06")
	k.piece(home, "2026-01-06", 0)
}

// piece keeps the home as it is, plays on uninterrupted, and notes what it came to.
func (k *killing) piece(home, date string, exit int) {
	p := piece{before: k.copyOf(home, "before-"+strconv.Itoa(len(k.pieces))), date: date, exit: exit}
	start := time.Now()
	k.must(exit, k.run(home, date)...)
	p.took = time.Since(start)
	p.state, p.hash = k.day(home, date)
	p.out = k.listing(home)
	k.pieces = append(k.pieces, p)
}

func (k *killing) run(home, date string) []string {
	return []string{"--home", home, "run", "--date", date, "--as", "maker1", "--json"}
}

// must runs the command and checks its exit code.
func (k *killing) must(exit int, args ...string) []byte {
	k.t.Helper()
	cmd := exec.Command(k.bin, append([]string{"--lang", "en"}, args...)...)
	out, err := cmd.Output()
	code := 0
	var status *exec.ExitError
	if errors.As(err, &status) {
		code = status.ExitCode()
	} else if err != nil {
		k.t.Fatal(err)
	}
	if code != exit {
		k.t.Fatalf("custody %q: exit %d, want %d\n%s%s", args, code, exit, out, status.Stderr)
	}
	return out
}

// runAndKill starts the run, kills it at a random moment, and runs it again.
func (k *killing) runAndKill(home string, p *piece) {
	k.t.Helper()
	cmd := exec.Command(k.bin, k.run(home, p.date)...)
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	start := time.Now()
	time.Sleep(time.Duration(k.rand.Int64N(int64(p.took))))
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		k.t.Fatal(err)
	}
	var status *exec.ExitError
	if err := cmd.Wait(); errors.As(err, &status) && status.ExitCode() == -1 {
		k.killed++
	} else { // it had ended: this machine is faster now than when the piece was timed
		p.took = max(min(p.took, time.Since(start))*9/10, time.Millisecond)
	}
	k.must(p.exit, k.run(home, p.date)...)
}

// compare holds the killed home against the one that nobody interrupted.
func (k *killing) compare(home string, p *piece) {
	k.t.Helper()
	state, hash := k.day(home, p.date)
	if state != p.state || hash != p.hash {
		k.t.Errorf("after a kill: %s %s, uninterrupted: %s %s", state, hash, p.state, p.hash)
	}
	if out := k.listing(home); out != p.out {
		k.t.Errorf("after a kill the outbox differs:\n%s\n%s", out, p.out)
	}
	k.must(0, "--home", home, "verify")
}

func (k *killing) day(home, date string) (state, hash string) {
	k.t.Helper()
	var view struct {
		State      string `json:"state"`
		ResultHash string `json:"result_hash"`
	}
	if err := json.Unmarshal(k.must(0, "--home", home, "day", date, "--json"), &view); err != nil {
		k.t.Fatal(err)
	}
	return view.State, view.ResultHash
}

// listing is the outbox with the bytes of its files, half-written ones included:
// the run after a kill must have cleared them away.
func (k *killing) listing(home string) string {
	k.t.Helper()
	entries, err := os.ReadDir(filepath.Join(home, "outbox"))
	if err != nil {
		k.t.Fatal(err)
	}
	list := ""
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(home, "outbox", e.Name()))
		if err != nil {
			k.t.Fatal(err)
		}
		list += e.Name() + "\n" + string(raw)
	}
	return list
}

func (k *killing) copyOf(home, name string) string {
	k.t.Helper()
	to := filepath.Join(k.dir, name)
	if err := os.CopyFS(to, os.DirFS(home)); err != nil {
		k.t.Fatal(err)
	}
	// CopyFS gives 0666 and 0777 less the umask; keys must be their owner's alone.
	keys, err := filepath.Glob(filepath.Join(to, "keys", "*"))
	if err != nil {
		k.t.Fatal(err)
	}
	for _, key := range append(keys, filepath.Join(to, "keys")) {
		info, err := os.Stat(key)
		if err != nil {
			k.t.Fatal(err)
		}
		mode := os.FileMode(0o600)
		if info.IsDir() {
			mode = 0o700
		}
		if err := os.Chmod(key, mode); err != nil {
			k.t.Fatal(err)
		}
	}
	return to
}
