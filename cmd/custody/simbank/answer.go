package simbank

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"custody/bankfiles"
	"custody/bankfiles/payfile"
	"custody/internal/atomicfile"
	"custody/internal/bizdate"
	"custody/internal/fault"
)

// state is the bank after a day, in simbank/day-<date>.json. Amounts are fen.
type state struct {
	Date       bizdate.Date `json:"date"`
	ClosingFen int64        `json:"closing_fen"`
	Available  []int64      `json:"available_fen"` // by member, in the order of the codes
	Later      []line       `json:"later"`         // lines of coming days: late debits, reversals, returns
	Played     []string     `json:"played"`        // payout faults that have hit a row
	// What waits for head office's word, and what has come of it.
	Held    []holding  `json:"held,omitempty"`
	Adopted []adoption `json:"adopted,omitempty"`
	// What is frozen (冻结), by member; not there before the first freeze.
	Frozen map[string]int64 `json:"frozen_fen,omitempty"`
}

// Answer plays the bank for a day: it reads the payout and instruction files in
// outbox/ whose header carries the date, and writes into inbox/ the payouts'
// results, the statement of the day and the sub-account balances, which follow
// the instructions. It is called once for every day from the first one on, also
// for those without payouts and after the last generated one, and returns the
// names of its files.
//
// The same call again writes the same bytes; after another decision of the same
// day it takes that in too. A day before the first one is simbank.before; one
// whose eve has not been answered is simbank.earlier; other payouts or
// instructions than those answered, when a later day has been answered on top,
// are simbank.later; an instruction about money or an order that the bank knows
// otherwise is simbank.instruction.
func Answer(dir string, date bizdate.Date) ([]string, error) {
	p, err := loadPlan(dir)
	if err != nil {
		return nil, err
	}
	before, err := p.eve(dir, date)
	if err != nil {
		return nil, err
	}
	batches, err := readBatches(filepath.Join(dir, outboxDir), date)
	if err != nil {
		return nil, err
	}
	instructions, err := readInstructions(dir, date)
	if err != nil {
		return nil, err
	}
	b := &bank{plan: p, dir: dir, date: date, after: before}
	b.after.Date = date
	if err := b.play(batches, instructions); err != nil {
		return nil, err
	}
	if err := b.unchanged(); err != nil {
		return nil, err
	}
	return b.write()
}

func statePath(dir string, date bizdate.Date) string {
	return filepath.Join(dir, stateDir, "day-"+date.Compact()+".json")
}

// eve returns the state after the day before.
func (p *plan) eve(dir string, date bizdate.Date) (state, error) {
	if date < p.From {
		return state{}, fault.Invalid("simbank.before", p.From).On("date", date.String())
	}
	s := state{Available: make([]int64, len(p.codes)), Later: []line{}, Played: []string{}}
	if date == p.From {
		return s, nil
	}
	eve := date.AddDays(-1)
	raw, err := os.ReadFile(statePath(dir, eve))
	if errors.Is(err, fs.ErrNotExist) {
		return s, fault.Invalid("simbank.earlier", p.firstUnanswered(dir)).On("date", date.String())
	}
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(raw, &s); err != nil || s.Date != eve || len(s.Available) != len(p.codes) {
		return s, fault.Invalid("simbank.plan").In(filepath.Base(statePath(dir, eve))).Because(err)
	}
	return s, nil
}

