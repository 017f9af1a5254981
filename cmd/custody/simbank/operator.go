package simbank

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"custody/bankfiles/cardsettle"
	"custody/internal/bizdate"
	"custody/internal/money"
)

// Operator plays a telecom operator's platform for prepaid cards over HTTP. The
// last digit of a card's PIN says what happens to it:
//
//	1  the card is refused
//	2  the debit is refused
//	3  the debit happens and its answer is lost; a query knows
//	4  the debit does not happen and its answer is lost; a query knows
//	5  the debit happens, its answer is lost, and so are all queries: the settlement knows
//	   every other: it works
//
// A PIN is debited once: under another reference it is refused. The settlement of
// its date is got by GET /v1/settlement?date=2026-02-13.
type Operator struct {
	Code     string        // of the operator in its settlement
	Date     bizdate.Date  // its clearing date
	SharePPM int64         // what it keeps
	Lost     time.Duration // how long a lost answer takes to be given up
	mu       sync.Mutex
	debits   map[string]cardsettle.Row // by reference
	used     map[string]string         // reference by PIN
	lost     map[string]bool           // references whose queries are lost
}

type cardCall struct {
	Reference string       `json:"reference"`
	Prefix    string       `json:"card_prefix"`
	PIN       string       `json:"pin"`
	Face      money.Amount `json:"face_fen"`
}

// maxCallBytes bounds a call: a card takes 200 bytes.
const maxCallBytes = 4 << 10

// ServeHTTP answers one call.
func (o *Operator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v1/settlement" {
		o.settlement(w, r)
		return
	}
	var call cardCall
	if err := json.NewDecoder(io.LimitReader(r.Body, maxCallBytes)).Decode(&call); err != nil || call.Reference == "" || r.Method != http.MethodPost {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	code, silent := o.answer(r.URL.Path, call)
	if silent {
		time.Sleep(o.Lost)
		w.WriteHeader(http.StatusGatewayTimeout)
		return
	}
	answer := map[string]any{"code": code}
	if code == "DEBITED" {
		o.mu.Lock()
		row := o.debits[call.Reference]
		o.mu.Unlock()
		answer["operator_no"], answer["clearing_date"] = row.Operator, bizdate.Of(row.Time)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// answer says what a call comes to, and whether nobody hears of it.
func (o *Operator) answer(path string, call cardCall) (code string, silent bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.debits == nil {
		o.debits, o.used, o.lost = map[string]cardsettle.Row{}, map[string]string{}, map[string]bool{}
	}
	ends := func(digits string) bool {
		return call.PIN != "" && strings.Contains(digits, call.PIN[len(call.PIN)-1:])
	}
	_, debited := o.debits[call.Reference]
	switch path {
	case "/v1/query":
		if debited {
			return "DEBITED", o.lost[call.Reference]
		}
		return "NOT_DEBITED", false
	case "/v1/authenticate":
		if by, used := o.used[call.PIN]; ends("1") || used && by != call.Reference {
			return "REFUSED", false
		}
		return "OK", false
	case "/v1/debit":
		return o.debit(call, debited, ends)
	}
	return "", true
}

func (o *Operator) debit(call cardCall, debited bool, ends func(string) bool) (code string, silent bool) {
	by, used := o.used[call.PIN]
	if ends("2") || used && by != call.Reference {
		return "REFUSED", false
	}
	if !debited && !ends("4") {
		share, err := call.Face.MulRate(o.SharePPM, money.Floor)
		if err != nil {
			return "REFUSED", false
		}
		o.used[call.PIN] = call.Reference
		o.debits[call.Reference] = cardsettle.Row{Kind: cardsettle.Debit, Serial: call.Reference, Operator: "T" + strconv.Itoa(len(o.debits)+1),
			Province: "GD", Face: call.Face, Share: share, Net: call.Face - share, Time: o.Date.At(10, len(o.debits)%60)}
	}
	o.lost[call.Reference] = ends("5")
	return "DEBITED", ends("345")
}

// settlement writes the debits of a date.
func (o *Operator) settlement(w http.ResponseWriter, r *http.Request) {
	date, err := bizdate.Parse(r.URL.Query().Get("date"))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if err := o.Settle(w, date); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// Settle writes the settlement file of a date.
func (o *Operator) Settle(w io.Writer, date bizdate.Date) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var rows []cardsettle.Row
	for _, row := range o.debits {
		if bizdate.Of(row.Time) == date {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b cardsettle.Row) int { return strings.Compare(a.Serial, b.Serial) })
	return cardsettle.Write(w, o.Code, date, slices.Values(rows))
}
