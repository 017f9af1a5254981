// Package recharge keeps top-ups by prepaid telecom card (充值卡, 11888): a member
// gives a card's PIN, the operator debits the card, and the member's account is
// credited. The value of a card can be spent once by whoever knows its PIN, and
// a debit whose answer was lost has happened or not.
//
// So the PIN is kept as a keyed hash that is unique for ever; every state is
// written before the next call goes out; a debit is sent once, and one whose
// answer is not known is asked for, never sent again and never assumed.
//
//	r, err := recharges.Request(ctx, recharge.Recharge{Reference: "R1", Member: "U", Face: 100_00, ...})
//	err = recharges.Move(ctx, &r, states.RechargeAccept, "OK")
package recharge

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"custody/clearing/events"
	"custody/clearing/flows"
	"custody/clearing/states"
	"custody/internal/audit"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// Recharge is one top-up. The PIN is no part of it.
type Recharge struct {
	Reference   string               `db:"reference" json:"reference"`
	Member      string               `db:"member" json:"member"`
	Operator    string               `db:"operator" json:"operator"` // code of its channel
	Platform    string               `db:"platform" json:"platform"`
	Province    string               `db:"province" json:"province,omitempty"`
	CardPrefix  string               `db:"card_prefix" json:"card_prefix"`
	PINHash     string               `db:"pin_hash" json:"-"`
	Face        money.Amount         `db:"face_fen" json:"face_fen"`
	State       states.RechargeState `db:"state" json:"state"`
	OperatorNo  string               `db:"operator_no" json:"operator_no,omitempty"`
	MemberPPM   int64                `db:"member_ppm" json:"member_ppm"`
	OperatorPPM int64                `db:"operator_ppm" json:"operator_ppm"`
	Version     int                  `db:"ratio_version" json:"ratio_version"`
	Requested   bizdate.Date         `db:"requested_date" json:"requested"`
	Clearing    bizdate.Date         `db:"clearing_date" json:"clearing_date,omitempty"`
	Credited    bizdate.Date         `db:"credited_date" json:"credited,omitempty"`
	Tries       int                  `db:"tries" json:"queries"`
	NextQuery   int64                `db:"next_query_at" json:"-"` // Unix milliseconds
	Answer      string               `db:"answer" json:"answer,omitempty"`
}

const columns = `reference, member, operator, platform, province, card_prefix, pin_hash, face_fen, state, operator_no, member_ppm,
	operator_ppm, ratio_version, requested_date, clearing_date, credited_date, tries, next_query_at, answer`

// Audited is the table as the audit log covers it: every column.
var Audited = audit.Table{Name: "recharges", Key: []string{"reference"}, Columns: []string{"member", "operator", "platform", "province",
	"card_prefix", "pin_hash", "face_fen", "state", "operator_no", "member_ppm", "operator_ppm", "ratio_version", "requested_date",
	"clearing_date", "credited_date", "tries", "next_query_at", "answer"}}

// Hash is the keyed hash of a card's PIN (HMAC-SHA-256, in hex). Without the key
// the 10^18 PINs of a card cannot be tried against it.
func Hash(key []byte, cardPrefix, pin string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("recharge pin\n" + cardPrefix + "\n" + pin))
	return hex.EncodeToString(mac.Sum(nil))
}

// A PIN of a national card has 18 digits; provincial ones have from 8 on.
const (
	minPIN = 8
	maxPIN = 32
)

// CheckPIN refuses what is no PIN; the fault does not repeat it.
func CheckPIN(pin string) error {
	ok := len(pin) >= minPIN && len(pin) <= maxPIN
	for _, c := range pin {
		ok = ok && c >= '0' && c <= '9'
	}
	if !ok {
		return fault.Invalid("recharge.pin", minPIN, maxPIN)
	}
	return nil
}

// Recharges is the top-ups of one custody account within a transaction.
type Recharges struct{ flows.Journal }

// At returns the recharges of the journal's book.
func At(j flows.Journal) Recharges { return Recharges{j} }

// Find returns a recharge by its reference.
func (s Recharges) Find(ctx context.Context, reference string) (Recharge, bool, error) {
	var r Recharge
	found, err := s.Tx.Find(ctx, &r, "SELECT "+columns+" FROM recharges WHERE custody_id = ? AND reference = ?", s.Book.ID(), reference)
	return r, found, err
}

// InState returns the recharges in one of two states, in the order of their references.
func (s Recharges) InState(ctx context.Context, state, or states.RechargeState) ([]Recharge, error) {
	var list []Recharge
	err := s.Tx.Select(ctx, &list, "SELECT "+columns+` FROM recharges WHERE custody_id = ? AND state IN (?, ?) ORDER BY reference`,
		s.Book.ID(), state, or)
	return list, err
}

// All returns the recharges in order of reference, at most limit.
func (s Recharges) All(ctx context.Context, limit int) ([]Recharge, error) {
	var list []Recharge
	err := s.Tx.Select(ctx, &list, "SELECT "+columns+" FROM recharges WHERE custody_id = ? ORDER BY reference LIMIT ?", s.Book.ID(), limit)
	return list, err
}

// CreditedOn returns what was credited under an operator's clearing date.
func (s Recharges) CreditedOn(ctx context.Context, operator string, clearing bizdate.Date) ([]Recharge, error) {
	var list []Recharge
	err := s.Tx.Select(ctx, &list, "SELECT "+columns+` FROM recharges WHERE custody_id = ? AND operator = ? AND clearing_date = ? AND state = ?
		ORDER BY reference`, s.Book.ID(), operator, clearing, states.RechargeCredited)
	return list, err
}

