package clearing

import (
	"context"
	"io"

	"custody/bankfiles"
	"custody/bankfiles/orderfile"
	"custody/bankfiles/payfile"
	"custody/clearing/orders"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// groupRows is the size of a commit group: about a second of work, after which
// the writer is free for others.
const groupRows = 100_000

// load writes the rows of a checked file. Large ones go in groups; the file is
// visible to the steps only when its state becomes LOADED with the last group.
// id is that of an interrupted load of the same bytes, or 0.
func (w *Work) load(ctx context.Context, a *arrival, id int64) (int64, error) {
	if a.kind == fileStatement {
		return w.loadStatement(ctx, a)
	}
	err := w.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := w.mayLoad(ctx, tx, a); err != nil {
			return err
		}
		if id != 0 {
			return orders.Drop(ctx, tx, w.Book.ID(), id)
		}
		var err error
		id, err = w.insertFile(ctx, tx, a.file())
		return err
	})
	if err != nil {
		return id, err
	}
	f, err := a.open()
	if err != nil {
		return id, err
	}
	defer f.Close()
	switch {
	case a.noBill:
		err = w.DB.Tx(ctx, func(tx *store.Tx) error { return w.setFileState(ctx, tx, id, FileNoBill) })
	case a.kind == fileOrders:
		err = w.loadOrders(ctx, a, id, f)
	case a.kind == fileBill:
		err = w.loadBill(ctx, a, id, f)
	case a.kind == fileIntraday:
		err = w.loadReport(ctx, a, id, f)
	case a.kind == fileResult:
		err = w.loadResult(ctx, a, id, f)
	case a.kind == fileBalances:
		err = w.loadBalances(ctx, a, id, f)
	}
	if fl := fault.Of(err); fl != nil && fl.Kind == fault.Bad {
		return id, w.unload(ctx, id, err)
	}
	return id, err
}

// unload removes every trace of a file whose rows the books refuse, so that
// it can be rejected as a whole.
func (w *Work) unload(ctx context.Context, id int64, cause error) error {
	err := w.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := orders.Drop(ctx, tx, w.Book.ID(), id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "DELETE FROM files WHERE custody_id = ? AND file_id = ?", w.Book.ID(), id)
		return err
	})
	if err != nil {
		return err
	}
	return cause
}

// mayLoad refuses a file for a day that is closed: its rows could not be booked.
func (w *Work) mayLoad(ctx context.Context, tx *store.Tx, a *arrival) error {
	if a.kind == fileResult {
		return nil
	}
	d, found, err := w.day(ctx, tx, a.date)
	if err == nil && found && d.closed() {
		return fault.Invalid("file.closed-day", a.date).In(a.name).On("date", a.date.String())
	}
	return err
}

// memberSet holds the codes of all members.
func (w *Work) memberSet(ctx context.Context, tx *store.Tx) (map[string]subaccounts.Member, error) {
	members, err := w.Book.Members(ctx, tx)
	set := make(map[string]subaccounts.Member, len(members))
	for _, m := range members {
		set[m.Code] = m
	}
	return set, err
}

// maxRowFaults bounds how many bad rows of a file are told.
const maxRowFaults = 100

