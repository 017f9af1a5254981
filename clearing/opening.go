package clearing

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"custody/clearing/approval"
	"custody/clearing/exceptions"
	"custody/clearing/payout"
	"custody/clearing/people"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
	"custody/subaccounts"
)

// Opening is what the books begin with (期初): every balance of the system before,
// signed off by the bank's letter. Two people take it on, once, into empty books;
// it is dated the day before the first one.
type Opening struct {
	FirstDay bizdate.Date `json:"first_day"`
	Balance  money.Amount `json:"balance_fen"`   // of the custody account, by the bank's letter
	Letter   string       `json:"letter_sha256"` // of the letter's file
	Sheet    string       `json:"sheet_sha256"`
	Rows     []OpeningRow `json:"rows"`
}

// OpeningRow is one balance, on its account's own side. 1122 and 2501 may stand
// on the other one.
type OpeningRow struct {
	Account string       `json:"account"` // 2001.A, 2002.A.WX.20260211, 1122.WX.20260211, 2201.A.SERIAL
	Amount  money.Amount `json:"amount_fen"`
	Remark  string       `json:"remark,omitempty"`
}

const (
	openingKind  = "opening"
	openingEvent = "OPENING" // 期初
)

// openingMax bounds the sheet: a voucher has 100,000 legs, one of them the bank's.
const openingMax = 99_999

// openingFileMax bounds the files: 99,999 rows of 160 bytes, or a scanned letter.
const openingFileMax = 16 << 20

// openingColumns are those of the sheet.
var openingColumns = []string{"account", "amount", "remark"}

// openingAccounts may stand in the sheet. What is not split, in escrow, on its way
// back to a customer or returned by the bank must have come to its end before the
// books change hands: no order or payout would stand behind it.
var openingAccounts = []string{"1122", "1402", "2001", "2002", "2003", "2201", "2301", "2302", "2303", "2304", "2305", "2306", "2401", "2402", "2501", "2502", "2601"}

// ReadOpening reads a sheet and the bank's letter. Faults name the line.
func ReadOpening(sheet, letter string, balance money.Amount, first bizdate.Date) (*Opening, error) {
	raw, err := readBounded(sheet)
	if err != nil {
		return nil, err
	}
	signed, err := readBounded(letter)
	if err != nil {
		return nil, err
	}
	o := &Opening{FirstDay: first, Balance: balance, Letter: digestOf(signed), Sheet: digestOf(raw)}
	name := filepath.Base(sheet)
	r := csv.NewReader(skipMark(strings.NewReader(string(raw))))
	r.FieldsPerRecord = len(openingColumns)
	header, err := r.Read()
	if err != nil || !slices.Equal(header, openingColumns) {
		return nil, fault.Invalid("opening.header", strings.Join(openingColumns, ",")).In(name).AtLine(1).Because(err)
	}
	seen := map[string]bool{}
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return o, nil
		}
		line, _ := r.FieldPos(0)
		if err != nil || len(o.Rows) == openingMax {
			return nil, fault.Invalid("opening.row", openingMax).In(name).AtLine(line).Because(err)
		}
		row, bad := openingRow(fields, seen)
		if bad != nil {
			return nil, bad.In(name).AtLine(line)
		}
		o.Rows = append(o.Rows, row)
	}
}

func readBounded(path string) ([]byte, error) {
	name := filepath.Base(path)
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Invalid("file.read", name).In(name).Because(err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, openingFileMax+1))
	if err != nil || len(raw) == 0 || len(raw) > openingFileMax {
		return nil, fault.Invalid("file.read", name).In(name).Because(err)
	}
	return raw, nil
}

func openingRow(fields []string, seen map[string]bool) (OpeningRow, *fault.Fault) {
	row := OpeningRow{Account: fields[0], Remark: fields[2]}
	key, err := subaccounts.ParseKey(row.Account)
	if err != nil || !slices.Contains(openingAccounts, key.Code) || seen[row.Account] {
		return row, fault.Invalid("opening.account").On("account", row.Account)
	}
	seen[row.Account] = true
	def, _ := subaccounts.Chart(key.Code)
	row.Amount, err = money.ParseYuan(fields[1])
	if err != nil || row.Amount == 0 || row.Amount < 0 && !def.BothSides {
		return row, fault.Invalid("cli.amount").On("amount", fields[1])
	}
	return row, nil
}

