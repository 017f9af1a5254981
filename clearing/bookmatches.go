package clearing

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"custody/clearing/matches"
	"custody/clearing/reconcile"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// Rules of matches that no strategy of a plan finds: the bank says them itself.
const (
	ruleReversal  = "reversal"   // 冲正: two bank lines that undo each other
	ruleRedLetter = "red-letter" // 红字: two vouchers that undo each other
	ruleByHand    = "by-hand"    // a person matched them
	ruleSerial    = "serial"     // a row of a result file answers its payout
	ruleMember    = "member"     // the bank's sub-account is the member's
)

// bookSides is both sides of the custody account at a cut: what the books have
// on 1001 and what the bank's statements show, each without partner so far.
type bookSides struct {
	ours, theirs     []reconcile.Record
	ourLine, theLine map[reconcile.Ref]matches.Line
	decided          map[string]string // bank reference: voucher that a step posted for it
	pairs            []matches.Match   // what undoes each other
}

// bookVoucher is a voucher that moved the money at the bank.
type bookVoucher struct {
	Event     string       `db:"event"`
	Reference string       `db:"reference"`
	Voucher   int64        `db:"voucher_id"`
	Reverses  int64        `db:"reverses_id"`
	Date      bizdate.Date `db:"accounting_date"`
	Amount    money.Amount `db:"amount"`
}

func (v bookVoucher) key() string { return v.Event + ":" + v.Reference }

func (v bookVoucher) line() matches.Line {
	return matches.Line{Part: matches.Ours, Key: v.key(), Amount: v.Amount, Date: v.Date}
}

// bankRef is the bank's reference of which the voucher's was made, or "".
func (v bookVoucher) bankRef() string {
	day, ref, ok := strings.Cut(v.Reference, ".")
	if _, err := bizdate.Parse(day); !ok || err != nil || v.Event == eventPaid {
		return ""
	}
	if x, subject, decided := strings.Cut(ref, "."); decided && exceptionForm.MatchString(x) {
		return subject // two people booked the line that an exception was about
	}
	return ref
}

// exceptionForm is what the numbers of exceptions look like.
var exceptionForm = regexp.MustCompile(`^X\d{8}-\d{3,}$`)

// matchBook matches the statement's lines with the vouchers on 1001 by the plan
// (银企对账). A pair is confirmed only where the step that read the line posted that
// very voucher; what the plan finds beyond is a suggestion, for money follows a
// person's yes. What has no partner is open, and is the day's tie-out.
func (w *Work) matchBook(ctx context.Context, tx *store.Tx, plan reconcile.Plan) error {
	s, err := w.bookSides(ctx, tx)
	if err != nil {
		return err
	}
	confirmed, suggested := s.match(plan)
	if err := matches.Save(ctx, tx, w.Book.ID(), matches.Book, w.Date, w.Actor, confirmed); err != nil {
		return err
	}
	if err := matches.Suggest(ctx, tx, w.Book.ID(), matches.Book, w.Date, suggested); err != nil {
		return err
	}
	return matches.AddOpen(ctx, tx, w.Book.ID(), matches.Book, w.Date, false, s.rest(confirmed))
}

// match runs the plan and says what is confirmed and what only suggested.
func (s *bookSides) match(plan reconcile.Plan) (confirmed []matches.Match, suggested []matches.Suggestion) {
	confirmed = s.pairs
	outcome := plan.Match(s.ours, s.theirs)
	for _, p := range outcome.Confirmed {
		if s.posted(p) {
			confirmed = append(confirmed, s.asMatch(p))
			continue
		}
		suggested = append(suggested, s.asSuggestion(p))
	}
	for _, p := range outcome.Suggested {
		suggested = append(suggested, s.asSuggestion(p))
	}
	return confirmed, suggested
}

// posted reports whether every bank line of the pairing has a voucher of it.
func (s *bookSides) posted(p reconcile.Pairing) bool {
	for _, t := range p.Theirs {
		voucher := s.decided[s.theLine[t].Key]
		if voucher == "" || !slices.ContainsFunc(p.Ours, func(o reconcile.Ref) bool { return s.ourLine[o].Key == voucher }) {
			return false
		}
	}
	return true
}

