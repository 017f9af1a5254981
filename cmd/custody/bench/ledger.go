package bench

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
	"custody/subaccounts"
)

// LedgerReport is what posting and reading the ledger alone came to.
type LedgerReport struct {
	Entries          int     `json:"entries"`
	Seconds          float64 `json:"seconds"`
	EntriesPerSecond float64 `json:"entries_per_second"`
	// Floor is the same table of entries with its vouchers, one prepared row at a time.
	FloorPerSecond float64 `json:"floor_entries_per_second"`
	// Milliseconds to the balance of a member on a date, and to the first row of
	// his statement from that date: the median and the worst of many.
	AsOfMs           float64 `json:"as_of_ms"`
	AsOfWorstMs      float64 `json:"as_of_worst_ms"`
	StatementMs      float64 `json:"statement_first_row_ms"`
	StatementWorstMs float64 `json:"statement_first_row_worst_ms"`
	PeakRSSMiB       float64 `json:"peak_rss_mib"`
}

// VerifyReport is what deriving the ledger again came to, beside the bare
// reading and hashing of the same rows.
type VerifyReport struct {
	Entries      int64   `json:"entries"`
	Vouchers     int64   `json:"vouchers"`
	Seconds      float64 `json:"seconds"`
	FloorSeconds float64 `json:"floor_seconds"`
	Ratio        float64 `json:"verify_ratio"`
	PeakRSSMiB   float64 `json:"peak_rss_mib"`
}

// The generated ledger: entries of an order are those of [history].
const (
	entriesPerOrder = 6
	ledgerMembers   = 1_000
	ledgerDayOrders = CommitGroup // a day is one commit
	maxEntries      = 200_000_000
)

// Ledger measures the ledger alone over that many entries.
func Ledger(ctx context.Context, o Options, entries int) (*LedgerReport, error) {
	var report LedgerReport
	return &report, o.measured(ctx, &report, childLedger, entries)
}

// Verify measures verification of that many entries.
func Verify(ctx context.Context, o Options, entries int) (*VerifyReport, error) {
	var report VerifyReport
	return &report, o.measured(ctx, &report, childVerify, entries)
}

func (o *Options) measured(ctx context.Context, report any, child string, entries int) error {
	if entries < entriesPerOrder || entries > maxEntries {
		return fault.Invalid("bench.entries", entriesPerOrder, maxEntries)
	}
	if o.Phase != nil {
		o.Phase("bench.posting")
	}
	return o.child(ctx, report, child, filepath.Join(o.Dir, "ledger.db"), strconv.Itoa(entries))
}

// ledger is a database with the books of one custody account and nothing else.
type ledger struct {
	db     *store.DB
	book   *subaccounts.Book
	orders int
	days   int
}

// ledgerEnd is the day after the last one that is generated.
var ledgerEnd = bizdate.New(2026, 1, 5)

func openLedger(ctx context.Context, path, count string) (*ledger, error) {
	entries, err := strconv.Atoi(count)
	if err != nil {
		return nil, errChild
	}
	l := &ledger{orders: entries / entriesPerOrder}
	l.days = max(1, l.orders/ledgerDayOrders)
	if l.db, err = store.Open(ctx, path); err != nil {
		return nil, err
	}
	err = l.db.Tx(ctx, func(tx *store.Tx) error {
		if err := subaccounts.Create(ctx, tx, 1, "HQ01", "bench", "1"); err != nil {
			return err
		}
		if l.book, err = subaccounts.Open(ctx, tx, "HQ01", [32]byte{1}); err != nil {
			return err
		}
		for i := range ledgerMembers {
			code := "M" + padded(i, 5)
			if err := l.book.AddMember(ctx, tx, "bench", ledgerEnd.At(0, 0), subaccounts.Member{Code: code, Name: code, Kind: subaccounts.Franchisee}); err != nil {
				return err
			}
		}
		return nil
	})
	return l, err
}

// fill posts the entries and returns how many there are.
func (l *ledger) fill(ctx context.Context) (entries int, err error) {
	h := history{book: l.book, perDay: l.orders / l.days}
	if err := h.fill(ctx, l.db, ledgerEnd, l.days); err != nil {
		return 0, err
	}
	err = l.db.Read(ctx, func(tx *store.Tx) error { return tx.Get(ctx, &entries, "SELECT SUM(last_seq) FROM accounts") })
	return entries, errors.Join(err, l.db.Checkpoint(ctx))
}

