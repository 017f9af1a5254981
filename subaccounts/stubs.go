package subaccounts

import (
	"context"
	"fmt"
	"time"

	"custody/internal/bizdate"
	"custody/internal/money"
	"custody/internal/store"
)

// Reverse posts the red-letter reversal (红字冲正) of a voucher, dated date.
func (b *Book) Reverse(ctx context.Context, tx *store.Tx, actor string, at time.Time, voucherID int64, date bizdate.Date, source string) (Outcome, error) {
	return Outcome{}, nil
}

// Day is an accounting date that the ledger knows.
type Day struct {
	Date     bizdate.Date `db:"accounting_date"`
	Closed   bool         `db:"closed"`
	Vouchers int          `db:"vouchers"`
	Debit    money.Amount `db:"debit_fen"`
	Credit   money.Amount `db:"credit_fen"`
}

func (b *Book) OpenDay(ctx context.Context, tx *store.Tx, date bizdate.Date) error {
	_, err := tx.Exec(ctx, `INSERT INTO ledger_days (custody_id, accounting_date, closed, vouchers, debit_fen, credit_fen)
		VALUES (?, ?, 0, 0, 0, 0) ON CONFLICT (custody_id, accounting_date) DO NOTHING`, b.id, date)
	return err
}
func (b *Book) CloseDay(ctx context.Context, tx *store.Tx, date bizdate.Date) error  { return nil }
func (b *Book) ReopenDay(ctx context.Context, tx *store.Tx, date bizdate.Date) error { return nil }
func (b *Book) Totals(ctx context.Context, tx *store.Tx, date bizdate.Date) (Day, error) {
	return Day{}, nil
}

// AccountBalance is the live balance of an account.
type AccountBalance struct {
	AccountID int64        `db:"account_id"`
	Code      string       `db:"code"`
	Owner     string       `db:"owner"`
	Balance   money.Amount `db:"balance_fen"`
}

// ItemBalance is what an open item stands at.
type ItemBalance struct {
	Key
	Balance money.Amount
}

// Filter selects accounts or items; an empty field selects all.
type Filter struct{ Code, Owner, Item string }

func (b *Book) Balance(ctx context.Context, tx *store.Tx, key Key) (money.Amount, error) {
	return 0, nil
}
func (b *Book) BalanceAsOf(ctx context.Context, tx *store.Tx, code, owner string, date bizdate.Date) (money.Amount, error) {
	return 0, nil
}
func (b *Book) Balances(ctx context.Context, tx *store.Tx, f Filter) ([]AccountBalance, error) {
	return nil, nil
}
func (b *Book) Items(ctx context.Context, tx *store.Tx, f Filter) ([]ItemBalance, error) {
	return nil, nil
}
func (b *Book) ItemsAsOf(ctx context.Context, tx *store.Tx, f Filter, date bizdate.Date) ([]ItemBalance, error) {
	return nil, nil
}

// Movement is the roll-forward of an account over one date, signed: debit positive.
type Movement struct {
	AccountID                       int64
	Code, Owner                     string
	Opening, Debit, Credit, Closing money.Amount // debit and credit are both positive
}

func (b *Book) Movements(ctx context.Context, tx *store.Tx, date bizdate.Date) ([]Movement, error) {
	return nil, nil
}

// Entry is a line (分录) of a voucher.
type Entry struct {
	Key
	AccountID, Seq, VoucherID int64
	Line                      int
	Date                      bizdate.Date
	Amount                    money.Amount // signed: debit positive
	BalanceAfter              money.Amount // of the account, live, in posting order
	Running                   money.Amount // in a statement: balance in order of (date, seq)
}

// VoucherName is how people call a voucher: its date and number, 2026-02-13/9.
func VoucherName(date bizdate.Date, no int) string { return fmt.Sprintf("%s/%d", date, no) }

// Voucher is a voucher (凭证) with its entries.
type Voucher struct {
	ID, Reverses             int64
	Date                     bizdate.Date
	No                       int
	Event, Reference, Source string
	Actor                    string
	CreatedAt                time.Time
	ContentHash, LeafHash    []byte
	Entries                  []Entry
}

