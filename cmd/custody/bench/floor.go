package bench

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"time"

	"custody/internal/fault"
	"custody/internal/store"
)

// floorResult is the answer of the floor's process.
type floorResult struct {
	Seconds float64 `json:"seconds"`
	Rows    int     `json:"rows"`
	Bytes   int64   `json:"bytes"`
}

// The reference set of one order, in the columns of the real tables: one order,
// one row of the bill, their match, two vouchers, six entries.
var floorTables = []struct {
	name    string
	columns string
}{
	{"orders", "custody_id, file_id, row_no, kind, order_no, refund_no, member, channel, amount_fen, trade_time"},
	{"bill_rows", "custody_id, file_id, row_no, kind, order_no, refund_no, channel_no, amount_fen, fee_fen, trade_time"},
	{"trade_matches", "custody_id, bill_file_id, bill_row_no, order_file_id, order_row_no, accounting_date, rule"},
	{"vouchers", "custody_id, voucher_id, accounting_date, voucher_no, event, reference, content_hash, reverses_id, source, actor, created_at, legs, leaf_hash"},
	{"entries", "custody_id, account_id, seq, voucher_id, line, accounting_date, amount_fen, item, balance_after_fen"},
}

const (
	floorOrderRows = iota
	floorBillRows
	floorMatches
	floorVouchers
	floorEntries
)

// floorStage is how many orders are made up at a time while the clock stands.
const floorStage = 10_000

// insertFloor inserts the reference set of so many orders, one prepared row at
// a time in order of arrival, into an empty database at the path: opened as the
// night's is, with its pragmas, indexes and commit groups. Making up the values
// is not timed.
func insertFloor(ctx context.Context, path string, orders, members int) (floorResult, error) {
	db, err := store.Open(ctx, path)
	if err != nil {
		return floorResult{}, err
	}
	defer db.Close()
	f := newFloor(members)
	f.server = db.Engine() != "sqlite"
	// A context that can be cancelled would cost a goroutine per row.
	ctx = context.WithoutCancel(ctx)
	var clock stopwatch
	for from := 0; from < orders; from += CommitGroup {
		clock.enter("insert")
		err := db.Tx(ctx, func(tx *store.Tx) error {
			put, err := f.into(ctx, tx)
			if err != nil {
				return err
			}
			until := min(from+CommitGroup, orders)
			for at := from; at < until; at += floorStage {
				clock.stop()
				staged := f.stage(at, min(at+floorStage, until))
				clock.enter("insert")
				if err := f.insert(staged, put); err != nil {
					return err
				}
			}
			return nil
		})
		clock.stop()
		if err != nil {
			return floorResult{}, err
		}
	}
	clock.enter("checkpoint")
	err = db.Checkpoint(ctx)
	clock.stop()
	return floorResult{Seconds: clock.total().Seconds(), Rows: f.rows, Bytes: db.Size()}, err
}

// floor makes up orders and inserts them.
type floor struct {
	random   *rand.Rand
	members  int
	partners int
	sequence []int64 // last entry, by account
	balance  []int64
	voucher  int64
	rows     int
	insertTo []*store.Prepared // by table
	server   bool              // rows go in by COPY
	flush    func() error      // writes what COPY has staged; nil where rows go in one by one
}

// Accounts of the floor: head office's first, then the members', then the partners'.
const (
	floorChannel = iota + 1 // 1122 of both channels
	_
	floorPassThrough // 2102
	floorHeadOffice  // 2302
	floorFirstMember
)

func newFloor(members int) *floor {
	partners := max(1, members/10)
	return &floor{random: rand.New(rand.NewPCG(1, 2)), members: members, partners: partners,
		sequence: make([]int64, floorFirstMember+members+partners), balance: make([]int64, floorFirstMember+members+partners)}
}