// legs are the opening's voucher: every balance against the bank account. Where
// the sheet does not come to the letter's balance it is opening.balance.
func (o *Opening) legs() ([]subaccounts.Leg, error) {
	legs := []subaccounts.Leg{subaccounts.Debit(bank, o.Balance)}
	var sum money.Amount
	for _, r := range o.Rows {
		key, err := subaccounts.ParseKey(r.Account)
		if err != nil {
			return nil, err
		}
		def, _ := subaccounts.Chart(key.Code)
		leg := subaccounts.Leg{Key: key, Amount: r.Amount * money.Amount(def.Side)}
		if sum, err = sum.Sub(leg.Amount); err != nil {
			return nil, fault.Invalid("ledger.overflow").Because(err)
		}
		legs = append(legs, leg)
	}
	if sum != o.Balance || o.Balance <= 0 {
		return nil, fault.Invalid("opening.balance", sum, o.Balance).On("--balance", o.Balance.String())
	}
	return legs, nil
}

// TakeOn submits an opening after posting it in a transaction that is taken back:
// what the ledger would refuse is refused at once.
func (e *Engine) TakeOn(ctx context.Context, actor string, o *Opening) (id string, err error) {
	w := e.work(0, actor, nil)
	err = e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Make); err != nil {
			return err
		}
		if err := w.takeOn(ctx, tx, o, "preview"); err != nil {
			return err
		}
		return errPreview
	})
	if !errors.Is(err, errPreview) {
		return "", err
	}
	err = e.DB.Tx(ctx, func(tx *store.Tx) error {
		subject := "OPENING-" + o.FirstDay.Compact()
		if id, err = approval.NextID(ctx, tx, e.Book.ID(), openingKind, subject); err != nil {
			return err
		}
		return approval.Submit(ctx, tx, e.Book.ID(), w.Stamp, actor, id, openingKind, subject, o)
	})
	return id, err
}

// decideOpening takes on what was approved.
func (w *Work) decideOpening(ctx context.Context, tx *store.Tx, a approval.Approval, to approval.State, d *Decision) error {
	if to == approval.Rejected {
		return nil
	}
	var o Opening
	if err := json.Unmarshal([]byte(a.Content), &o); err != nil {
		return err
	}
	if err := w.takeOn(ctx, tx, &o, a.ID); err != nil {
		return err
	}
	d.Vouchers = append(d.Vouchers, openingEvent+":"+w.Date.Compact())
	return nil
}

// takeOn posts the opening and closes its day, which nothing else can be dated on.
func (w *Work) takeOn(ctx context.Context, tx *store.Tx, o *Opening, approvalID string) error {
	last, err := w.lastDay(ctx, tx)
	if err != nil {
		return err
	}
	if !last.Date.IsZero() {
		return fault.Invalid("opening.begun", last.Date)
	}
	legs, err := o.legs()
	if err != nil {
		return err
	}
	w.Date = o.FirstDay.AddDays(-1)
	if err := w.openDay(ctx, tx, w.Date); err != nil {
		return err
	}
	err = w.post(ctx, tx, subaccounts.Posting{Date: w.Date, Event: openingEvent, Reference: w.Date.Compact(), Source: "approval " + approvalID, Legs: legs})
	if err != nil {
		return err
	}
	if err := w.covered(ctx, tx, legs); err != nil {
		return err
	}
	if err := firstErr(w.openingDays(ctx, tx, o), w.openingPayouts(ctx, tx, o), w.openingCases(ctx, tx, o)); err != nil {
		return err
	}
	if err := w.Book.CloseDay(ctx, tx, w.Date); err != nil {
		return err
	}
	for _, s := range []DayState{DayCut, DayReconciling, DayBalanced, DayClosed} {
		if err := w.moveDay(ctx, tx, w.Date, s); err != nil {
			return err
		}
	}
	d, _, err := w.day(ctx, tx, w.Date)
	if err != nil {
		return err
	}
	if d.ResultHash, err = w.resultHash(ctx, tx); err != nil {
		return err
	}
	d.DayPhase = phaseSkipped
	return w.saveDay(ctx, tx, d, "day.result")
}