func (s *bookSides) asMatch(p reconcile.Pairing) matches.Match {
	m := matches.Match{Rule: p.Strategy.String(), Version: p.Version, Evidence: p.Agreed.String(), Alternatives: p.Alternatives, Difference: p.Difference}
	for _, o := range p.Ours {
		m.Lines = append(m.Lines, s.ourLine[o])
	}
	for _, t := range p.Theirs {
		m.Lines = append(m.Lines, s.theLine[t])
	}
	return m
}

func (s *bookSides) asSuggestion(p reconcile.Pairing) matches.Suggestion {
	g := matches.Suggestion{Rule: p.Strategy.String(), Version: p.Version, Evidence: p.Agreed.String(), Alternatives: p.Alternatives, Difference: p.Difference,
		Ours: []string{}, Theirs: []string{}}
	for _, o := range p.Ours {
		g.Ours = append(g.Ours, s.ourLine[o].Key)
	}
	for _, t := range p.Theirs {
		g.Theirs = append(g.Theirs, s.theLine[t].Key)
	}
	return g
}

// rest is what the confirmed matches leave, in the order of the sides.
func (s *bookSides) rest(confirmed []matches.Match) []matches.Line {
	type key struct {
		part matches.Part
		key  string
	}
	taken := map[key]bool{}
	for _, m := range confirmed {
		for _, l := range m.Lines {
			taken[key{l.Part, l.Key}] = true
		}
	}
	var rest []matches.Line
	for _, side := range []struct {
		records []reconcile.Record
		line    map[reconcile.Ref]matches.Line
	}{{s.ours, s.ourLine}, {s.theirs, s.theLine}} {
		for _, r := range side.records {
			if l := side.line[r.Ref]; !taken[key{l.Part, l.Key}] {
				rest = append(rest, l)
			}
		}
	}
	return rest
}

// bookSides reads what the night has to match: everything since the last one
// that was matched, and what stayed open, but for what a person holds.
func (w *Work) bookSides(ctx context.Context, tx *store.Tx) (*bookSides, error) {
	last, err := matches.Begun(ctx, tx, w.Book.ID(), matches.Book, w.Date)
	if err != nil {
		return nil, err
	}
	from := w.Date
	if last.IsZero() {
		err = tx.Get(ctx, &from, "SELECT COALESCE(MIN(accounting_date), ?) FROM ledger_days WHERE custody_id = ?", w.Date, w.Book.ID())
	} else {
		from = last.AddDays(1)
	}
	if err != nil {
		return nil, err
	}
	open, err := matches.StillOpen(ctx, tx, w.Book.ID(), matches.Book)
	if err != nil {
		return nil, err
	}
	vouchers, err := w.bookVouchers(ctx, tx, from, w.Date)
	if err != nil {
		return nil, err
	}
	lines, err := w.statementLines(ctx, tx, from, w.Date)
	if err != nil {
		return nil, err
	}
	for _, o := range open {
		if o.Held {
			continue
		}
		if o.Part == matches.Ours {
			err = w.addOpenVoucher(ctx, tx, o.Key, &vouchers)
		} else {
			err = w.addOpenLine(ctx, tx, o.Key, &lines)
		}
		if err != nil {
			return nil, err
		}
	}
	if vouchers, lines, err = w.untaken(ctx, tx, vouchers, lines, open); err != nil {
		return nil, err
	}
	return newBookSides(vouchers, lines), nil
}

// untaken drops what is in a match already, where the day is matched again, and
// what a person holds.
func (w *Work) untaken(ctx context.Context, tx *store.Tx, vouchers []bookVoucher, lines []bankLine, open []matches.OpenLine) ([]bookVoucher, []bankLine, error) {
	var again int
	if err := tx.Get(ctx, &again, "SELECT COUNT(*) FROM matches WHERE custody_id = ? AND side = 'BOOK' AND accounting_date >= ?", w.Book.ID(), w.Date); err != nil {
		return nil, nil, err
	}
	held := map[string]bool{}
	for _, o := range open {
		if o.Held {
			held[string(o.Part)+o.Key] = true
		}
	}
	var failed error
	gone := func(part matches.Part, key string) bool {
		if held[string(part)+key] {
			return true
		}
		if again == 0 || failed != nil {
			return false
		}
		taken, err := matches.Taken(ctx, tx, w.Book.ID(), matches.Book, part, key)
		failed = firstErr(failed, err)
		return taken
	}
	vouchers = slices.DeleteFunc(vouchers, func(v bookVoucher) bool { return gone(matches.Ours, v.key()) })
	lines = slices.DeleteFunc(lines, func(l bankLine) bool { return gone(matches.Theirs, l.Ref) })
	return vouchers, lines, failed
}