func (f *floor) prepare(ctx context.Context, tx *store.Tx) error {
	f.insertTo = f.insertTo[:0]
	for _, t := range floorTables {
		places := strings.Repeat(", ?", strings.Count(t.columns, ",")+1)[2:]
		p, err := tx.Prepare(ctx, "INSERT INTO "+t.name+" ("+t.columns+") VALUES ("+places+")")
		if err != nil {
			return err
		}
		f.insertTo = append(f.insertTo, p)
	}
	return nil
}

// floorOrder is one order with all its rows.
type floorOrder struct {
	row                       int64
	number, channelNo, member string
	channel                   string
	fen, fee, time            int64
	vouchers                  [2]floorVoucher
	entries                   [6]floorEntry
}

type floorVoucher struct {
	id                       int64
	event, reference, source string
	legs                     string
	content, leaf            [32]byte
}

type floorEntry struct {
	account, seq, voucher, line, fen, after int64
	item                                    string
}

const floorDay = 20260105

// stage makes up the orders from..until-1 of the day.
func (f *floor) stage(from, until int) []floorOrder {
	list := make([]floorOrder, until-from)
	for i := range list {
		f.makeUp(&list[i], from+i)
	}
	return list
}

// makeUp makes up one order: values as long as real ones, members as they come.
func (f *floor) makeUp(o *floorOrder, n int) {
	channel := f.random.IntN(2)
	code := [...]string{"WX", "ALI"}[channel]
	member := f.random.IntN(f.members)
	o.row, o.channel = int64(n+3), code
	o.number = strconv.Itoa(floorDay) + code + padded(n+1, 9)
	o.channelNo = "4200002" + strconv.Itoa(floorDay) + padded(n+1, 13)
	o.member = "F" + padded(member+1, len(strconv.Itoa(f.members)))
	o.fen = 5_00 + f.random.Int64N(300_00)
	o.fee = o.fen * 6 / 1000
	o.time = firstNight.At(7, 0).Unix() + int64(n)%50_000
	source := "file 1 line " + strconv.FormatInt(o.row, 10)
	for i, event := range [...]string{"E1", "E2"} {
		f.voucher++
		v := &o.vouchers[i]
		*v = floorVoucher{id: f.voucher, event: event, source: source, reference: strconv.Itoa(floorDay) + "." + code + "." + o.number}
		for at := 0; at < len(v.content); at += 8 {
			binary.LittleEndian.PutUint64(v.content[at:], f.random.Uint64())
			binary.LittleEndian.PutUint64(v.leaf[at:], f.random.Uint64())
		}
	}
	share, partner := o.fen*9/10, o.fen/20
	day := code + "." + strconv.Itoa(floorDay)
	f.post(o, 0, 0, floorChannel+channel, o.fen, strconv.Itoa(floorDay))
	f.post(o, 1, 0, floorPassThrough, -o.fen, "")
	f.post(o, 2, 1, floorPassThrough, o.fen, "")
	f.post(o, 3, 1, floorFirstMember+member, -share, day)
	f.post(o, 4, 1, floorFirstMember+f.members+member%f.partners, -partner, day)
	f.post(o, 5, 1, floorHeadOffice, share+partner-o.fen, day)
}

func (f *floor) post(o *floorOrder, entry, voucher, account int, fen int64, item string) {
	f.sequence[account]++
	f.balance[account] += fen
	v := &o.vouchers[voucher]
	if v.legs != "" {
		v.legs += " "
	}
	v.legs += strconv.Itoa(account) + ":" + strconv.FormatInt(f.sequence[account], 10)
	line := entry + 1
	if voucher == 1 {
		line = entry - 1
	}
	o.entries[entry] = floorEntry{account: int64(account), seq: f.sequence[account], voucher: v.id, line: int64(line),
		fen: fen, after: f.balance[account], item: item}
}

func padded(n, width int) string {
	digits := strconv.Itoa(n)
	return strings.Repeat("0", max(0, width-len(digits))) + digits
}

