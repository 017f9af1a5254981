package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
	"github.com/spf13/cobra"

	"custody/clearing"
	"custody/internal/bizdate"
	"custody/internal/fault"
)

// schedulerUser is the user of the books in whose name days are played at night.
const schedulerUser = "scheduler"

// serveFlags are the choices of custody serve.
type serveFlags struct {
	listen string
	replay bool
}

// newServeCmd runs the scheduler and the status page in one process.
func newServeCmd(a *app) *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{Use: "serve", Short: a.t("cli.serve.short"), Args: cobra.NoArgs,
		RunE: a.opened(func(ctx context.Context, e *clearing.Engine, _ []string) error { return a.serve(ctx, e, f) })}
	cmd.Flags().StringVar(&f.listen, "listen", "127.0.0.1:8080", a.t("cli.flag.listen"))
	cmd.Flags().BoolVar(&f.replay, "replay", false, a.t("cli.flag.replay"))
	return cmd
}

// server is the scheduler and what its page shows of it.
type server struct {
	a      *app
	engine *clearing.Engine
	plays  bool
	log    *slog.Logger

	mu      sync.Mutex
	played  time.Time // when the scheduler last looked
	running bool
	failure error // of the last look
}

// graceSeconds is how long a stop waits for requests; a step that is being
// played is cut off at once and starts again from its checkpoint.
const graceSeconds = 10

func (a *app) serve(ctx context.Context, e *clearing.Engine, f serveFlags) error {
	e.Progress = nil
	s := &server{a: a, engine: e, plays: plays(e.Config.Clock, f.replay), log: slog.New(slog.NewTextHandler(a.err, nil))}
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fault.Invalid("cli.listen").On("--listen", f.listen).Because(err)
	}
	if addr, ok := listener.Addr().(*net.TCPAddr); ok && !addr.IP.IsLoopback() {
		a.note("cli.serve.open")
	}
	// Headers of 64 KiB and ten seconds to send them are plenty for a page
	// without forms, and bound what an idle connection costs.
	web := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10}
	timer := s.schedule(ctx)
	timer.Start()
	a.note("cli.serve.at", "http://"+listener.Addr().String()+"/")
	if !s.plays {
		a.note("cli.serve.replay")
	}
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }()
	select {
	case err = <-failed:
	case <-ctx.Done():
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceSeconds*time.Second)
		defer cancel()
		err = web.Shutdown(grace)
	}
	<-timer.Stop().Done()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// atOnce is a schedule whose first moment is now.
type atOnce struct {
	cron.Schedule
	begun bool
}

// Next returns the moment that follows t; the scheduler asks from one goroutine.
func (s *atOnce) Next(t time.Time) time.Time {
	if !s.begun {
		s.begun = true
		return t
	}
	return s.Schedule.Next(t)
}

// schedule looks at once and then every minute for what is due; a look that takes longer lets
// the next ones pass, and a panic ends one look, not the process.
func (s *server) schedule(ctx context.Context) *cron.Cron {
	logger := cronLog{s.log}
	timer := cron.New(cron.WithLocation(bizdate.Zone), cron.WithLogger(logger), cron.WithChain(cron.Recover(logger), cron.SkipIfStillRunning(logger)))
	timer.Schedule(&atOnce{Schedule: cron.Every(time.Minute)}, cron.FuncJob(func() { s.look(ctx) }))
	return timer
}

// cronLog keeps what goes wrong and leaves out that a minute has passed.
type cronLog struct{ *slog.Logger }

// Info is of no interest.
func (cronLog) Info(string, ...any) {}

// Error logs what ended a look.
func (l cronLog) Error(err error, msg string, keysAndValues ...any) {
	l.Logger.Error(msg, append(keysAndValues, "error", err)...)
}

// look plays every due day, oldest first. A day that waits does not stop the
// days after it: the day phase of D+1 runs beside the night phase of D.
func (s *server) look(ctx context.Context) {
	if !s.plays || ctx.Err() != nil {
		return
	}
	s.mark(true, nil)
	err := s.playDue(ctx)
	if ctx.Err() != nil {
		err = nil // stopped, not failed: what was begun goes on at the next start
	}
	if err != nil {
		s.log.Error("a day was not played", "code", fault.CodeOf(err), "error", err)
	}
	s.mark(false, err)
}

func (s *server) mark(running bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running, s.played = running, s.engine.Clock.Now()
	if !running {
		s.failure = err
	}
}

func (s *server) playDue(ctx context.Context) error {
	known, err := knownDays(ctx, s.engine, maxPeriod)
	if err != nil {
		return err
	}
	due := dueDays(known, bizdate.Of(s.engine.Clock.Now()))
	if s.engine.Config.Clock == clearing.Replay {
		names, err := inboxNames(s.engine.Home)
		if err != nil {
			return err
		}
		due = dueReplayed(known, names)
	}
	for _, date := range due {
		_, err := s.engine.Run(ctx, clearing.RunRequest{Date: date, Actor: schedulerUser})
		if code := fault.ExitCode(err); code != 0 && code != int(fault.Waiting) && code != int(fault.Busy) {
			return err
		}
	}
	return nil
}

func inboxNames(home string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(home, "inbox"))
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names, err
}