// bookVouchers reads the vouchers of the dates that moved money at the bank, one
// line each, in the order of posting.
func (w *Work) bookVouchers(ctx context.Context, tx *store.Tx, from, to bizdate.Date) ([]bookVoucher, error) {
	var account, first, last int64
	_, _, err := w.Book.Entries(ctx, tx, bank.Code, bank.Owner, from, to, func(e *subaccounts.Entry) error {
		if account = e.AccountID; first == 0 || e.Seq < first {
			first = e.Seq
		}
		last = max(last, e.Seq)
		return nil
	})
	if err != nil || account == 0 {
		return nil, err
	}
	var list []bookVoucher
	err = tx.Select(ctx, &list, `SELECT v.event, v.reference, v.voucher_id, v.reverses_id, v.accounting_date, CAST(SUM(e.amount_fen) AS BIGINT) AS amount
		FROM entries e JOIN vouchers v ON v.custody_id = e.custody_id AND v.voucher_id = e.voucher_id
		WHERE e.custody_id = ? AND e.account_id = ? AND e.seq >= ? AND e.seq <= ? AND e.accounting_date >= ? AND e.accounting_date <= ?
		GROUP BY v.event, v.reference, v.voucher_id, v.reverses_id, v.accounting_date ORDER BY v.voucher_id`,
		w.Book.ID(), account, first, last, from, to)
	return slices.DeleteFunc(list, func(v bookVoucher) bool { return v.Amount == 0 }), err
}

// addOpenVoucher adds the voucher of a key that an earlier night left open.
func (w *Work) addOpenVoucher(ctx context.Context, tx *store.Tx, key string, list *[]bookVoucher) error {
	if slices.ContainsFunc(*list, func(v bookVoucher) bool { return v.key() == key }) {
		return nil
	}
	v, err := w.bookVoucher(ctx, tx, key)
	if err == nil {
		*list = append(*list, v)
	}
	return err
}

// bookVoucher reads one voucher by its key; match.line where it is gone.
func (e *Engine) bookVoucher(ctx context.Context, tx *store.Tx, key string) (bookVoucher, error) {
	event, ref, _ := strings.Cut(key, ":")
	v, found, err := e.Book.VoucherByReference(ctx, tx, event, ref)
	if err != nil || !found {
		return bookVoucher{}, firstErr(err, fault.Broken("match.line", key))
	}
	b := bookVoucher{Event: v.Event, Reference: v.Reference, Voucher: v.ID, Reverses: v.Reverses, Date: v.Date}
	for _, entry := range v.Entries {
		if entry.Key == bank {
			b.Amount += entry.Amount
		}
	}
	return b, nil
}

// statementLines reads the lines of the statements that end on the dates.
func (w *Work) statementLines(ctx context.Context, tx *store.Tx, from, to bizdate.Date) ([]bankLine, error) {
	var files []int64
	err := tx.Select(ctx, &files, "SELECT file_id FROM bank_statements WHERE custody_id = ? AND to_date >= ? AND to_date <= ? ORDER BY to_date", w.Book.ID(), from, to)
	if err != nil {
		return nil, err
	}
	var all []bankLine
	for _, f := range files {
		lines, err := w.linesOf(ctx, tx, f)
		if err != nil {
			return nil, err
		}
		all = append(all, lines...)
	}
	return all, nil
}

func (w *Work) addOpenLine(ctx context.Context, tx *store.Tx, ref string, list *[]bankLine) error {
	if slices.ContainsFunc(*list, func(l bankLine) bool { return l.Ref == ref }) {
		return nil
	}
	l, found, err := w.bankLineByRef(ctx, tx, ref)
	if err != nil || !found {
		return firstErr(err, fault.Broken("match.line", ref))
	}
	*list = append(*list, l)
	return nil
}