func (w *Work) loadOrders(ctx context.Context, a *arrival, id int64, f io.Reader) error {
	var members map[string]subaccounts.Member
	err := w.DB.Read(ctx, func(tx *store.Tx) (err error) {
		members, err = w.memberSet(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	var bad fault.List
	var marks []orders.Mark
	group := loadGroup[orders.Order]{write: func(rows []orders.Order, last bool) error {
		return w.DB.Tx(ctx, func(tx *store.Tx) error {
			if err := w.insertOrders(ctx, tx, a, id, rows); err != nil || !last {
				return err
			}
			again, found, err := orders.InArchive(ctx, tx, w.Book.ID(), id)
			if err != nil {
				return err
			}
			if found {
				return a.again(&again)
			}
			if err := orders.SaveMarks(ctx, tx, w.Book.ID(), id, marks); err != nil {
				return err
			}
			return w.setFileState(ctx, tx, id, FileLoaded)
		})
	}}
	defer group.wait() //nolint:errcheck // what went wrong before is told
	_, err = orderfile.Read(a.name, f, func(o *bankfiles.Order) error {
		row, fl := w.order(a, o, members)
		if fl != nil {
			if bad = append(bad, fl); len(bad) >= maxRowFaults {
				return bad
			}
			return nil
		}
		if len(bad) > 0 {
			return nil
		}
		if o.Coupon.Units != 0 || o.Status != bankfiles.OrderPaid {
			more, fl := marksOf(&row, o)
			if fl != nil {
				bad = append(bad, fl.In(a.name))
				return nil
			}
			if marks = append(marks, more...); !o.Status.Collected() {
				return nil // not paid: no order of the books
			}
		}
		return group.add(row)
	})
	if err == nil {
		err = bad.Err()
	}
	if err != nil {
		return err
	}
	return group.finish()
}

// order turns a row of the file into an order of the books.
func (w *Work) order(a *arrival, o *bankfiles.Order, members map[string]subaccounts.Member) (orders.Order, *fault.Fault) {
	at := func(code, field, value string) *fault.Fault {
		return fault.Invalid(code).In(a.name).AtLine(o.Line).On(field, value)
	}
	m, known := members[o.Member]
	if !known || m.Kind != "FRANCHISEE" {
		return orders.Order{}, at("order.member", "member", o.Member)
	}
	ch, known := w.Config.Channel(o.Channel)
	if !known {
		return orders.Order{}, at("order.channel", "channel", o.Channel)
	}
	amount, err := o.Amount.Fen()
	if err != nil || amount <= 0 {
		return orders.Order{}, at("order.amount", "amount", o.Amount.String())
	}
	if bizdate.Of(o.Time) != a.date {
		return orders.Order{}, at("order.date", "time", o.Time.In(bizdate.Zone).Format("2006-01-02 15:04:05"))
	}
	return orders.Order{Row: int64(o.Line), Kind: string(o.Kind), OrderNo: o.OrderNo, RefundNo: o.RefundNo,
		Member: m.Code, Channel: ch.Code, Amount: amount, Time: o.Time.Unix(), Escrow: o.Escrow}, nil
}

// insertOrders writes a group. An order number that an earlier file has used
// is found after the database refused it, because it is rare and looking for
// it in every row is not free.
func (w *Work) insertOrders(ctx context.Context, tx *store.Tx, a *arrival, id int64, group []orders.Order) error {
	loader := orders.NewLoader(tx, w.Book.ID(), id)
	for i := range group {
		loader.Add(&group[i])
	}
	err := loader.Flush(ctx)
	if err == nil {
		return nil
	}
	for i := range group {
		o := &group[i]
		_, found, findErr := orders.Find(ctx, tx, w.Book.ID(), o.OrderNo, o.RefundNo)
		if findErr != nil {
			break
		}
		if found {
			return a.again(o).Because(err)
		}
	}
	return err
}

// again refuses a row whose number an earlier file has used.
func (a *arrival) again(o *orders.Order) *fault.Fault {
	field, value := "order_no", o.OrderNo
	if o.RefundNo != "" {
		field, value = "refund_no", o.RefundNo
	}
	return fault.Invalid("order.again").In(a.name).AtLine(int(o.Row)).On(field, value)
}

func (w *Work) loadBill(ctx context.Context, a *arrival, id int64, f io.Reader) error {
	group := loadGroup[orders.BillRow]{write: func(rows []orders.BillRow, last bool) error {
		return w.DB.Tx(ctx, func(tx *store.Tx) error {
			loader := orders.NewBillLoader(tx, w.Book.ID(), id)
			for i := range rows {
				loader.Add(&rows[i])
			}
			if err := loader.Flush(ctx); err != nil || !last {
				return err
			}
			return w.setFileState(ctx, tx, id, FileLoaded)
		})
	}}
	defer group.wait() //nolint:errcheck // what went wrong before is told
	_, err := w.readBill(a, f, func(r *bankfiles.BillRow) error {
		amount, err := r.Amount.Fen()
		if err != nil || amount <= 0 {
			return fault.Invalid("order.amount").In(a.name).AtLine(r.Line).On("amount", r.Amount.String())
		}
		fee, err := r.Fee.RoundFen()
		if err != nil {
			return fault.Invalid("order.amount").In(a.name).AtLine(r.Line).On("fee", r.Fee.String())
		}
		return group.add(orders.BillRow{Row: int64(r.Line), Kind: string(r.Kind), OrderNo: r.OrderNo, RefundNo: r.RefundNo,
			ChannelNo: r.ChannelNo, Amount: amount, Fee: fee, Time: r.Time.Unix()})
	})
	if err != nil {
		return err
	}
	return group.finish()
}

// loadResult records the bank's answers; the results step posts them.
func (w *Work) loadResult(ctx context.Context, a *arrival, id int64, f io.Reader) error {
	result, err := payfile.ReadResult(a.name, f)
	if err != nil {
		return err
	}
	return w.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := w.saveAnswers(ctx, tx, a.name, result); err != nil {
			return err
		}
		return w.setFileState(ctx, tx, id, FileLoaded)
	})
}

func (w *Work) loadBalances(ctx context.Context, a *arrival, id int64, f io.Reader) error {
	list, err := payfile.ReadBalance(a.name, f)
	if err != nil {
		return err
	}
	return w.DB.Tx(ctx, func(tx *store.Tx) error {
		b := tx.Bulk("bank_balances", store.Const("custody_id", w.Book.ID()), store.Const("file_id", id),
			store.Text("member"), store.Int("available_fen"), store.Int("cash_fen"), store.Int("frozen_fen"))
		for _, it := range list.Items {
			b.Text(it.Member).Int(int64(it.Available)).Int(int64(it.Cash)).Int(int64(it.Frozen))
		}
		if err := b.Flush(ctx); err != nil {
			return err
		}
		return w.setFileState(ctx, tx, id, FileLoaded)
	})
}

// exactFen turns an amount of a bank file into fen; the books keep CNY alone.
func exactFen(x money.Exact, a *arrival, line int, field string) (money.Amount, error) {
	fen, err := x.Fen()
	if err != nil {
		return 0, fault.Invalid("file.fen").In(a.name).AtLine(line).On(field, x.String()+" "+x.Currency)
	}
	return fen, nil
}
