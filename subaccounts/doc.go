// Package subaccounts is the ledger: who owns which part of the money in one
// custody bank account, to the fen, provable afterwards.
//
// Every change is a voucher (凭证) of two or more entries (分录) that sum to zero.
// Vouchers are appended, never changed: a correction is a reversal in red and a
// new voucher. Balances, open items and day totals are kept beside the entries
// and can be derived from them again ([Book.Verify]).
//
//	book, err := subaccounts.Open(ctx, tx, "HQ1", salt)
//	_, err = book.Post(ctx, tx, "importer", at, subaccounts.Posting{
//		Date: day, Event: "E1", Reference: "20260212-W1", Source: "orders-20260212.csv:2",
//		Legs: []subaccounts.Leg{
//			subaccounts.Debit(subaccounts.ChannelDay("1122", "WX", day), 100000),
//			subaccounts.Credit(subaccounts.Key{Code: "2102"}, 100000),
//		},
//	})
//
// The caller owns the transaction. For many postings use [Book.Begin],
// [Batch.Post] and [Batch.Finish]. One writer at a time per custody account
// gives voucher numbers, log positions and running balances.
package subaccounts
