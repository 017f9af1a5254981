package subaccounts

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
)

// Voucher is a voucher (凭证) with its entries in the order of their lines.
type Voucher struct {
	ID, Reverses             int64
	Date                     bizdate.Date
	No                       int
	Event, Reference, Source string
	Actor                    string
	CreatedAt                time.Time
	ContentHash, LeafHash    []byte
	Legs                     string // account_id:seq of the entries
	Entries                  []Entry
}

// Entry is a line (分录) of a voucher.
type Entry struct {
	Key
	AccountID, Seq, VoucherID int64
	Line                      int
	Date                      bizdate.Date
	Amount                    money.Amount // signed: debit positive
	BalanceAfter              money.Amount // of the account, live, in posting order
	Running                   money.Amount // in a statement: balance in the order of (date, seq)
}

// VoucherName is how people call a voucher: its date and number, 2026-02-13/9.
func VoucherName(date bizdate.Date, no int) string { return fmt.Sprintf("%s/%d", date, no) }

// Name returns the voucher's [VoucherName].
func (v *Voucher) Name() string { return VoucherName(v.Date, v.No) }

// lastDate is after every date that can be parsed.
const lastDate = bizdate.Date(99991231)

var errStop = errors.New("stop")

// stopped makes errStop, which ends a scan early, no error.
func stopped(err error) error {
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

const voucherColumns = `voucher_id, accounting_date, voucher_no, event, reference, content_hash, reverses_id,
	source, actor, created_at, legs, leaf_hash`

func (v *Voucher) scan(scan func(...any) error) error {
	var created int64
	err := scan(&v.ID, &v.Date, &v.No, &v.Event, &v.Reference, &v.ContentHash, &v.Reverses,
		&v.Source, &v.Actor, &created, &v.Legs, &v.LeafHash)
	v.CreatedAt = time.UnixMilli(created).In(bizdate.Zone)
	return err
}

// VoucherByID returns a voucher by its position in the log.
func (b *Book) VoucherByID(ctx context.Context, tx *store.Tx, id int64) (Voucher, bool, error) {
	return b.voucher(ctx, tx, "voucher_id = ?", id)
}

// VoucherByNo returns a voucher by accounting date and number.
func (b *Book) VoucherByNo(ctx context.Context, tx *store.Tx, date bizdate.Date, no int) (Voucher, bool, error) {
	return b.voucher(ctx, tx, "accounting_date = ? AND voucher_no = ?", date, no)
}

// VoucherByReference returns a voucher by what identifies it forever.
func (b *Book) VoucherByReference(ctx context.Context, tx *store.Tx, event, reference string) (Voucher, bool, error) {
	return b.voucher(ctx, tx, "event = ? AND reference = ?", event, reference)
}

func (b *Book) voucher(ctx context.Context, tx *store.Tx, where string, args ...any) (Voucher, bool, error) {
	var one []Voucher
	err := tx.Each(ctx, "SELECT "+voucherColumns+" FROM vouchers WHERE custody_id = ? AND "+where, append([]any{b.id}, args...),
		func(scan func(...any) error) error {
			one = append(one, Voucher{})
			return one[len(one)-1].scan(scan)
		})
	if err != nil || len(one) == 0 {
		return Voucher{}, false, err
	}
	err = b.readEntries(ctx, tx, one)
	return one[0], true, err
}

// streamVouchers is how many vouchers are held at once while a date is read:
// with 4 entries each of 136 bytes about 75 MB.
const streamVouchers = 100_000

// Vouchers calls fn for the vouchers of a date in the order of their numbers.
// It holds 100,000 of them at a time; fn must not keep the voucher.
func (b *Book) Vouchers(ctx context.Context, tx *store.Tx, date bizdate.Date, fn func(*Voucher) error) error {
	for no := 0; ; no += streamVouchers {
		var part []Voucher
		err := tx.Each(ctx, "SELECT "+voucherColumns+` FROM vouchers
			WHERE custody_id = ? AND accounting_date = ? AND voucher_no > ? AND voucher_no <= ? ORDER BY voucher_no`,
			[]any{b.id, date, no, no + streamVouchers}, func(scan func(...any) error) error {
				part = append(part, Voucher{})
				return part[len(part)-1].scan(scan)
			})
		if err != nil {
			return err
		}
		if len(part) == 0 {
			return nil
		}
		if err := b.readEntries(ctx, tx, part); err != nil {
			return err
		}
		for i := range part {
			if err := fn(&part[i]); err != nil {
				return err
			}
		}
		if len(part) < streamVouchers {
			return nil
		}
	}
}

// seqSpan is the entries of an account that some vouchers have.
type seqSpan struct{ account, first, last int64 }

// readEntries fills in the entries of vouchers in ascending order of id. Entries lie by
// account, so it reads per account the span that the legs columns name: a
// voucher's entries have no index of their own, which would cost more to write
// than all others together.
func (b *Book) readEntries(ctx context.Context, tx *store.Tx, vouchers []Voucher) error {
	spans, err := legSpans(vouchers)
	if err != nil {
		return err
	}
	for _, s := range spans {
		var key Key
		err := tx.Each(ctx, "SELECT code, owner FROM accounts WHERE custody_id = ? AND account_id = ?", []any{b.id, s.account},
			func(scan func(...any) error) error { return scan(&key.Code, &key.Owner) })
		if err != nil {
			return err
		}
		err = tx.Each(ctx, `SELECT seq, voucher_id, line, accounting_date, amount_fen, item, balance_after_fen FROM entries
			WHERE custody_id = ? AND account_id = ? AND seq >= ? AND seq <= ?`, []any{b.id, s.account, s.first, s.last},
			func(scan func(...any) error) error {
				e := Entry{Key: key, AccountID: s.account}
				if err := scan(&e.Seq, &e.VoucherID, &e.Line, &e.Date, &e.Amount, &e.Item, &e.BalanceAfter); err != nil {
					return err
				}
				i, found := slices.BinarySearchFunc(vouchers, e.VoucherID, func(v Voucher, id int64) int { return cmp.Compare(v.ID, id) })
				if found && e.Line >= 1 && e.Line <= len(vouchers[i].Entries) {
					vouchers[i].Entries[e.Line-1] = e
				}
				return nil
			})
		if err != nil {
			return err
		}
	}
	for i := range vouchers {
		for _, e := range vouchers[i].Entries {
			if e.VoucherID == 0 {
				return fault.Broken("ledger.legs_missing", vouchers[i].Name())
			}
		}
	}
	return nil
}

// legSpans makes room for the vouchers' entries and returns which entries to
// read, in the order of accounts.
func legSpans(vouchers []Voucher) ([]seqSpan, error) {
	spans := map[int64]*seqSpan{}
	for i := range vouchers {
		v := &vouchers[i]
		lines := strings.Count(v.Legs, " ") + 1
		v.Entries = make([]Entry, lines)
		for leg := range strings.SplitSeq(v.Legs, " ") {
			account, seq, ok := parseLeg(leg)
			if !ok {
				return nil, fault.Broken("ledger.legs_missing", v.Name())
			}
			s := spans[account]
			if s == nil {
				spans[account] = &seqSpan{account, seq, seq}
				continue
			}
			s.first, s.last = min(s.first, seq), max(s.last, seq)
		}
	}
	out := make([]seqSpan, 0, len(spans))
	for _, s := range spans {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(x, y seqSpan) int { return cmp.Compare(x.account, y.account) })
	return out, nil
}

// parseLeg reads account_id:seq.
func parseLeg(leg string) (account, seq int64, ok bool) {
	a, s, ok := strings.Cut(leg, ":")
	if !ok {
		return 0, 0, false
	}
	account, errA := strconv.ParseInt(a, 10, 64)
	seq, errS := strconv.ParseInt(s, 10, 64)
	return account, seq, errA == nil && errS == nil
}

// The queries behind a balance on a date and the first row of a statement. A
// test holds that each goes by a key: none may look at more than it returns.
const (
	spanQuery = `SELECT v.voucher_id FROM ledger_days d
		CROSS JOIN vouchers v WHERE v.custody_id = d.custody_id AND v.accounting_date = d.accounting_date AND v.voucher_no IN (1, d.vouchers)
		AND d.custody_id = ? AND d.accounting_date >= ? AND d.accounting_date <= ?`
	datesQuery = `SELECT accounting_date FROM day_balances
		WHERE custody_id = ? AND account_id = ? AND accounting_date >= ? AND accounting_date <= ? ORDER BY accounting_date`
	seqQuery       = "SELECT voucher_id FROM entries WHERE custody_id = ? AND account_id = ? AND seq = ?"
	statementQuery = `SELECT seq, voucher_id, line, accounting_date, amount_fen, item, balance_after_fen FROM entries
		WHERE custody_id = ? AND account_id = ? AND seq >= ? ORDER BY seq`
	asOfQuery = `SELECT debit_fen, credit_fen, closing_fen FROM day_balances
		WHERE custody_id = ? AND account_id = ? AND accounting_date <= ? ORDER BY accounting_date DESC`
)

// voucherSpan returns the lowest and highest voucher_id dated from from to to,
// or 0, 0 where there is none. Within a date ids ascend with numbers.
func (b *Book) voucherSpan(ctx context.Context, tx *store.Tx, from, to bizdate.Date) (first, last int64, err error) {
	err = tx.Each(ctx, spanQuery, []any{b.id, from, to},
		func(scan func(...any) error) error {
			var id int64
			if err := scan(&id); err != nil {
				return err
			}
			if first == 0 || id < first {
				first = id
			}
			last = max(last, id)
			return nil
		})
	return first, last, err
}

// seqFrom returns the seq of the account's first entry of that voucher or a
// later one, by bisection: within an account voucher ids ascend with seq.
func (b *Book) seqFrom(ctx context.Context, tx *store.Tx, account, voucher int64) (int64, error) {
	var low, high int64 = 1, 0
	if err := tx.Get(ctx, &high, "SELECT last_seq + 1 FROM accounts WHERE custody_id = ? AND account_id = ?", b.id, account); err != nil {
		return 0, err
	}
	for low < high {
		mid := low + (high-low)/2
		var id int64
		if _, err := tx.Find(ctx, &id, seqQuery, b.id, account, mid); err != nil {
			return 0, err
		}
		if id < voucher {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low, nil
}

// Entries calls fn for the entries of an account dated from from to to, in the
// order of a statement: accounting date, then sequence. Running is the balance
// in that order. It returns the balance before and after; fn must not keep the entry.
func (b *Book) Entries(ctx context.Context, tx *store.Tx, code, owner string, from, to bizdate.Date, fn func(*Entry) error) (opening, closing money.Amount, err error) {
	id, found, err := b.accountID(ctx, tx, code, owner)
	if err != nil || !found {
		return 0, 0, err
	}
	if opening, err = b.accountAsOf(ctx, tx, id, from.AddDays(-1)); err != nil {
		return 0, 0, err
	}
	closing = opening
	var dates []bizdate.Date
	err = tx.Select(ctx, &dates, datesQuery, b.id, id, from, to)
	if err != nil {
		return 0, 0, err
	}
	for _, date := range dates {
		first, last, err := b.voucherSpan(ctx, tx, date, date)
		if err != nil {
			return 0, 0, err
		}
		seq, err := b.seqFrom(ctx, tx, id, first)
		if err != nil {
			return 0, 0, err
		}
		err = tx.Each(ctx, statementQuery, []any{b.id, id, seq},
			func(scan func(...any) error) error {
				e := Entry{Key: Key{Code: code, Owner: owner}, AccountID: id}
				if err := scan(&e.Seq, &e.VoucherID, &e.Line, &e.Date, &e.Amount, &e.Item, &e.BalanceAfter); err != nil {
					return err
				}
				if e.VoucherID > last {
					return errStop
				}
				if e.Date != date {
					return nil
				}
				closing += e.Amount
				e.Running = closing
				return fn(&e)
			})
		if err := stopped(err); err != nil {
			return 0, 0, err
		}
	}
	return opening, closing, nil
}

// reversalEvent is the event of a reversal in red.
const reversalEvent = "E17"

// Reverse posts the reversal in red (红字冲正) of a voucher, dated date: every leg
// with the opposite sign, quoting the original. What was right then goes under
// the original reference with its version, ref#2. Reversing twice is a no-op, on
// another date ledger.conflict.
// An unknown voucher is ledger.voucher_unknown; else see [Batch.Post].
func (b *Book) Reverse(ctx context.Context, tx *store.Tx, actor string, at time.Time, voucherID int64, date bizdate.Date, source string) (Outcome, error) {
	v, found, err := b.VoucherByID(ctx, tx, voucherID)
	if err != nil {
		return Outcome{}, err
	}
	if !found {
		return Outcome{}, fault.Invalid("ledger.voucher_unknown", voucherID)
	}
	out, err := b.Post(ctx, tx, actor, at, v.Reversal(date, source))
	if len(out) == 0 {
		return Outcome{}, err
	}
	return out[0], err
}

// Reversal returns the posting that [Book.Reverse] makes, for use in a batch.
func (v *Voucher) Reversal(date bizdate.Date, source string) Posting {
	p := Posting{Date: date, Event: reversalEvent, Reference: "R:" + v.Event + ":" + v.Reference, Source: source, Reverses: v.ID}
	for _, e := range v.Entries {
		p.Legs = append(p.Legs, Leg{e.Key, -e.Amount})
	}
	return p
}

// Content reports whether the voucher's content hash is that of the posting.
func (v *Voucher) Content(p *Posting) bool {
	sum := p.contentHash()
	return bytes.Equal(v.ContentHash, sum[:])
}