// insert inserts the rows of the orders, order by order.
func (f *floor) insert(list []floorOrder, write func(table int, args ...any) error) error {
	var err error
	put := func(table int, args ...any) {
		if err == nil {
			err = write(table, args...)
			f.rows++
		}
	}
	created := time.Date(2026, 1, 6, 0, 30, 0, 0, time.UTC).UnixMilli()
	for i := range list {
		o := &list[i]
		put(floorOrderRows, 1, 1, o.row, "PAY", o.number, "", o.member, o.channel, o.fen, o.time)
		put(floorBillRows, 1, 2, o.row, "PAY", o.number, "", o.channelNo, o.fen, o.fee, o.time+1)
		put(floorMatches, 1, 2, o.row, 1, o.row, floorDay, "reference")
		next := 0
		for j := range o.vouchers {
			v := &o.vouchers[j]
			put(floorVouchers, 1, v.id, floorDay, v.id, v.event, v.reference, v.content[:], 0, v.source, "maker1", created, v.legs, v.leaf[:])
			for ; next < len(o.entries) && o.entries[next].voucher == v.id; next++ {
				e := &o.entries[next]
				put(floorEntries, 1, e.account, e.seq, e.voucher, e.line, floorDay, e.fen, e.item, e.after)
			}
		}
	}
	if err != nil || f.flush == nil {
		return err
	}
	return f.flush()
}

// into returns how a row goes in: one prepared row at a time on SQLite, by COPY
// in order of arrival on a server.
func (f *floor) into(ctx context.Context, tx *store.Tx) (func(table int, args ...any) error, error) {
	f.flush = nil
	if !f.server {
		err := f.prepare(ctx, tx)
		return func(table int, args ...any) error { return f.insertTo[table].Exec(ctx, args...) }, err
	}
	staged := make([]*store.Bulk, len(floorTables))
	f.flush = func() error {
		for _, b := range staged {
			if b == nil {
				continue
			}
			if err := b.Flush(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	return func(table int, args ...any) error {
		if staged[table] == nil {
			staged[table] = tx.Bulk(floorTables[table].name, floorColumns(floorTables[table].columns, args)...)
		}
		return stageRow(staged[table], args)
	}, nil
}

// floorColumns are the columns of a table, by what the first row holds.
func floorColumns(names string, first []any) []store.Column {
	var columns []store.Column
	for i, name := range strings.Split(names, ", ") {
		switch first[i].(type) {
		case string:
			columns = append(columns, store.Text(name))
		case []byte:
			columns = append(columns, store.Blob(name))
		default:
			columns = append(columns, store.Int(name))
		}
	}
	return columns
}

func stageRow(b *store.Bulk, args []any) error {
	for _, arg := range args {
		switch v := arg.(type) {
		case string:
			b.Text(v)
		case []byte:
			b.Blob(v)
		case int64:
			b.Int(v)
		case int:
			b.Int(int64(v))
		default:
			return errChild
		}
	}
	return nil
}

// serverSchemas gives the night and its floor a schema each on the server, and
// returns how to drop them.
func serverSchemas(ctx context.Context, dsn string, night, floor *string) (drop func(), err error) {
	address, err := url.Parse(dsn)
	if err != nil {
		return nil, fault.Invalid("store.dsn")
	}
	schemas := map[string]*string{"custody_bench_night": night, "custody_bench_floor": floor}
	for name, to := range schemas {
		query := address.Query()
		query.Set("search_path", name)
		address.RawQuery = query.Encode()
		*to = address.String()
	}
	drop = func() {
		for name, at := range schemas {
			if db, err := store.Open(ctx, *at); err == nil {
				_ = db.Tx(ctx, func(tx *store.Tx) error {
					_, err := tx.Exec(ctx, "DROP SCHEMA "+name+" CASCADE")
					return err
				})
				_ = db.Close()
			}
		}
	}
	drop() // what a broken measurement left
	return drop, nil
}
