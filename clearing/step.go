// Package clearing is the clearing day (清算日): what each file and instruction
// means in money, step by step, until the day is proven, closed and sealed.
//
// A day has two phases. In the day phase (日间) arrived money is released and
// paid out; in the night phase (日终) the files of the day are booked,
// reconciled and split, and the day is closed. Every step commits its work and
// its checkpoint together, so a killed run is simply started again.
//
//	view, err := engine.Run(ctx, clearing.RunRequest{Date: date, Actor: "maker1"})
//	// view.State is CLOSED, or view.WaitsFor says what has to come first
package clearing

import (
	"context"
	"io"
	"time"

	"custody/clearing/calendar"
	"custody/internal/bizdate"
	"custody/internal/clock"
	"custody/internal/money"
	"custody/internal/signing"
	"custody/internal/store"
	"custody/subaccounts"
)

// Phase is one of the two halves of an accounting day.
type Phase string

// The phases of a day D.
const (
	DayPhase   Phase = "day"   // 日间, on D itself when it is a working day
	NightPhase Phase = "night" // 日终, from 00:00 of D+1, every natural day
)

// Step is one step of a day (步骤). Run does its work for one date; it is
// called again after an interruption and must then find what is already done.
type Step struct {
	Name  string
	Phase Phase
	// Run returns what it counted, or the things it waits for.
	Run func(ctx context.Context, w *Work) (Counts, error)
}

// Counts is what a step did: In = Done + Skipped + Failed.
type Counts struct {
	In      int `json:"in"`
	Done    int `json:"done"`
	Skipped int `json:"skipped"`
	Failed  int `json:"failed"`
}

// Add sums counts of several scopes.
func (c Counts) Add(o Counts) Counts {
	return Counts{c.In + o.In, c.Done + o.Done, c.Skipped + o.Skipped, c.Failed + o.Failed}
}

// Engine runs the days of one custody account.
type Engine struct {
	DB       *store.DB
	Book     *subaccounts.Book
	Config   *Config
	Calendar *calendar.Calendar
	Home     string // folder with inbox/, outbox/, vault/, reports/, seals/, keys/
	Clock    clock.Clock
	Key      signing.Key
	Reports  []Step // reporting steps, run when the day is closed and before it is sealed
	// Progress is told the step and how far it is; nil is silent.
	Progress func(step string, done, total int)

	random io.Reader // for keys that are made at first use
}

// Work is one step on one date.
type Work struct {
	*Engine
	Date  bizdate.Date
	Actor string
	At    time.Time // the timetable's instant of the step: steps never read the clock
	Stamp time.Time // created_at of what is written; not part of any result
	lease *lease    // nil where the work needs none: imports, approvals

	rejected []error // files of the inbox that did not hold
}

// DayView is where a day stands, as `custody run` and `custody day` print it.
type DayView struct {
	Custody    string       `json:"custody"`
	Date       bizdate.Date `json:"date"`
	State      string       `json:"state"`
	ResultHash string       `json:"result_hash"`
	WaitsFor   []string     `json:"waits_for"`
	Steps      []StepView   `json:"steps"`
	Checks     []CheckView  `json:"checks"`
	FilesOut   []string     `json:"files_out"`
	// AlreadyClosed tells that the run found nothing to do.
	AlreadyClosed bool `json:"already_closed"`
	// Waits are WaitsFor with their arguments, for a reader in his language.
	Waits []Wait `json:"-"`
}

// StepView is one step of a day.
type StepView struct {
	Name  string `json:"name"`
	Phase Phase  `json:"phase"`
	State string `json:"state"` // PENDING, RUNNING, DONE, SKIPPED, WAITING
	Counts
}

// CheckView is one closing check (R1 to R11).
type CheckView struct {
	ID         string       `json:"id"`
	OK         bool         `json:"ok"`
	State      string       `json:"state"` // passed, failed, waived, not_expected
	Difference money.Amount `json:"difference_fen"`
	// Detail is what the check compared: names and amounts in a fixed order.
	Detail []CheckLine `json:"detail,omitempty"`
}

// CheckLine is one figure or open item of a check.
type CheckLine struct {
	Label  string       `json:"label"` // code of a text in internal/lang, or a key of the books
	Amount money.Amount `json:"amount_fen"`
	Note   string       `json:"note,omitempty"`
}

// Wait is something that a day waits for.
type Wait struct {
	Kind    string    // file, approval, result, cut, day
	Subject string    // statement 2026-02-13, PO20260213-01
	Since   time.Time // when it was due
}

// TieOut is the bank tie-out of a day (银行存款余额调节表 and 总分核对): every amount
// of both sides is listed, and what is left unexplained must be zero. Fen.
type TieOut struct {
	Date              bizdate.Date
	BankClosing       money.Amount // (1) from the statement
	ReceivedNotByBank []TieItem    // (2) 企业已收、银行未收
	PaidNotByBank     []TieItem    // (3) 企业已付、银行未付
	AdjustedBank      money.Amount // (4) = (1) + (2) - (3)
	Book              money.Amount // (5) 1001 at the cut
	BankReceivedOnly  []TieItem    // (6) 银行已收、企业未收
	BankPaidOnly      []TieItem    // (7) 银行已付、企业未付
	AdjustedBook      money.Amount // (8) = (5) + (6) - (7)
	Unexplained       money.Amount // (4) - (8)
	SubAccounts       money.Amount // (9) sum of all 2xxx
	InTransit         money.Amount // (10) 1122
	Shortages         money.Amount // (11) 1402
	Difference        money.Amount // (9) - (10) - (11) - (5)
}

// TieItem is one listed amount with its source.
type TieItem struct {
	Amount  money.Amount
	Date    bizdate.Date // booking day at the bank, or accounting date in the books
	Subject string       // bank reference, serial, channel and clearing date
	Text    string       // remark of the bank line, or event of the voucher
	File    string       // source file, where it is a line of one
	Line    int          // of that file; of a statement, the place among its entries
	SHA256  string       // of that file: the original lies in vault/ under it
	Held    bool         // a person took its match back
}
