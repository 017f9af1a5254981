package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"custody/clearing"
	"custody/internal/bizdate"
	"custody/internal/clock"
	"custody/internal/fault"
	"custody/testdata"
)

// demoDir makes an initialised home of the demonstration.
func demoDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	err := fs.WalkDir(testdata.Demo(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return errors.Join(err, os.MkdirAll(filepath.Join(dir, name), 0o755))
		}
		raw, err := fs.ReadFile(testdata.Demo(), name)
		return errors.Join(err, os.WriteFile(filepath.Join(dir, name), raw, 0o644))
	})
	if err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := typed(t, "--home", dir, "init"); code != 0 {
		t.Fatal(stderr)
	}
	return dir
}

// served opens a home as custody serve does.
func served(t *testing.T, home string, replay bool) *server {
	t.Helper()
	a := newApp([]string{"--lang", "en"}, func(string) string { return "" }, nil, io.Discard, io.Discard)
	a.home = home
	e, err := clearing.Open(t.Context(), a.options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	e, _ = a.wire(e)
	e.Progress = nil
	return &server{a: a, engine: e, plays: plays(e.Config.Clock, replay), log: slog.New(slog.DiscardHandler)}
}

func get(t *testing.T, s *server, method, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	return w.Code, w.Body.String()
}

func TestPageRefuses(t *testing.T) {
	s := served(t, demoDir(t), false)
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{http.MethodGet, "/custody.db", http.StatusNotFound},
		{http.MethodGet, "/..%2fcustody.yaml", http.StatusNotFound},
		{http.MethodPost, "/", http.StatusMethodNotAllowed},
		{http.MethodDelete, "/healthz", http.StatusMethodNotAllowed},
	} {
		if code, _ := get(t, s, c.method, c.path); code != c.want {
			t.Errorf("%s %s: got %d, want %d", c.method, c.path, code, c.want)
		}
	}
}

// TestReplayedHomeStandsStill: without --replay nothing is played, and the page
// says so, in the reader's language.
func TestReplayedHomeStandsStill(t *testing.T) {
	s := served(t, demoDir(t), false)
	s.look(t.Context())
	if days, err := knownDays(t.Context(), s.engine, 10); err != nil || len(days) != 0 {
		t.Errorf("got %v, %v", days, err)
	}
	for path, want := range map[string]string{"/": "custody serve --replay", "/?lang=zh": "模拟环境"} {
		if code, body := get(t, s, http.MethodGet, path); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d, %q is missing:\n%s", path, code, want, body)
		}
	}
}

// TestScheduler plays the demonstration as far as a scheduler can: the first
// day whole, the second until a maker has to submit the batch.
func TestScheduler(t *testing.T) {
	s := served(t, demoDir(t), true)
	for range 3 {
		s.look(t.Context())
	}
	if s.failure != nil {
		t.Fatal(s.failure)
	}
	days, err := knownDays(t.Context(), s.engine, 10)
	if err != nil || len(days) != 2 || !days[1].closed() || days[0].closed() {
		t.Fatalf("got %v, %v", days, err)
	}
	_, body := get(t, s, http.MethodGet, "/")
	for _, want := range []string{"<h2>2026-02-12 closed and sealed</h2>", "<h2>2026-02-13 open</h2>", "<td>R11</td>", "PO20260213-01", "the scheduler last looked at"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q:\n%s", want, body)
		}
	}
}

func TestPageEscapes(t *testing.T) {
	s := served(t, demoDir(t), false)
	s.engine.Config.Name = `<script>alert("1")</script>`
	s.failure = fault.Invalid("cli.batch").On("BATCH", "<b>")
	_, body := get(t, s, http.MethodGet, "/")
	if strings.Contains(body, "<script>") || strings.Contains(body, "<b>") || !strings.Contains(body, "&lt;script&gt;") {
		t.Errorf("not escaped:\n%s", body)
	}
}

func TestHealth(t *testing.T) {
	s := served(t, demoDir(t), true)
	now := bizdate.New(2026, 2, 12).At(12, 0)
	s.engine.Clock = clock.Fixed(now)
	for _, c := range []struct {
		name    string
		played  time.Time
		running bool
		want    int
	}{
		{"just started", time.Time{}, false, http.StatusOK},
		{"looked a minute ago", now.Add(-time.Minute), false, http.StatusOK},
		{"has not looked for long", now.Add(-time.Hour), false, http.StatusServiceUnavailable},
		{"is at work for long", now.Add(-time.Hour), true, http.StatusOK},
	} {
		s.played, s.running = c.played, c.running
		if code, _ := get(t, s, http.MethodGet, "/healthz"); code != c.want {
			t.Errorf("%s: got %d, want %d", c.name, code, c.want)
		}
	}
	if err := s.engine.DB.Close(); err != nil {
		t.Fatal(err)
	}
	s.running = true
	if code, _ := get(t, s, http.MethodGet, "/healthz"); code != http.StatusServiceUnavailable {
		t.Errorf("without a database: got %d", code)
	}
}

func TestServeListensAndStops(t *testing.T) {
	home := demoDir(t)
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	code, _, stderr := typed(t, "--home", home, "serve", "--listen", taken.Addr().String())
	if code != 2 || !strings.Contains(stderr, taken.Addr().String()) {
		t.Errorf("a taken address: exit code %d, %s", code, stderr)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	code = run(ctx, []string{"--home", home, "serve", "--listen", "127.0.0.1:0"}, func(string) string { return "" }, nil, io.Discard, io.Discard)
	if code != 0 {
		t.Errorf("stopped by a signal: exit code %d", code)
	}
}

// TestTheFirstLookIsAtOnce: whoever starts the scheduler need not wait a minute.
func TestTheFirstLookIsAtOnce(t *testing.T) {
	s := served(t, demoDir(t), true)
	timer := s.schedule(t.Context())
	timer.Start()
	deadline := time.Now().Add(30 * time.Second)
	for looked := false; !looked && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		s.mu.Lock()
		looked = !s.played.IsZero()
		s.mu.Unlock()
	}
	<-timer.Stop().Done()
	if s.played.IsZero() || s.failure != nil {
		t.Errorf("looked at %v, %v", s.played, s.failure)
	}
}

func TestScheduleGoesOnEveryMinute(t *testing.T) {
	plan := &atOnce{Schedule: cron.Every(time.Minute)}
	start := time.Date(2026, 2, 13, 8, 0, 30, 0, bizdate.Zone)
	first := plan.Next(start)
	if second := plan.Next(first); !first.Equal(start) || !second.Equal(start.Add(time.Minute)) {
		t.Errorf("got %v, then %v", first, second)
	}
}