// openingDays makes each channel's clearing date in transit known as reconciled
// and split, so that its money is awaited and released like any other.
func (w *Work) openingDays(ctx context.Context, tx *store.Tx, o *Opening) error {
	fees := map[subaccounts.Key]money.Amount{}
	for _, r := range o.Rows {
		if k, err := subaccounts.ParseKey(r.Account); err == nil && k.Code == "2501" {
			fees[owedOf(k)] = r.Amount
		}
	}
	for _, r := range o.Rows {
		k, err := subaccounts.ParseKey(r.Account)
		if err != nil || k.Code != "1122" {
			continue
		}
		clears, err := bizdate.Parse(k.Item)
		if err != nil || clears > w.Date {
			return fault.Invalid("opening.account").On("account", r.Account)
		}
		ch, known := w.Config.Channel(k.Owner)
		if !known {
			return fault.Invalid("opening.account").On("account", r.Account)
		}
		due, err := w.Calendar.AddWorkingDays(clears, w.Config.Release.Days)
		if err != nil {
			return err
		}
		fee := fees[k]
		net := r.Amount - fee
		if ch.gross() {
			net = r.Amount
		}
		_, err = tx.Exec(ctx, `INSERT INTO channel_days (custody_id, channel, clearing_date, bill_file_id, pay_fen, refund_fen, fee_fen, net_fen, due_date, split_date)
			VALUES (?, ?, ?, 0, ?, 0, ?, ?, ?, ?)`, w.Book.ID(), k.Owner, clears, r.Amount, fee, net, due, w.Date)
		if err != nil {
			return err
		}
	}
	return nil
}

// owedOf is what the channel owes where k is what it is owed.
func owedOf(k subaccounts.Key) subaccounts.Key {
	return subaccounts.Key{Code: "1122", Owner: k.Owner, Item: k.Item}
}

// openingPayouts records payouts that the system before had sent and the bank has
// not answered as UNKNOWN (待确认) under their old serials: a debit on a statement
// settles them, and nothing is ever sent again.
func (w *Work) openingPayouts(ctx context.Context, tx *store.Tx, o *Opening) error {
	var list []payout.Payout
	b := payout.Batch{BatchNo: payout.BatchNo(w.Date, 0), Date: w.Date, FileDate: w.Date, State: payout.BatchReconciled}
	for _, r := range o.Rows {
		k, err := subaccounts.ParseKey(r.Account)
		if err != nil || k.Code != "2201" {
			continue
		}
		bound, _, err := w.Book.CurrentBinding(ctx, tx, k.Owner)
		if err != nil {
			return err
		}
		if err := needMember(ctx, w, tx, k.Owner, ""); err != nil || k.Item == "" {
			return fault.Invalid("opening.account").On("account", r.Account).Because(err)
		}
		list = append(list, payout.Payout{Kind: payout.Settlement, Seq: len(list) + 1, Serial: k.Item, Member: k.Owner, Amount: r.Amount,
			AccountNo: bound.AccountNo, AccountName: bound.AccountName, CNAPS: bound.CNAPS, Route: w.Config.Payout.Route})
		b.Rows, b.Total = b.Rows+1, b.Total+r.Amount
	}
	if len(list) == 0 {
		return nil
	}
	if err := payout.Save(ctx, tx, w.Book.ID(), b, list); err != nil {
		return err
	}
	return payout.MoveAll(ctx, tx, w.Book.ID(), b.BatchNo, payout.Draft, payout.Unknown, w.Date)
}

// openingKinds are the exceptions under which open differences are taken on.
var openingKinds = map[string]exceptions.Kind{"1402": exceptions.BankMiss, "2401": exceptions.UnknownPayer, "2402": exceptions.PlatformMiss}

func (w *Work) openingCases(ctx context.Context, tx *store.Tx, o *Opening) error {
	for _, r := range o.Rows {
		k, err := subaccounts.ParseKey(r.Account)
		if err != nil {
			return err
		}
		kind, is := openingKinds[k.Code]
		if !is {
			continue
		}
		if k.Item == "" {
			return fault.Invalid("opening.account").On("account", r.Account)
		}
		if err := w.open(ctx, tx, exceptions.Exception{Kind: kind, Subject: k.Item, Amount: r.Amount, Theirs: r.Remark}); err != nil {
			return err
		}
	}
	return nil
}