func (p *plan) firstUnanswered(dir string) bizdate.Date {
	d := p.From
	for exists(statePath(dir, d)) {
		d = d.AddDays(1)
	}
	return d
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func readBatches(dir string, date bizdate.Date) ([]*bankfiles.PayoutFile, error) {
	return readOutbox(dir, "PO*.txt", "PAYOUT", date, payfile.ReadPayout)
}

// readOutbox reads the files of a kind and date in the order of their names.
// The name of a file says when it was drawn up, its header when it counts.
func readOutbox[File any](dir, pattern, kind string, date bizdate.Date, read func(string, io.Reader) (*File, error)) ([]*File, error) {
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var files []*File
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		in := bufio.NewReader(f)
		if isOfDay(in, kind, date) {
			var file *File
			if file, err = read(filepath.Base(name), in); file != nil {
				files = append(files, file)
			}
		}
		f.Close()
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// isOfDay looks at the first line before the rest is read. Only a sound header
// of another day is passed over.
func isOfDay(in *bufio.Reader, kind string, date bizdate.Date) bool {
	head, _ := in.Peek(256)
	first, _, _ := bytes.Cut(head, []byte{'\n'})
	fields := strings.Split(string(first), "|")
	return len(fields) <= 3 || fields[0] != "H" || fields[1] != kind || fields[3] == date.Compact()
}

// bank is one day at the bank.
type bank struct {
	plan    *plan
	dir     string
	date    bizdate.Date
	after   state // becomes the state after the day
	opening int64
	lines   []line
	results []*bankfiles.ResultFile
	cash    []int64 // 可提现, by member
	payouts int     // rows so far
}

// play works the day through: what was left from yesterday and comes in, the
// payouts, and at its end the members' sub-accounts.
func (b *bank) play(batches []*bankfiles.PayoutFile, instructions []*bankfiles.InstructionFile) error {
	b.opening = b.after.ClosingFen
	var later []line
	for _, l := range slices.Concat(b.plan.Receipts, b.after.Later) {
		switch {
		case l.Date == b.date:
			b.lines = append(b.lines, l)
		case l.Date > b.date && l.Member != "":
			later = append(later, l)
		}
	}
	b.after.Later = append([]line{}, later...)
	if err := b.payAll(batches); err != nil {
		return err
	}
	slices.SortStableFunc(b.lines, func(x, y line) int {
		return cmp.Or(cmp.Compare(x.Time, y.Time), cmp.Compare(x.Ref, y.Ref))
	})
	b.after.ClosingFen = b.opening
	for _, l := range b.lines {
		b.after.ClosingFen += l.Fen
		if l.GiveBack != 0 {
			b.after.Available[b.member(l.Member)] += l.GiveBack
		}
	}
	b.hold()
	if err := b.follow(instructions); err != nil {
		return err
	}
	return b.settle()
}

// member returns the place of a member's code, or -1.
func (b *bank) member(code string) int {
	i, found := slices.BinarySearch(b.plan.codes, code)
	if !found {
		return -1
	}
	return i
}

// settle adds what the day's bills gave to the members and tells what of it can
// be withdrawn: all but the clearing dates that are not released yet.
func (b *bank) settle() error {
	pending := make([]int64, len(b.plan.codes))
	for _, s := range b.plan.Scopes {
		if s.Date > b.date || s.Date < b.date && s.Release <= b.date {
			continue
		}
		shares, err := readShares(sharesPath(b.dir, s.Channel, s.Date), len(b.plan.codes))
		if err != nil {
			return err
		}
		for i, fen := range shares {
			if s.Date == b.date {
				b.after.Available[i] += fen
			}
			pending[i] += fen
		}
	}
	for _, a := range b.after.Adopted {
		if a.Release > b.date {
			pending[a.Member] += a.MemberFen
			pending[a.Partner] += a.PartnerFen
			if a.RegionFen != 0 {
				pending[b.plan.Members+b.plan.Partners] += a.RegionFen
			}
		}
	}
	b.cash = make([]int64, len(pending))
	for i := range b.cash {
		b.cash[i] = max(0, b.after.Available[i]-max(0, pending[i]))
	}
	return nil
}

// unchanged refuses to change the opening of a day that has been answered.
func (b *bank) unchanged() error {
	if !exists(statePath(b.dir, b.date.AddDays(1))) {
		return nil
	}
	old, err := os.ReadFile(statePath(b.dir, b.date))
	if err != nil {
		return err
	}
	now, err := b.after.encode()
	if err != nil {
		return err
	}
	if !bytes.Equal(old, now) {
		return fault.Invalid("simbank.later", b.date.AddDays(1)).On("date", b.date.String())
	}
	return nil
}

func (s *state) encode() ([]byte, error) {
	raw, err := json.Marshal(s)
	return append(raw, '\n'), err
}

// write writes the day's files; the state comes last, so that a day counts as
// answered only when all of it is there.
func (b *bank) write() ([]string, error) {
	var names []string
	put := func(name string, write func(io.Writer) error) error {
		names = append(names, filepath.Join(inboxDir, name))
		return atomicfile.Write(filepath.Join(b.dir, inboxDir, name), filePerm, write)
	}
	for _, r := range b.results {
		if err := put("result-"+r.BatchNo+".txt", func(w io.Writer) error { return payfile.WriteResult(w, r) }); err != nil {
			return nil, err
		}
	}
	if err := put("balances-"+b.date.Compact()+".txt", func(w io.Writer) error {
		return payfile.WriteBalance(w, b.balances())
	}); err != nil {
		return nil, err
	}
	if err := put(b.plan.statementName(b.date), func(w io.Writer) error {
		return b.plan.writeStatement(w, b.date, b.opening, b.after.ClosingFen, b.lines)
	}); err != nil {
		return nil, err
	}
	raw, err := b.after.encode()
	if err != nil {
		return nil, err
	}
	return names, writeFile(statePath(b.dir, b.date), raw)
}

// balances is the bank's view of the members. A sub-account is never shown
// below zero: the bank does not know what head office advanced.
func (b *bank) balances() *bankfiles.BalanceFile {
	f := &bankfiles.BalanceFile{Account: custodyAccount, Date: b.date}
	for i, code := range b.plan.codes {
		f.Items = append(f.Items, bankfiles.BalanceItem{Member: code,
			Available: amountOf(max(0, b.after.Available[i])), Cash: amountOf(b.cash[i]), Frozen: amountOf(b.after.Frozen[code])})
	}
	b.misstate(f.Items)
	return f
}