// Request takes a top-up down before the operator is asked. The same request once
// more returns what became of it; the reference with another request is
// recharge.reference, a PIN that was ever given before recharge.pin_used.
func (s Recharges) Request(ctx context.Context, r Recharge) (Recharge, error) {
	was, found, err := s.Find(ctx, r.Reference)
	if err != nil {
		return r, err
	}
	if found {
		if was.PINHash != r.PINHash || was.Face != r.Face || was.Member != r.Member {
			return was, fault.Invalid("recharge.reference", r.Reference).On("--ref", r.Reference)
		}
		return was, nil
	}
	var used string
	if found, err = s.Tx.Find(ctx, &used, "SELECT reference FROM recharges WHERE custody_id = ? AND pin_hash = ?", s.Book.ID(), r.PINHash); err != nil {
		return r, err
	}
	if found {
		return r, fault.Invalid("recharge.pin_used", used)
	}
	if r.State, err = states.Recharge.Next(states.New, states.RechargeRequest); err != nil {
		return r, err
	}
	r.Requested = s.Date
	_, err = s.Tx.Exec(ctx, "INSERT INTO recharges (custody_id, "+columns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?, ?, ?, 0, 0, 0, 0, '')",
		s.Book.ID(), r.Reference, r.Member, r.Operator, r.Platform, r.Province, r.CardPrefix, r.PINHash, r.Face, r.State,
		r.MemberPPM, r.OperatorPPM, r.Version, r.Requested)
	if err != nil {
		return r, err
	}
	return r, s.tell(ctx, r, states.New, states.RechargeRequest)
}

// Move takes a recharge one event further; r holds what else the event brings.
func (s Recharges) Move(ctx context.Context, r *Recharge, event states.RechargeEvent, answer string) error {
	now, found, err := s.Find(ctx, r.Reference)
	if err != nil || !found {
		return orUnknown(err, r.Reference)
	}
	was := now.State
	if r.State, err = states.Recharge.Next(was, event); err != nil {
		return err
	}
	r.Answer = answer
	if err := s.save(ctx, *r, was); err != nil {
		return err
	}
	return s.tell(ctx, *r, was, event)
}

func orUnknown(err error, reference string) error {
	if err == nil {
		err = fault.Invalid("recharge.unknown", reference).On("REFERENCE", reference)
	}
	return err
}

// save writes a row that is still in the state that was read: else state.illegal.
func (s Recharges) save(ctx context.Context, r Recharge, was states.RechargeState) error {
	n, err := s.Tx.Exec(ctx, `UPDATE recharges SET state = ?, operator_no = ?, clearing_date = ?, credited_date = ?, tries = ?, next_query_at = ?, answer = ?
		WHERE custody_id = ? AND reference = ? AND state = ?`,
		r.State, r.OperatorNo, r.Clearing, r.Credited, r.Tries, r.NextQuery, r.Answer, s.Book.ID(), r.Reference, was)
	if err == nil && n != 1 {
		err = fault.Invalid("state.illegal", states.Recharge.Name(), string(was), string(r.State))
	}
	return err
}

// tell records the change in the audit log and the event log, without the card.
func (s Recharges) tell(ctx context.Context, r Recharge, was states.RechargeState, event states.RechargeEvent) error {
	if err := Audited.Record(ctx, s.Tx, s.Book.ID(), s.At, s.Actor, "recharge."+string(event), []any{r.Reference}, nil); err != nil {
		return err
	}
	return events.Append(ctx, s.Tx, s.Book.ID(), events.Event{Date: s.Date, Kind: events.Recharge, Subject: r.Reference, From: string(was),
		To: string(r.State), Payload: map[string]any{"member": r.Member, "operator": r.Operator, "face_fen": r.Face, "answer": r.Answer}})
}

// Credit gives the member his share of a debited card (E10a) and ends the recharge.
func (s Recharges) Credit(ctx context.Context, r *Recharge) error {
	err := s.Recharges().Credit(ctx, flows.Recharge{Reference: r.Reference, Channel: r.Operator, Clearing: r.Clearing, Member: r.Member,
		Face: r.Face, MemberPPM: r.MemberPPM, OperatorPPM: r.OperatorPPM})
	if err != nil {
		return err
	}
	r.Credited = s.Date
	return s.Move(ctx, r, states.RechargeCredit, r.Answer)
}

// ladder is when a debit whose answer is unknown is asked for: after five
// minutes, then ever less often, at last once a day.
var ladder = []time.Duration{5 * time.Minute, 15 * time.Minute, 30 * time.Minute, 2 * time.Hour, 24 * time.Hour}

// NextQuery is when to ask after some tries.
func NextQuery(now time.Time, tries int) time.Time { return now.Add(ladder[min(tries, len(ladder)-1)]) }

// Asked notes a query that brought no answer.
func (s Recharges) Asked(ctx context.Context, r Recharge, now time.Time) error {
	r.Tries++
	r.NextQuery = NextQuery(now, r.Tries).UnixMilli()
	if err := s.save(ctx, r, r.State); err != nil {
		return err
	}
	return Audited.Record(ctx, s.Tx, s.Book.ID(), s.At, s.Actor, "recharge.query", []any{r.Reference}, nil)
}
