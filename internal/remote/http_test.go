package remote_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"custody/internal/fault"
	"custody/internal/remote"
)

// TestPostJSON: only a whole, short answer is knowledge; everything else is a
// fault that says whether the request may have been carried out.
func TestPostJSON(t *testing.T) {
	answers := map[string]func(http.ResponseWriter, *http.Request){
		"/good":   func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"code":"OK"}`)) },
		"/bad":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) },
		"/again":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
		"/waited": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestTimeout) },
		"/broken": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"/moved": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/good", http.StatusTemporaryRedirect)
		},
		"/text": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`hello`)) },
		"/long": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`"` + strings.Repeat("x", 70_000) + `"`))
		},
		"/slow": func(_ http.ResponseWriter, _ *http.Request) { time.Sleep(400 * time.Millisecond) },
		"/cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{`))
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answers[r.URL.Path](w, r) }))
	defer server.Close()
	client := remote.New(200*time.Millisecond, true)
	for path, want := range map[string]string{"/good": "", "/bad": "remote.refused", "/again": "remote.silent", "/waited": "remote.silent",
		"/broken": "remote.silent", "/moved": "remote.silent",
		"/text": "remote.answer", "/long": "remote.answer", "/slow": "remote.silent", "/cut": "remote.silent"} {
		var answer struct{ Code string }
		err := client.PostJSON(context.Background(), server.URL+path, map[string]string{"a": "b"}, &answer)
		if got := fault.CodeOf(err); got != want {
			t.Errorf("%s: got %q (%v), want %q", path, got, err, want)
		}
		if want == "" && answer.Code != "OK" {
			t.Errorf("%s: %+v", path, answer)
		}
	}
	err := remote.New(time.Second, false).PostJSON(context.Background(), server.URL+"/good", 1, nil)
	if got := fault.CodeOf(err); got != "remote.address" {
		t.Errorf("plain http: got %q, want remote.address", got)
	}
	silent := httptest.NewServer(nil)
	silent.Close()
	if got := fault.CodeOf(client.PostJSON(context.Background(), silent.URL, 1, nil)); got != "remote.silent" {
		t.Errorf("nobody there: got %q", got)
	}
}
