package atomicfile_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"custody/internal/atomicfile"
	"custody/internal/fault"
)

// names lists a directory: what a failed write must not add to.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFailingWriterLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "seal.json")
	if err := atomicfile.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	stop := errors.New("stop")
	err := atomicfile.Write(path, 0o600, func(w io.Writer) error {
		if _, err := io.WriteString(w, strings.Repeat("new", 100_000)); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Errorf("got %v, want the writer's own error", err)
	}
	if got := read(t, path); got != "old" {
		t.Errorf("the old file now holds %d bytes", len(got))
	}
	if diff := cmp.Diff([]string{"seal.json"}, names(t, dir)); diff != "" {
		t.Errorf("litter (-want +got):\n%s", diff)
	}
}

func TestFailingWriterLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	stop := errors.New("stop")
	err := atomicfile.Write(filepath.Join(dir, "a"), 0o600, func(io.Writer) error { return stop })
	if !errors.Is(err, stop) || len(names(t, dir)) != 0 {
		t.Errorf("got %v and left %v", err, names(t, dir))
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "taken"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"missing/a", "taken"} {
		err := atomicfile.WriteFile(filepath.Join(dir, name), nil, 0o600)
		if fault.CodeOf(err) != "atomicfile.write" || fault.ExitCode(err) != 1 {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if diff := cmp.Diff([]string{"taken"}, names(t, dir)); diff != "" {
		t.Errorf("litter (-want +got):\n%s", diff)
	}
}

func TestWriteReplacesAndSetsTheMode(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.csv")
	for _, step := range []struct {
		data string
		perm fs.FileMode
	}{{"first", 0o644}, {"the second, longer", 0o600}, {"", 0o640}} {
		if err := atomicfile.WriteFile(path, []byte(step.data), step.perm); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, path); got != step.data || info.Mode() != step.perm {
			t.Errorf("got %q with %v, want %q with %v", got, info.Mode(), step.data, step.perm)
		}
	}
}

func TestUnfinishedFileIsRecognisable(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "b.csv")
	err := atomicfile.Write(path, 0o600, func(io.Writer) error {
		seen := names(t, dir)
		if len(seen) != 1 || !atomicfile.IsTemp(seen[0]) {
			t.Errorf("while writing the directory holds %v", seen)
		}
		return nil
	})
	if err != nil || atomicfile.IsTemp(path) {
		t.Errorf("got %v", err)
	}
}

func TestCreateNeverReplaces(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	won := make(chan string, 8)
	var all sync.WaitGroup
	for _, who := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		all.Go(func() {
			err := atomicfile.Create(path, []byte(who), 0o600)
			if err == nil {
				won <- who
			} else if !errors.Is(err, fs.ErrExist) || fault.CodeOf(err) != "atomicfile.write" {
				t.Errorf("%s: got %v", who, err)
			}
		})
	}
	all.Wait()
	if len(won) != 1 {
		t.Fatalf("%d creators won", len(won))
	}
	if got, want := read(t, path), <-won; got != want {
		t.Errorf("the file is of %s, the winner was %s", got, want)
	}
	if diff := cmp.Diff([]string{"key"}, names(t, dir)); diff != "" {
		t.Errorf("litter (-want +got):\n%s", diff)
	}
}

// TestSweep: what a killed process left goes when it is old; nothing else does.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	old, young, whole := ".a.txt.1"+atomicfile.TempSuffix, ".b.txt.2"+atomicfile.TempSuffix, "c.txt"
	for _, name := range []string{old, young, whole} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Date(2026, 2, 13, 10, 0, 0, 0, time.UTC)
	for name, at := range map[string]time.Time{old: now.Add(-2 * time.Hour), young: now, whole: now.Add(-2 * time.Hour)} {
		if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := atomicfile.Sweep(dir, now.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{young, whole}) {
		t.Errorf("left %q", got)
	}
	if err := atomicfile.Sweep(filepath.Join(dir, "none"), now); err != nil {
		t.Error(err)
	}
}

// TestSweepOf: only what was left of this one file goes.
func TestSweepOf(t *testing.T) {
	dir := t.TempDir()
	own, other, whole := ".a.txt.1"+atomicfile.TempSuffix, ".aa.txt.1"+atomicfile.TempSuffix, "a.txt"
	for _, name := range []string{own, other, whole} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := atomicfile.SweepOf(filepath.Join(dir, "a.txt")); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{other, whole}) {
		t.Errorf("left %q", got)
	}
}
