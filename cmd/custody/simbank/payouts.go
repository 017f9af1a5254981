package simbank

import (
	"slices"
	"time"

	"custody/bankfiles"
	"custody/internal/fault"
	"custody/internal/money"
)

func amountOf(fen int64) money.Amount { return money.Amount(fen) }

// payAll answers the batches of the day, row by row.
func (b *bank) payAll(batches []*bankfiles.PayoutFile) error {
	faults := b.choose(b.plan.rowsAtRisk(batches))
	have := b.opening
	for _, l := range b.lines {
		if l.Time < paidFrom {
			have += l.Fen
		}
	}
	for _, batch := range batches {
		result := &bankfiles.ResultFile{BatchNo: batch.BatchNo, Date: b.date}
		for i := range batch.Items {
			item, err := b.pay(batch.BatchNo, &batch.Items[i], faults[b.payouts], &have)
			if err != nil {
				return err
			}
			result.Items = append(result.Items, item)
			b.payouts++
		}
		b.results = append(b.results, result)
	}
	return nil
}

// choose gives the payout faults that are due a row each. One that finds no row
// waits for the next day with payouts.
func (b *bank) choose(rows []int) map[int]string {
	chosen := map[int]string{}
	for _, f := range b.plan.Faults {
		if !slices.Contains(payoutFaults, f.Name) || f.Date > b.date || slices.Contains(b.after.Played, f.Name) ||
			len(chosen) == len(rows) {
			continue
		}
		row := newRNG(b.plan.Seed, faultSalt, uint64(b.date), nameHash(f.Name)).below(len(rows))
		for chosen[rows[row]] != "" {
			row = (row + 1) % len(rows)
		}
		chosen[rows[row]] = f.Name
		b.after.Played = append(b.after.Played, f.Name)
	}
	return chosen
}

// When the bank does things.
const (
	paidFrom   = "13:31:05" // payouts are debited from here on, one a second for ten rows
	lateTime   = "00:10:00"
	reverseAt  = "02:20:00"
	returnedAt = "14:05:00"
)

// pay answers one row: what the result says, what is debited and when, what
// comes back, and what it does to the member's sub-account.
func (b *bank) pay(batch string, it *bankfiles.PayoutItem, name string, have *int64) (bankfiles.ResultItem, error) {
	m, fen := b.member(it.Member), int64(it.Amount)
	own := fromSubAccount(it)
	if m < 0 && own {
		return bankfiles.ResultItem{}, fault.Invalid("simbank.member").In(batch+".txt").AtLine(it.Seq+1).On("member", it.Member)
	}
	tomorrow := b.date.AddDays(1)
	at := b.date.At(13, 31).Add(5*time.Second + time.Duration(b.payouts/10)*time.Second)
	at = earlier(at, b.date.At(17, 0)) // 1,000,000 rows would take a day
	debit := line{Date: b.date, Time: at.Format(time.TimeOnly), Value: b.date, Ref: bankRef(b.date, million+1+b.payouts),
		Fen: -fen, Serial: it.Serial, Code: "PAYO", Name: it.Name, Account: it.Account, Remark: it.Purpose}
	back := line{Date: tomorrow, Value: tomorrow, Fen: fen, Serial: it.Serial, Member: it.Member, Name: it.Name,
		Account: it.Account, Ref: bankRef(tomorrow, 3*million+1+b.payouts)}
	r := bankfiles.ResultItem{Seq: it.Seq, Serial: it.Serial, Amount: it.Amount, Status: bankfiles.ResultSuccess,
		Code: "0000", BankRef: debit.Ref, BankTime: at}
	failed := func(code, reason string) {
		r.Status, r.Code, r.Reason, r.BankRef = bankfiles.ResultFailed, code, reason, ""
		r.BankTime = b.date.At(14, 2)
	}
	if *have < fen {
		failed("1001", "账户余额不足")
		return r, nil
	}
	switch name {
	case Refused: // taken and given back on the same day
		failed("1004", "收款人户名不符")
		return r, nil
	case LateDebit:
		debit.Date, debit.Time, debit.Ref, debit.Member = tomorrow, lateTime, bankRef(tomorrow, 2*million+1+b.payouts), it.Member
		r.BankRef, r.BankTime = "", b.date.At(17, 5)
		b.after.Later = append(b.after.Later, debit)
	case Returned:
		back.Time, back.Code, back.Remark = returnedAt, returnCode, "退汇 "+it.Serial
		b.after.Later = append(b.after.Later, back)
	case DebitedF:
		failed("1005", "收款行超出当日限额")
		back.Time, back.Code, back.Remark, back.Reversal = reverseAt, "RVSL", "冲正 "+it.Serial, true
		if own {
			back.GiveBack = fen + payoutFeeFen
		}
		b.after.Later = append(b.after.Later, back)
	case DebitTwice:
		b.debitTwice(debit, back)
	case NoAnswer:
		r.Status, r.Code, r.Reason, r.BankRef, r.BankTime = bankfiles.ResultUnknown, "9999", "处理中", "", time.Time{}
	}
	if debit.Date == b.date {
		b.lines = append(b.lines, debit)
	}
	*have -= fen
	if own {
		b.after.Available[m] -= fen + payoutFeeFen
	}
	return r, nil
}

// fromSubAccount reports whether a payment is out of a member's sub-account: a
// settlement, which names no kind, or a withdrawal. The others are out of head
// office's registers (自有资金、挂账、打款验证), which the balance file does not list.
func fromSubAccount(it *bankfiles.PayoutItem) bool {
	return it.Attach == "" || it.Attach == "WITHDRAWAL"
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
