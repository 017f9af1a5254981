package bench

import (
	"context"
	"fmt"
	"time"

	"custody/clearing/orders"
	"custody/clearing/reconcile"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// fillHistory books days days of so many orders each before the date, through
// the real posting path: collected, split and, by one voucher a day, cleared
// again, so that the books come to nothing before the measured night. It plays
// no files, which is what makes a year a matter of minutes.
func fillHistory(ctx context.Context, db *store.DB, book *subaccounts.Book, before bizdate.Date, days, perDay int) error {
	h := history{book: book, perDay: perDay, files: true}
	return h.fill(ctx, db, before, days)
}

func (h *history) fill(ctx context.Context, db *store.DB, before bizdate.Date, days int) error {
	for n := days; n > 0; n-- {
		err := db.Tx(ctx, func(tx *store.Tx) error { return h.day(ctx, tx, before.AddDays(-n), int64(n)) })
		if err != nil {
			return err
		}
	}
	return nil
}

// history makes up days.
type history struct {
	book   *subaccounts.Book
	perDay int
	files  bool     // orders, bill rows and matches too, not the ledger alone
	owners []string // members, franchisees and partners alike
}

// Of an order of 100.00 the member gets 94.40, head office 5.00, the channel 0.60.
const (
	historyOrder  = money.Amount(100_00)
	historyMember = money.Amount(94_40)
	historyFee    = money.Amount(60)
)

func (h *history) day(ctx context.Context, tx *store.Tx, date bizdate.Date, id int64) error {
	if h.owners == nil {
		members, err := h.book.Members(ctx, tx)
		if err != nil {
			return err
		}
		for _, m := range members {
			h.owners = append(h.owners, m.Code)
		}
	}
	if err := h.book.OpenDay(ctx, tx, date); err != nil {
		return err
	}
	batch, err := h.book.Begin(ctx, tx, "history", date.At(24, 0).Add(time.Hour))
	if err != nil {
		return err
	}
	outcomes, err := batch.Post(ctx, h.postings(date, id))
	if err != nil {
		return err
	}
	for _, o := range outcomes {
		if o.Err != nil {
			return o.Err
		}
	}
	if err := batch.Finish(ctx); err != nil {
		return err
	}
	if h.files {
		if err := h.trades(ctx, tx, date, id); err != nil {
			return err
		}
	}
	return h.book.CloseDay(ctx, tx, date)
}

func (h *history) number(date bizdate.Date, i int) string {
	return date.Compact() + "WX" + fmt.Sprintf("%09d", i+1)
}

// owner spreads the orders of a day over the members.
func (h *history) owner(i int) string { return h.owners[i*7919%len(h.owners)] }

func (h *history) postings(date bizdate.Date, id int64) []subaccounts.Posting {
	item := "WX." + date.Compact()
	owed := subaccounts.Key{Code: "1122", Owner: "WX", Item: date.Compact()}
	fees := subaccounts.Key{Code: "2501", Owner: "WX", Item: date.Compact()}
	own := subaccounts.Key{Code: "2302", Item: item}
	collected := subaccounts.Key{Code: "2102"}
	list := make([]subaccounts.Posting, 0, 2*h.perDay+1)
	add := func(event, reference string, i int, legs ...subaccounts.Leg) {
		list = append(list, subaccounts.Posting{Date: date, Event: event, Reference: date.Compact() + ".WX." + reference,
			Source: fmt.Sprintf("file %d line %d", -id, i+3), Legs: legs})
	}
	for i := range h.perDay {
		add("E1", h.number(date, i), i, subaccounts.Debit(owed, historyOrder), subaccounts.Credit(collected, historyOrder))
	}
	standing := map[string]money.Amount{}
	for i := range h.perDay {
		owner := h.owner(i)
		standing[owner] += historyMember
		add("E2", h.number(date, i), i, subaccounts.Debit(collected, historyOrder),
			subaccounts.Credit(subaccounts.Key{Code: "2002", Owner: owner, Item: item}, historyMember),
			subaccounts.Credit(own, historyOrder-historyMember-historyFee), subaccounts.Credit(fees, historyFee))
	}
	n := money.Amount(h.perDay)
	clear := []subaccounts.Leg{subaccounts.Credit(owed, n*historyOrder), subaccounts.Debit(fees, n*historyFee),
		subaccounts.Debit(own, n*(historyOrder-historyMember-historyFee))}
	for _, owner := range h.owners {
		if standing[owner] > 0 {
			clear = append(clear, subaccounts.Debit(subaccounts.Key{Code: "2002", Owner: owner, Item: item}, standing[owner]))
		}
	}
	add("E17", "cleared", 0, clear...)
	return list
}

// trades writes the day's orders, bill rows and matches, under ids of files
// that nothing else uses.
func (h *history) trades(ctx context.Context, tx *store.Tx, date bizdate.Date, id int64) error {
	orderFile, billFile := -2*id, -2*id-1
	loader, bill := orders.NewLoader(tx, h.book.ID(), orderFile), orders.NewBillLoader(tx, h.book.ID(), billFile)
	at := date.At(7, 0).Unix()
	for i := range h.perDay {
		o := orders.Order{Row: int64(i + 3), Kind: orders.Pay, OrderNo: h.number(date, i), Member: h.owner(i), Channel: "WX", Amount: historyOrder, Time: at + int64(i)}
		loader.Add(&o)
		bill.Add(&orders.BillRow{Row: o.Row, Kind: o.Kind, OrderNo: o.OrderNo, ChannelNo: "42000" + o.OrderNo, Amount: o.Amount, Fee: historyFee, Time: o.Time})
	}
	if err := loader.Flush(ctx); err != nil {
		return fault.Broken("bench.history").Because(err)
	}
	if err := bill.Flush(ctx); err != nil {
		return fault.Broken("bench.history").Because(err)
	}
	return orders.SaveMatches(ctx, tx, h.book.ID(), date, historyMatches(orderFile, billFile, h.perDay))
}

func historyMatches(orderFile, billFile int64, n int) []reconcile.Match {
	list := make([]reconcile.Match, n)
	for i := range list {
		list[i] = reconcile.Match{Ours: reconcile.Ref{File: orderFile, Row: int32(i + 3)}, Theirs: reconcile.Ref{File: billFile, Row: int32(i + 3)},
			Rule: reconcile.ByOrderNo}
	}
	return list
}
