package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"time"

	"custody/clearing"
	"custody/internal/bizdate"
	"custody/internal/lang"
)

//go:embed page.html
var pageText string

// page is what the status page shows.
type page struct {
	Lang    lang.Lang
	Custody string
	Name    string
	Replay  bool
	Plays   bool
	Played  string
	Failure string
	Days    []dayOnPage
}

// dayOnPage is a day with its states in words.
type dayOnPage struct {
	Date, State string
	Waits       []string
	Checks      []checkOnPage
}

type checkOnPage struct {
	ID, Name, State, Difference string
	OK                          bool
}

// pageDays is how many days the page shows: two weeks.
const pageDays = 14

// handler serves the page and the health check; both only read.
func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.status)
	mux.HandleFunc("GET /healthz", s.health)
	return mux
}

// speaker is the app in the language that the reader of a page asks for.
func (s *server) speaker(r *http.Request) *app {
	spoken := *s.a
	if l := r.URL.Query().Get("lang"); l != "" {
		spoken.lang = lang.Parse(l)
	}
	return &spoken
}

func (s *server) status(w http.ResponseWriter, r *http.Request) {
	a := s.speaker(r)
	view, err := s.page(r, a)
	if err != nil {
		s.log.Error("the page was not drawn", "error", err)
		http.Error(w, lang.Message(a.lang, err), http.StatusInternalServerError)
		return
	}
	tmpl, err := template.New("").Funcs(template.FuncMap{"t": a.t}).Parse(pageText)
	var body bytes.Buffer
	if err == nil {
		err = tmpl.Execute(&body, view)
	}
	if err != nil {
		s.log.Error("the page was not drawn", "error", err)
		http.Error(w, lang.Message(a.lang, err), http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	_, _ = w.Write(body.Bytes()) // a reader who left needs no answer
}

func (s *server) page(r *http.Request, a *app) (*page, error) {
	e := s.engine
	p := &page{Lang: a.lang, Custody: e.Config.Code, Name: e.Config.Name, Replay: e.Config.Clock == clearing.Replay, Plays: s.plays}
	s.mu.Lock()
	if !s.played.IsZero() {
		p.Played = s.played.In(bizdate.Zone).Format("2006-01-02 15:04:05")
	}
	if s.failure != nil {
		p.Failure = lang.Report(a.lang, a.worded(s.failure))
	}
	s.mu.Unlock()
	days, err := knownDays(r.Context(), e, pageDays)
	if err != nil {
		return nil, err
	}
	for _, d := range days {
		view, err := dayWithWaits(r.Context(), e, d.Date)
		if err != nil {
			return nil, err
		}
		day := dayOnPage{Date: d.Date.String(), State: a.named("state", view.State)}
		for _, wait := range view.Waits {
			day.Waits = append(day.Waits, a.waitLine(wait))
		}
		for _, c := range view.Checks {
			day.Checks = append(day.Checks, checkOnPage{c.ID, a.named("check", c.ID), a.named("check_state", c.State), c.Difference.Grouped(), c.OK})
		}
		p.Days = append(p.Days, day)
	}
	return p, nil
}

// staleMinutes is how old the scheduler's last look may be before it counts as
// dead: it looks every minute, and a look that is at work is not stale.
const staleMinutes = 5

func (s *server) health(w http.ResponseWriter, r *http.Request) {
	_, err := knownDays(r.Context(), s.engine, 1)
	s.mu.Lock()
	stale := s.plays && !s.running && !s.played.IsZero() && s.engine.Clock.Now().Sub(s.played) > staleMinutes*time.Minute
	s.mu.Unlock()
	ok := err == nil && !stale
	w.Header().Set("Content-Type", "application/json")
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(map[string]bool{"ok": ok}) // a reader who left needs no answer
}
