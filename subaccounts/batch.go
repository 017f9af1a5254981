package subaccounts

import (
	"context"
	"slices"
	"time"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
)

// A chunk is what is staged in memory before it is written: 100,000 vouchers
// with up to 400,000 entries of 88 bytes are about 60 MB with their texts.
const (
	chunkVouchers = 100_000
	chunkEntries  = 400_000
)

// Batch stages the postings of one transaction: running balances in memory,
// rows written in sets. While it is open nothing else may post into the same
// custody account in the same transaction.
type Batch struct {
	book  *Book
	tx    *store.Tx
	actor string
	at    int64 // Unix milliseconds

	days         []dayState // open accounting dates, earliest first
	voucherCount int64      // size of the voucher log
	accountCount int64      // last account_id given out

	accounts  map[accountKey]*accountState
	touched   []*accountState // in order of first use
	members   map[string]memberStatus
	preloaded bool

	known map[reference]voucherRef // of the slice at hand, from the database
	chunk chunk

	legs   []legState // scratch of the posting at hand
	netted []*accountState
	items  []*itemState
	stamp  int64

	finished bool
}

// dayState is an open accounting date.
type dayState struct {
	date     bizdate.Date
	vouchers int64
	debit    int64
	credit   int64
	dirty    bool
}

// legState is where a leg of the posting at hand goes.
type legState struct {
	account *accountState
	item    *itemState // nil without an item
}

// Begin starts a batch: actor and at are written on its vouchers. It locks the
// head of the custody account, so that there is one writer at a time.
func (b *Book) Begin(ctx context.Context, tx *store.Tx, actor string, at time.Time) (*Batch, error) {
	p := &Batch{
		book: b, tx: tx, actor: actor, at: at.UnixMilli(),
		accounts: map[accountKey]*accountState{}, members: map[string]memberStatus{},
		known: map[reference]voucherRef{},
	}
	if !plainText(actor, actorMax) {
		return nil, fault.Invalid("ledger.text").On("actor", actor)
	}
	// The update, which changes nothing, locks the row where more than one could write.
	if _, err := tx.Exec(ctx, "UPDATE custodies SET voucher_count = voucher_count WHERE custody_id = ?", b.id); err != nil {
		return nil, err
	}
	head := struct {
		Vouchers int64 `db:"voucher_count"`
		Accounts int64 `db:"account_count"`
	}{}
	if err := tx.Get(ctx, &head, "SELECT voucher_count, account_count FROM custodies WHERE custody_id = ?", b.id); err != nil {
		return nil, err
	}
	p.voucherCount, p.accountCount = head.Vouchers, head.Accounts
	err := tx.Each(ctx, `SELECT accounting_date, vouchers, debit_fen, credit_fen FROM ledger_days
		WHERE custody_id = ? AND closed = 0 ORDER BY accounting_date`, []any{b.id}, func(scan func(...any) error) error {
		var d dayState
		p.days = append(p.days, d)
		last := &p.days[len(p.days)-1]
		return scan(&last.date, &last.vouchers, &last.debit, &last.credit)
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Post stages postings in the given order and says what became of each. An
// error means that the transaction must be given up; a posting that may not be
// made has its own error in its outcome (see [Outcome]) and writes nothing:
//
//	ledger.conflict        reference is there with other content
//	ledger.overdrawn       an account would cross zero, now or at a day's cut
//	ledger.item_overdrawn  an open item would cross zero
//	ledger.day_unknown, ledger.day_closed
//	ledger.member_unknown, ledger.member_stopped, ledger.member_closed
//	ledger.legs, ledger.zero_leg, ledger.unbalanced, ledger.overflow, ledger.text,
//	ledger.account_unknown, ledger.owner, ledger.item, ledger.reverses
func (p *Batch) Post(ctx context.Context, postings []Posting) ([]Outcome, error) {
	outcomes := make([]Outcome, len(postings))
	for from := 0; from < len(postings); {
		to, legs := p.slice(postings, from)
		if p.chunk.vouchers+to-from > chunkVouchers || p.chunk.entries+legs > chunkEntries {
			if err := p.flush(ctx); err != nil {
				return nil, err
			}
		}
		if err := p.prepare(ctx, postings[from:to], legs); err != nil {
			return nil, err
		}
		for i := from; i < to; i++ {
			if err := p.post(ctx, &postings[i], &outcomes[i]); err != nil {
				return nil, err
			}
		}
		from = to
	}
	return outcomes, nil
}

// slice returns the end of the next postings that fit into one chunk.
func (p *Batch) slice(postings []Posting, from int) (to, legs int) {
	for to = from; to < len(postings) && to-from < chunkVouchers; to++ {
		n := len(postings[to].Legs)
		if to > from && legs+n > chunkEntries {
			break
		}
		legs += n
	}
	return to, legs
}

// post stages one posting. Its error is a fault of the database; what is wrong
// with the posting goes into the outcome.
func (p *Batch) post(ctx context.Context, posting *Posting, out *Outcome) error {
	if p.posted(posting, out) {
		return nil
	}
	day, refused, err := p.check(ctx, posting)
	if err != nil {
		return err
	}
	if refused != nil {
		out.Err = refused
		return nil
	}
	p.stage(posting, day, out)
	return nil
}

// Balance returns the live balance with all that is staged so far: of the item
// where the key names one, else of the account. Signed: debit positive.
func (p *Batch) Balance(ctx context.Context, key Key) (money.Amount, error) {
	def := chartOf(key.Code)
	if def == nil {
		return 0, fault.Invalid("ledger.account_unknown", key.Code)
	}
	account, err := p.account(ctx, accountKey{key.Code, key.Owner}, def)
	if err != nil {
		return 0, err
	}
	if key.Item == "" {
		return money.Amount(account.balance), nil
	}
	item, err := p.item(ctx, account, key.Item)
	if err != nil {
		return 0, err
	}
	return money.Amount(item.balance), nil
}

// Finish writes everything that is staged. It must come before the commit, and
// the batch is of no use afterwards.
func (p *Batch) Finish(ctx context.Context) error {
	if p.finished {
		return nil
	}
	p.finished = true
	if err := p.flush(ctx); err != nil {
		return err
	}
	slices.SortFunc(p.touched, func(a, b *accountState) int { return int(a.id - b.id) })
	for _, write := range []func(context.Context) error{p.writeAccounts, p.writeItems, p.writeDayBalances, p.writeHead} {
		if err := write(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Post posts a few postings in one step. The first one that is refused makes
// the whole call fail with its error.
func (b *Book) Post(ctx context.Context, tx *store.Tx, actor string, at time.Time, postings ...Posting) ([]Outcome, error) {
	p, err := b.Begin(ctx, tx, actor, at)
	if err != nil {
		return nil, err
	}
	outcomes, err := p.Post(ctx, postings)
	if err != nil {
		return nil, err
	}
	for _, o := range outcomes {
		if o.Err != nil {
			return outcomes, o.Err
		}
	}
	return outcomes, p.Finish(ctx)
}
