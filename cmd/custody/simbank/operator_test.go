package simbank_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"custody/bankfiles/cardsettle"
	"custody/cmd/custody/simbank"
	"custody/internal/bizdate"
)

// TestOperator: a PIN is debited once, what is lost is known to a query or to the
// settlement alone, and the settlement lists exactly what was debited.
func TestOperator(t *testing.T) {
	date := bizdate.MustParse("2026-02-13")
	o := &simbank.Operator{Code: "TEL", Date: date, SharePPM: 100_000}
	server := httptest.NewServer(o)
	defer server.Close()
	call := func(path, reference, pin string) (int, string) {
		t.Helper()
		answer, err := http.Post(server.URL+path, "application/json", strings.NewReader(`{"reference":"`+reference+`","pin":"`+pin+`","face_fen":10000}`))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var a struct{ Code string }
		_ = json.NewDecoder(answer.Body).Decode(&a)
		return answer.StatusCode, a.Code
	}
	for _, c := range []struct {
		path, reference, pin string
		status               int
		code                 string
	}{
		{"/v1/authenticate", "A", "1001", 200, "REFUSED"},
		{"/v1/authenticate", "B", "1000", 200, "OK"},
		{"/v1/debit", "B", "1000", 200, "DEBITED"},
		{"/v1/debit", "B", "1000", 200, "DEBITED"}, // the same reference: the same debit
		{"/v1/debit", "C", "1000", 200, "REFUSED"}, // the same card again
		{"/v1/debit", "D", "1002", 200, "REFUSED"},
		{"/v1/debit", "E", "1003", 504, ""}, {"/v1/query", "E", "", 200, "DEBITED"},
		{"/v1/debit", "F", "1004", 504, ""}, {"/v1/query", "F", "", 200, "NOT_DEBITED"},
		{"/v1/debit", "G", "1005", 504, ""}, {"/v1/query", "G", "", 504, ""},
		{"/v1/debit", "", "1006", 400, ""}, {"/v1/nothing", "H", "1006", 504, ""},
	} {
		if status, code := call(c.path, c.reference, c.pin); status != c.status || code != c.code {
			t.Errorf("%s %s: got %d %s, want %d %s", c.path, c.reference, status, code, c.status, c.code)
		}
	}
	var file bytes.Buffer
	if err := o.Settle(&file, date); err != nil {
		t.Fatal(err)
	}
	var listed []string
	sum, err := cardsettle.Read("card.txt", &file, func(r *cardsettle.Row) error { listed = append(listed, r.Serial); return nil })
	if err != nil || strings.Join(listed, " ") != "B E G" || sum.Net != 270_00 {
		t.Errorf("the settlement lists %v, %+v, %v", listed, sum, err)
	}
}