func (b *Book) VoucherByID(ctx context.Context, tx *store.Tx, id int64) (Voucher, bool, error) {
	return Voucher{}, false, nil
}
func (b *Book) VoucherByNo(ctx context.Context, tx *store.Tx, date bizdate.Date, no int) (Voucher, bool, error) {
	return Voucher{}, false, nil
}
func (b *Book) VoucherByReference(ctx context.Context, tx *store.Tx, event, reference string) (Voucher, bool, error) {
	return Voucher{}, false, nil
}

// Vouchers calls fn for the vouchers of a date in number order; the voucher is reused.
func (b *Book) Vouchers(ctx context.Context, tx *store.Tx, date bizdate.Date, fn func(*Voucher) error) error {
	return nil
}

// Entries calls fn for the entries of an account in order of (date, seq) and returns the balance before and after.
func (b *Book) Entries(ctx context.Context, tx *store.Tx, code, owner string, from, to bizdate.Date, fn func(*Entry) error) (opening, closing money.Amount, err error) {
	return 0, 0, nil
}

// Kinds of members.
const (
	Franchisee = "FRANCHISEE" // 加盟商
	Partner    = "PARTNER"    // 渠道合作方
)

// Statuses of a member.
const (
	StatusNormal  = "NORMAL"
	StatusStopped = "STOPPED" // 止付: receives, does not pay
	StatusFrozen  = "FROZEN"  // 不收不付
	StatusClosed  = "CLOSED"  // 销户
)

// Member is a franchisee (加盟商) or channel partner (渠道合作方).
type Member struct {
	Code    string `db:"code"`
	Name    string `db:"name"`
	Kind    string `db:"kind"`
	Partner string `db:"partner"`
	Status  string `db:"status"`
}

// Binding is a bound bank account (绑定账户).
type Binding struct {
	Member      string `db:"member"`
	Version     int    `db:"version"`
	AccountNo   string `db:"account_no"`
	AccountName string `db:"account_name"`
	BankName    string `db:"bank_name"`
	CNAPS       string `db:"cnaps"`
	Status      string `db:"status"`
}

func (b *Book) AddMember(ctx context.Context, tx *store.Tx, actor string, at time.Time, m Member) error {
	_, err := tx.Exec(ctx, "INSERT INTO members (custody_id, code, name, kind, partner, status) VALUES (?, ?, ?, ?, ?, ?)",
		b.id, m.Code, m.Name, m.Kind, m.Partner, m.Status)
	return err
}
func (b *Book) UpdateMember(ctx context.Context, tx *store.Tx, actor string, at time.Time, code, status string) error {
	return nil
}
func (b *Book) GetMember(ctx context.Context, tx *store.Tx, code string) (Member, bool, error) {
	return Member{}, false, nil
}
func (b *Book) Members(ctx context.Context, tx *store.Tx) ([]Member, error) { return nil, nil }
func (b *Book) Bind(ctx context.Context, tx *store.Tx, actor string, at time.Time, bind Binding) (version int, err error) {
	return 0, nil
}
func (b *Book) VerifyBinding(ctx context.Context, tx *store.Tx, actor string, at time.Time, member string) error {
	return nil
}
func (b *Book) BlockBinding(ctx context.Context, tx *store.Tx, actor string, at time.Time, member string) error {
	return nil
}
func (b *Book) CurrentBinding(ctx context.Context, tx *store.Tx, member string) (Binding, bool, error) {
	return Binding{}, false, nil
}

// Problem is one thing that does not hold.
type Problem struct {
	Kind, Table, ID string
	Code            string // of the sentence
	Args            []any
}

// Counts says what Verify looked at.
type Counts struct{ Vouchers, Entries, Accounts, Events int64 }

func (b *Book) Verify(ctx context.Context, tx *store.Tx, progress func(string)) ([]Problem, Counts, error) {
	return nil, Counts{}, nil
}
