package bench_test

import (
	"context"
	"encoding/json"
	"testing"

	"custody/cmd/custody/bench"
	"custody/internal/fault"
)

func TestMatchRefusesSizesThatShowNothing(t *testing.T) {
	for _, lines := range []int{-1, 0, 99, 4_000_001} {
		_, err := bench.Match(context.Background(), bench.Options{}, lines)
		if code := fault.CodeOf(err); code != "bench.lines" {
			t.Errorf("%d lines: %q", lines, code)
		}
	}
}

// The child finds every line that has a partner, and says so in the contract's keys.
func TestMatchChild(t *testing.T) {
	raw, err := bench.RunChild(context.Background(), []string{"match", "1000"})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]float64
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 4 || got["lines"] != 1000 || got["seconds"] < 0 || got["lines_per_second"] <= 0 || got["peak_rss_mib"] < 0 {
		t.Errorf("%s", raw)
	}
	if _, err := bench.RunChild(context.Background(), []string{"match", "many"}); err == nil {
		t.Error("many lines were measured")
	}
}
