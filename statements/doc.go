// Package statements is proof for people: what the books say, laid out so that
// a finance manager can sign it, a member can check it and an auditor can add
// it up again.
//
//	err := statements.Workbook(ctx, tx, statements.WorkbookInput{
//		Custody: id, Config: config, Date: day, TieOut: tie, Checks: checks,
//		Lang: lang.ZH, State: "CLOSED", ResultHash: hash,
//	}, out)
//
// A document reads the books and never posts. Every total in a workbook is a
// live formula that carries its value, computed here in whole fen; the reader's
// spreadsheet computes it once more. Where the books contradict each other the
// document is refused (exit code 3) rather than printed. Only a bank issues bank
// receipts: our documents are settlement vouchers of the platform (平台结算凭证)
// and bear no stamp.
package statements