func measureLedger(ctx context.Context, path, count string) (*LedgerReport, error) {
	l, err := openLedger(ctx, path, count)
	if err != nil {
		return nil, err
	}
	defer l.db.Close()
	began := time.Now()
	entries, err := l.fill(ctx)
	if err != nil {
		return nil, err
	}
	r := &LedgerReport{Entries: entries, Seconds: rounded(time.Since(began).Seconds())}
	r.EntriesPerSecond = rounded(float64(entries) / r.Seconds)
	if r.AsOfMs, r.AsOfWorstMs, err = l.timed(ctx, l.asOf); err != nil {
		return nil, err
	}
	if r.StatementMs, r.StatementWorstMs, err = l.timed(ctx, l.firstRow); err != nil {
		return nil, err
	}
	floor, err := insertLedgerFloor(ctx, path+".floor", min(l.orders, CommitGroup))
	r.FloorPerSecond, r.PeakRSSMiB = rounded(floor), rounded(peakMiB())
	return r, err
}

// probes is how many members and dates are asked for.
const probes = 200

// timed returns the median and the worst of many questions in milliseconds.
func (l *ledger) timed(ctx context.Context, ask func(context.Context, *store.Tx, string, bizdate.Date) error) (median, worst float64, err error) {
	var took []float64
	for i := range probes {
		member, date := "M"+padded(i*7919%ledgerMembers, 5), ledgerEnd.AddDays(-1-i*31%l.days)
		began := time.Now()
		if err := l.db.Read(ctx, func(tx *store.Tx) error { return ask(ctx, tx, member, date) }); err != nil {
			return 0, 0, err
		}
		took = append(took, float64(time.Since(began).Microseconds())/1000)
	}
	slices.Sort(took)
	return rounded(took[len(took)/2]), rounded(took[len(took)-1]), nil
}

func (l *ledger) asOf(ctx context.Context, tx *store.Tx, member string, date bizdate.Date) error {
	_, err := l.book.BalanceAsOf(ctx, tx, "2002", member, date)
	return err
}

func (l *ledger) firstRow(ctx context.Context, tx *store.Tx, member string, date bizdate.Date) error {
	_, _, err := l.book.Entries(ctx, tx, "2002", member, date, ledgerEnd, func(*subaccounts.Entry) error { return errEnough })
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// insertLedgerFloor inserts vouchers and entries of the reference set, one
// prepared row at a time, and returns entries per second.
func insertLedgerFloor(ctx context.Context, path string, orders int) (float64, error) {
	db, err := store.Open(ctx, path)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	ctx = context.WithoutCancel(ctx)
	f := newFloor(ledgerMembers)
	staged := f.stage(0, orders)
	entries := 0
	began := time.Now()
	err = db.Tx(ctx, func(tx *store.Tx) error {
		if err := f.prepare(ctx, tx); err != nil {
			return err
		}
		return f.insert(staged, func(table int, args ...any) error {
			switch table {
			case floorEntries:
				entries++
			case floorVouchers:
			default:
				return nil
			}
			return f.insertTo[table].Exec(ctx, args...)
		})
	})
	err = errors.Join(err, db.Checkpoint(ctx))
	return float64(entries) / time.Since(began).Seconds(), err
}

func measureVerify(ctx context.Context, path, count string) (*VerifyReport, error) {
	l, err := openLedger(ctx, path, count)
	if err != nil {
		return nil, err
	}
	defer l.db.Close()
	if _, err := l.fill(ctx); err != nil {
		return nil, err
	}
	r := &VerifyReport{}
	began := time.Now()
	err = l.db.Read(ctx, func(tx *store.Tx) error {
		problems, counts, err := l.book.Verify(ctx, tx, nil)
		if len(problems) > 0 {
			return fault.Broken("bench.history")
		}
		r.Entries, r.Vouchers = counts.Entries, counts.Vouchers
		return err
	})
	if err != nil {
		return nil, err
	}
	r.Seconds, r.PeakRSSMiB = rounded(time.Since(began).Seconds()), rounded(peakMiB())
	began = time.Now()
	if err := l.db.Read(ctx, func(tx *store.Tx) error { return scanAndHash(ctx, tx) }); err != nil {
		return nil, err
	}
	r.FloorSeconds = rounded(time.Since(began).Seconds())
	r.Ratio = rounded(r.Seconds / r.FloorSeconds)
	return r, nil
}

// scanAndHash reads every column of vouchers and entries once, in the order of
// their keys, and hashes each row.
func scanAndHash(ctx context.Context, tx *store.Tx) error {
	for _, t := range []struct {
		query   string
		columns int
	}{{"SELECT * FROM vouchers ORDER BY custody_id, voucher_id", 13}, {"SELECT * FROM entries ORDER BY custody_id, account_id, seq", 9}} {
		raw := make([]sql.RawBytes, t.columns)
		into := make([]any, t.columns)
		for i := range raw {
			into[i] = &raw[i]
		}
		var row []byte
		var last [sha256.Size]byte
		err := tx.Each(ctx, t.query, nil, func(scan func(...any) error) error {
			if err := scan(into...); err != nil {
				return err
			}
			row = row[:0]
			for _, field := range raw {
				row = append(row, field...)
			}
			last = sha256.Sum256(row)
			return nil
		})
		if err != nil {
			return err
		}
		if last == ([sha256.Size]byte{}) {
			return errChild
		}
	}
	return nil
}
