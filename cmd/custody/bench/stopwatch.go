package bench

import (
	"cmp"
	"time"
)

// stopwatch adds up the time of named phases. One phase runs at a time.
type stopwatch struct {
	names   []string // in the order in which they were first entered
	spent   map[string]time.Duration
	current string
	since   time.Time
}

// enter stops the running phase and starts the named one.
func (s *stopwatch) enter(name string) {
	if s.current == name {
		return
	}
	s.stop()
	if s.spent == nil {
		s.spent = map[string]time.Duration{}
	}
	if _, known := s.spent[name]; !known {
		s.names = append(s.names, name)
		s.spent[name] = 0
	}
	s.current, s.since = name, time.Now()
}

// stop stops the running phase.
func (s *stopwatch) stop() {
	if s.current != "" {
		s.spent[s.current] += time.Since(s.since)
	}
	s.current = ""
}

func (s *stopwatch) total() time.Duration {
	var sum time.Duration
	for _, d := range s.spent {
		sum += d
	}
	return cmp.Or(sum, 1) // a ratio never divides by zero
}
