package subaccounts

import (
	"context"
	"slices"

	"custody/internal/store"
	"custody/internal/translog"
)

// flushRows is how many rows are staged column-wise before they go to the
// database: one statement of internal/store.
const flushRows = 10_000

// flush writes the chunk: entries in the order of their key while the last
// blocks are still being hashed, then vouchers, then the log's new nodes.
func (p *Batch) flush(ctx context.Context) error {
	c := &p.chunk
	if c.vouchers == 0 {
		return nil
	}
	if last := c.blocks[len(c.blocks)-1]; c.vouchers > singleLookups {
		go last.hash(p.book, p.actor, p.at)
	} else {
		last.hash(p.book, p.actor, p.at)
	}
	if err := p.writeEntries(ctx); err != nil {
		return err
	}
	leaves, err := p.writeVouchers(ctx)
	if err != nil {
		return err
	}
	if err := p.growLog(ctx, leaves); err != nil {
		return err
	}
	for _, a := range c.accounts {
		a.staged = 0
	}
	c.release()
	return nil
}

// writeEntries writes the entries of the chunk account by account: a counting
// sort, because each account's entries are in the order of their seq already.
func (p *Batch) writeEntries(ctx context.Context) error {
	c := &p.chunk
	slices.SortFunc(c.accounts, func(a, b *accountState) int { return int(a.id - b.id) })
	at := 0
	for _, a := range c.accounts {
		a.next = at
		at += a.staged
	}
	sorted := make([]*entryRow, c.entries)
	for _, b := range c.blocks {
		for i := range b.entries {
			e := &b.entries[i]
			sorted[e.account.next] = e
			e.account.next++
		}
	}
	rows := p.tx.Bulk("entries", store.Const("custody_id", p.book.id), store.Int("account_id"), store.Int("seq"),
		store.Int("voucher_id"), store.Int("line"), store.Int("accounting_date"), store.Int("amount_fen"),
		store.Text("item"), store.Int("balance_after_fen"))
	for _, e := range sorted {
		rows.Int(e.id).Int(e.seq).Int(e.voucher).Int(e.line).Int(int64(e.date)).Int(e.amount).Text(e.item).Int(e.after)
		if rows.Rows() == flushRows {
			if err := rows.Send(ctx); err != nil {
				return err
			}
		}
	}
	return rows.Flush(ctx)
}

// longLegs is the length of the legs column from which a voucher is written by
// itself, because a bulk insert gives every row the width of the longest.
const longLegs = 1024

// writeVouchers writes the vouchers of the chunk and returns their leaves.
func (p *Batch) writeVouchers(ctx context.Context) ([]translog.Hash, error) {
	leaves := make([]translog.Hash, 0, p.chunk.vouchers)
	rows := p.tx.Bulk("vouchers", store.Const("custody_id", p.book.id), store.Int("voucher_id"), store.Int("accounting_date"),
		store.Int("voucher_no"), store.Text("event"), store.Text("reference"), store.Blob("content_hash"), store.Int("reverses_id"),
		store.Text("source"), store.Const("actor", p.actor), store.Const("created_at", p.at), store.Text("legs"), store.Blob("leaf_hash"))
	for _, b := range p.chunk.blocks {
		<-b.hashed
		for i := range b.vouchers {
			v := &b.vouchers[i]
			long := v.legsTo-v.legsFrom > longLegs
			if long || rows.Rows() == flushRows {
				if err := rows.Send(ctx); err != nil {
					return nil, err
				}
			}
			rows.Int(v.id).Int(int64(v.date)).Int(v.no).Text(v.event).Text(v.reference).Blob(v.contentHash[:]).
				Int(v.reverses).Text(v.source).Bytes(b.legs[v.legsFrom:v.legsTo]).Blob(v.leaf[:])
			if long {
				if err := rows.Flush(ctx); err != nil {
					return nil, err
				}
			}
			leaves = append(leaves, v.leaf)
		}
	}
	return leaves, rows.Flush(ctx)
}

// growLog writes the inner nodes of the voucher log that the leaves, which are
// the last ones of the log, complete.
func (p *Batch) growLog(ctx context.Context, leaves []translog.Hash) error {
	nodes, err := translog.Grow(ctx, voucherLog{p.tx, p.book.id}, p.voucherCount-int64(len(leaves)), leaves)
	if err != nil {
		return err
	}
	rows := p.tx.Bulk("voucher_log_nodes", store.Const("custody_id", p.book.id), store.Int("level"), store.Int("node"), store.Blob("hash"))
	for _, n := range nodes {
		rows.Int(int64(n.Level)).Int(n.Index).Blob(n.Hash[:])
	}
	return rows.Flush(ctx)
}

func (p *Batch) writeAccounts(ctx context.Context) error {
	rows := p.tx.Bulk("accounts", store.Const("custody_id", p.book.id), store.Int("account_id"), store.Text("code"), store.Text("owner"),
		store.Int("balance_fen"), store.Int("last_seq")).OnConflict([]string{"custody_id", "account_id"}, "balance_fen", "last_seq")
	for _, a := range p.touched {
		rows.Int(a.id).Text(a.code).Text(a.owner).Int(a.balance).Int(a.seq)
	}
	return rows.Flush(ctx)
}

// writeItems writes the items that changed; one that came to zero vanishes.
func (p *Batch) writeItems(ctx context.Context) error {
	rows := p.tx.Bulk("items", store.Const("custody_id", p.book.id), store.Int("account_id"), store.Text("item"), store.Int("balance_fen")).
		OnConflict([]string{"custody_id", "account_id", "item"}, "balance_fen")
	for _, a := range p.touched {
		for _, it := range a.items {
			switch {
			case !it.dirty:
			case it.balance != 0:
				rows.Int(a.id).Text(it.name).Int(it.balance)
			case it.stored:
				_, err := p.tx.Exec(ctx, "DELETE FROM items WHERE custody_id = ? AND account_id = ? AND item = ?", p.book.id, a.id, it.name)
				if err != nil {
					return err
				}
			}
		}
	}
	return rows.Flush(ctx)
}

func (p *Batch) writeDayBalances(ctx context.Context) error {
	rows := p.tx.Bulk("day_balances", store.Const("custody_id", p.book.id), store.Int("accounting_date"), store.Int("account_id"),
		store.Int("debit_fen"), store.Int("credit_fen")).
		OnConflict([]string{"custody_id", "accounting_date", "account_id"}, "debit_fen", "credit_fen")
	for i := range p.days {
		for _, a := range p.touched {
			if m := &a.moves[i]; m.dirty {
				rows.Int(int64(p.days[i].date)).Int(a.id).Int(m.debit).Int(m.credit)
			}
		}
	}
	return rows.Flush(ctx)
}

func (p *Batch) writeHead(ctx context.Context) error {
	for i := range p.days {
		d := &p.days[i]
		if !d.dirty {
			continue
		}
		_, err := p.tx.Exec(ctx, "UPDATE ledger_days SET vouchers = ?, debit_fen = ?, credit_fen = ? WHERE custody_id = ? AND accounting_date = ?",
			d.vouchers, d.debit, d.credit, p.book.id, d.date)
		if err != nil {
			return err
		}
	}
	_, err := p.tx.Exec(ctx, "UPDATE custodies SET voucher_count = ?, account_count = ? WHERE custody_id = ?",
		p.voucherCount, p.accountCount, p.book.id)
	return err
}