func (e *Engine) bankLineByRef(ctx context.Context, tx *store.Tx, ref string) (l bankLine, found bool, err error) {
	found, err = tx.Find(ctx, &l, "SELECT "+lineColumns+" FROM bank_lines WHERE custody_id = ? AND bank_ref = ?", e.Book.ID(), ref)
	return l, found, err
}

// newBookSides makes the records that the plan compares.
func newBookSides(vouchers []bookVoucher, lines []bankLine) *bookSides {
	s := &bookSides{ourLine: map[reconcile.Ref]matches.Line{}, theLine: map[reconcile.Ref]matches.Line{}, decided: map[string]string{}}
	credits := map[string]int{} // bank lines of one voucher
	for _, l := range lines {
		credits[l.MatchedTo]++
	}
	vouchers = s.redLetters(vouchers)
	lines = s.reversals(lines)
	for i, v := range vouchers {
		r := reconcile.Record{Ref: reconcile.Ref{File: 1, Row: int32(i)}, OwnRef: v.key(), BankRef: v.bankRef(), Amount: v.Amount, Booked: v.Date}
		if (v.Event == eventPaid || v.Event == eventRefused) && serialForm.MatchString(v.Reference) {
			r.Instruction = v.Reference // a withdrawal's is its request's: found by the voucher itself
		}
		if credits[v.key()] > 1 { // several credits prove one voucher: no single reference is its own
			r.BankRef, r.Batch = "", v.key()
		}
		s.ours, s.ourLine[r.Ref] = append(s.ours, r), v.line()
	}
	for i, l := range lines {
		r := reconcile.Record{Ref: reconcile.Ref{File: 2, Row: int32(i)}, BankRef: l.Ref, Instruction: l.serial(), OwnRef: l.MatchedTo, Remark: l.Remark,
			Party: l.Name, Amount: l.Amount, Booked: l.Booked}
		if credits[l.MatchedTo] > 1 && l.MatchedTo != "" {
			r.Batch = l.MatchedTo
		}
		s.theirs, s.theLine[r.Ref] = append(s.theirs, r), l.matchLine()
		s.decided[l.Ref] = l.MatchedTo
	}
	return s
}

func (l bankLine) matchLine() matches.Line {
	return matches.Line{Part: matches.Theirs, Key: l.Ref, Amount: l.Amount, Date: l.Booked}
}

// redLetters takes out the vouchers that undo each other.
func (s *bookSides) redLetters(vouchers []bookVoucher) []bookVoucher {
	byID := map[int64]bookVoucher{}
	for _, v := range vouchers {
		byID[v.Voucher] = v
	}
	gone := map[int64]bool{}
	for _, v := range vouchers {
		if o, here := byID[v.Reverses]; here && !gone[o.Voucher] && o.Amount == -v.Amount {
			gone[v.Voucher], gone[o.Voucher] = true, true
			s.pairs = append(s.pairs, matches.Match{Rule: ruleRedLetter, Version: 1, Evidence: "amount", Alternatives: 1, Lines: []matches.Line{o.line(), v.line()}})
		}
	}
	return slices.DeleteFunc(slices.Clone(vouchers), func(v bookVoucher) bool { return gone[v.Voucher] })
}

// reversals takes out the bank lines that undo each other.
func (s *bookSides) reversals(lines []bankLine) []bankLine {
	byID := map[string]bankLine{}
	for _, l := range lines {
		byID["line:"+strconv.FormatInt(l.ID, 10)] = l
	}
	gone := map[int64]bool{}
	for _, l := range lines {
		o, here := byID[l.MatchedTo]
		if !here || gone[l.ID] || gone[o.ID] || o.Amount != -l.Amount {
			continue
		}
		gone[l.ID], gone[o.ID] = true, true
		s.pairs = append(s.pairs, matches.Match{Rule: ruleReversal, Version: 1, Evidence: "instruction+amount", Alternatives: 1,
			Lines: []matches.Line{l.matchLine(), o.matchLine()}})
	}
	return slices.DeleteFunc(slices.Clone(lines), func(l bankLine) bool { return gone[l.ID] })
}
