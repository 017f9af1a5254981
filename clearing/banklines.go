package clearing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"custody/bankfiles"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
	"custody/internal/store"
)

// bankLine is one line of the bank's statement, first seen in an intraday
// report or in the statement itself.
type bankLine struct {
	ID          int64         `db:"line_id"`
	Ref         string        `db:"bank_ref"`
	Booked      bizdate.Date  `db:"booking_date"`
	Value       bizdate.Date  `db:"value_date"`
	Amount      money.Amount  `db:"amount_fen"` // credit positive
	Reversal    bool          `db:"reversal"`
	Serial      string        `db:"end_to_end_id"`
	Name        string        `db:"counterparty_name"`
	Account     string        `db:"counterparty_account"`
	Remark      string        `db:"remark"`
	Intraday    *int64        `db:"intraday_file_id"`
	Statement   *int64        `db:"statement_file_id"`
	Row         *int64        `db:"statement_row_no"`
	Use         string        `db:"use"`
	MatchedTo   string        `db:"matched_to"`
	MatchedDate *bizdate.Date `db:"matched_date"`
}

const lineColumns = `line_id, bank_ref, booking_date, value_date, amount_fen, reversal, end_to_end_id, counterparty_name,
	counterparty_account, remark, intraday_file_id, statement_file_id, statement_row_no, use, matched_to, matched_date`

// Uses of a bank line.
const (
	useOwnFunds  = "OWN_FUNDS" // 总部入金
	useChannel   = "CHANNEL"   // 渠道到账
	useFee       = "FEE"       // 手续费后收
	usePayout    = "PAYOUT"    // 出款
	useReturn    = "RETURN"    // 退汇
	useReversal  = "REVERSAL"  // 冲正
	useUnknown   = "UNKNOWN"   // 不明来账
	useMember    = "MEMBER"    // 会员充值 by an association
	useCharge    = "CHARGE"    // 银行扣费
	useInterest  = "INTEREST"  // 结息
	useOffSystem = "OFF_SYSTEM"
	useVanished  = "VANISHED" // in an intraday report, not in the statement of its day
)

// reference is the key of vouchers that a bank line makes.
func (l bankLine) reference() string { return l.Booked.Compact() + "." + l.Ref }

// nameless reports whether the bank told no party, as in BAI2, whose lines have
// nothing but a text.
func (l bankLine) nameless() bool { return l.Name == "" && l.Account == "" }

// names reports whether the line names a party: in its own field, or in the text
// of a line that has none.
func (l bankLine) names(party string) bool {
	return strings.Contains(l.Name, party) || l.nameless() && strings.Contains(l.Remark, party)
}

// from reports the same of an account.
func (l bankLine) from(account string) bool {
	return l.Account == account || l.nameless() && slices.Contains(strings.Fields(l.Remark), account)
}

// maxSerial bounds the look for a serial in a remark.
const maxSerial = 35

// serial returns our serial on the line: as the bank's end-to-end reference, or
// in its remark behind 退汇 or 冲正.
func (l bankLine) serial() string {
	if l.Serial != "" {
		return l.Serial
	}
	for _, word := range []string{"退汇", "冲正"} {
		if _, rest, ok := strings.Cut(l.Remark, word); ok {
			if fields := strings.Fields(rest); len(fields) > 0 && len(fields[0]) <= maxSerial {
				return fields[0]
			}
		}
	}
	return ""
}

// lineLoader takes the entries of our account in a file of statements, or in one
// report, into the books.
type lineLoader struct {
	ctx   context.Context
	w     *Work
	tx    *store.Tx
	a     *arrival
	file  int64                  // of a report
	files map[bizdate.Date]int64 // of a statement: by day, the new ones alone
	rows  map[int64]int64        // lines so far, by file
	part  int                    // statements opened
	last  int64                  // number of the last line in the books, 0 before it is asked for
	same  map[string]int         // occurrences of equal lines, and of equal references
}

func (w *Work) newLineLoader(ctx context.Context, tx *store.Tx, a *arrival) *lineLoader {
	return &lineLoader{ctx: ctx, w: w, tx: tx, a: a, rows: map[int64]int64{}, same: map[string]int{}}
}

// loadReport takes in a report during the day (当日明细).
func (w *Work) loadReport(ctx context.Context, a *arrival, id int64, src io.Reader) error {
	return w.DB.Tx(ctx, func(tx *store.Tx) error {
		l := w.newLineLoader(ctx, tx, a)
		l.file = id
		if err := w.readStatements(a, src, l); err != nil {
			return err
		}
		return w.setFileState(ctx, tx, id, FileLoaded)
	})
}

// loadStatement takes in the days of a statement that the books have not, each as
// a file of its own with the same bytes. It returns the file of the last one.
func (w *Work) loadStatement(ctx context.Context, a *arrival) (id int64, err error) {
	err = w.DB.Tx(ctx, func(tx *store.Tx) error {
		l := w.newLineLoader(ctx, tx, a)
		l.files = map[bizdate.Date]int64{}
		for _, d := range a.fresh {
			if id, err = w.insertDay(ctx, tx, a, d); err != nil {
				return err
			}
			l.files[d.Date] = id
		}
		src, err := a.open() // anew for a transaction that is tried again
		if err != nil {
			return err
		}
		if err := errors.Join(w.readStatements(a, src, l), src.Close()); err != nil {
			return err
		}
		for _, d := range a.fresh {
			if err := l.saveDay(d); err != nil {
				return err
			}
		}
		for _, d := range a.fresh { // behind all of them: the next day of a gap may be the file's own
			if err := l.chained(d); err != nil {
				return err
			}
		}
		return nil
	})
	return id, err
}

// insertDay records the file for one of its days.
func (w *Work) insertDay(ctx context.Context, tx *store.Tx, a *arrival, d statementDay) (int64, error) {
	one := *a
	one.date = d.Date
	if err := w.mayLoad(ctx, tx, &one); err != nil {
		return 0, err
	}
	_, err := tx.Exec(ctx, "DELETE FROM files WHERE custody_id = ? AND kind = ? AND source = ? AND business_date = ? AND state <> 'REJECTED' AND state = ?",
		w.Book.ID(), a.kind, a.source, d.Date, FileValidated)
	if err != nil {
		return 0, err
	}
	f := one.file()
	f.Rows = d.Entries
	return w.insertFile(ctx, tx, f)
}

// Open does nothing: the heads are looked at before a line is loaded.
func (l *lineLoader) Open(*bankfiles.Statement) error { l.part++; return nil }

// Close does nothing.
func (l *lineLoader) Close(*bankfiles.Statement) error { return nil }

// fileOf is the file to which an entry belongs: none where it is of another
// account or of a day that the books have.
func (l *lineLoader) fileOf(booked bizdate.Date) (int64, bool) {
	if l.part > len(l.a.ours) || !l.a.ours[l.part-1] {
		return 0, false
	}
	if l.files == nil {
		return l.file, true
	}
	id, ok := l.files[clamped(booked, l.a.from, l.a.date)]
	return id, ok
}

// Entry takes one booked line; pending and informational ones move no money.
func (l *lineLoader) Entry(e *bankfiles.StatementEntry) error {
	file, wanted := l.fileOf(e.BookingDate)
	if e.Status != bankfiles.Booked || !wanted {
		return nil
	}
	l.rows[file]++
	amount, err := exactFen(e.Amount, l.a, e.Line, "Amt")
	if err != nil {
		return err
	}
	booked := e.BookingDate
	if booked.IsZero() {
		booked = l.a.date
	}
	value := e.ValueDate
	if value.IsZero() {
		value = booked
	}
	line := bankLine{Ref: e.BankRef, Booked: booked, Value: value, Amount: amount, Reversal: e.Reversal, Serial: e.EndToEndID,
		Name: e.CounterpartyName, Account: e.CounterpartyAccount, Remark: e.Remark}
	if strings.EqualFold(line.Serial, "NOTPROVIDED") {
		line.Serial = ""
	}
	if line.serial() == "" {
		if line.Serial, err = l.serialIn(line.Remark); err != nil {
			return err
		}
	}
	return l.save(l.named(line), e.Line, file)
}

// serialWord is a word of a remark that may be a serial of ours.
var serialWord = regexp.MustCompile(`[0-9A-Za-z]{10,35}`)

// maxSerialWords bounds the look: a remark has a serial and perhaps a number of
// the bank's beside it.
const maxSerialWords = 4

// serialIn finds our serial in the remark of a table, which has no column for it.
func (l *lineLoader) serialIn(remark string) (string, error) {
	for _, word := range serialWord.FindAllString(remark, maxSerialWords) {
		var n int
		err := l.tx.Get(l.ctx, &n, "SELECT COUNT(*) FROM payouts WHERE custody_id = ? AND serial = ?", l.w.Book.ID(), word)
		if err != nil || n > 0 {
			return word, err
		}
	}
	return "", nil
}

// named gives a line its name. Where the bank gave no reference it follows from
// content and occurrence: two equal lines of one day are two movements, and so
// are two lines of a file to which the bank gave the same reference.
func (l *lineLoader) named(line bankLine) bankLine {
	if strings.Trim(line.Ref, "0") != "" { // some banks print 0 where they have none
		if l.same[line.Ref]++; l.same[line.Ref] > 1 {
			line.Ref = fmt.Sprintf("%s#%d", line.Ref, l.same[line.Ref])
		}
		return line
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d|%d|%s|%s|%s|%s", line.Booked, line.Amount, line.Serial, line.Name, line.Account, line.Remark))
	key := madeRef + line.Booked.Compact() + hex.EncodeToString(sum[:8])
	l.same[key]++
	line.Ref = fmt.Sprintf("%s-%d", key, l.same[key])
	return line
}

// madeRef begins the name of a line to which the bank gave no reference.
const madeRef = "H"

// save inserts the line, or confirms the one that an intraday report showed.
func (l *lineLoader) save(line bankLine, at int, file int64) error {
	old, found, err := l.known(line)
	if err != nil {
		return err
	}
	row := l.rows[file]
	if found && old.Use == useVanished && old.Statement == nil {
		return l.comeBack(old, line, file, row)
	}
	if found {
		if old.Booked != line.Booked && isProfile(l.a.format) && !strings.Contains(line.Ref, "@") {
			line.Ref += "@" + line.Booked.Compact() // a voucher number, which is only the day's
			return l.save(line, at, file)
		}
		if old.Amount != line.Amount || old.Booked != line.Booked {
			return fault.Invalid("statement.ref-again", old.Amount, line.Amount).In(l.a.name).AtLine(at).On("AcctSvcrRef", line.Ref)
		}
		if l.a.kind == fileIntraday {
			return nil
		}
		if old.Statement != nil {
			return fault.Invalid("statement.ref-again", old.Amount, line.Amount).In(l.a.name).AtLine(at).On("AcctSvcrRef", line.Ref)
		}
		_, err = l.tx.Exec(l.ctx, "UPDATE bank_lines SET statement_file_id = ?, statement_row_no = ? WHERE custody_id = ? AND line_id = ?",
			file, row, l.w.Book.ID(), old.ID)
		return err
	}
	intraday, statement, rowNo := l.place(file, row)
	id, err := l.nextID()
	if err != nil {
		return err
	}
	_, err = l.tx.Exec(l.ctx, "INSERT INTO bank_lines (custody_id, "+lineColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', NULL)",
		l.w.Book.ID(), id, line.Ref, line.Booked, line.Value, line.Amount, line.Reversal, line.Serial, line.Name, line.Account, line.Remark,
		intraday, statement, rowNo)
	return err
}

// nextID numbers a new line. The last number is read once per file; until its
// transaction ends no other writer of the account adds lines.
func (l *lineLoader) nextID() (int64, error) {
	if l.last == 0 {
		_, err := l.tx.Find(l.ctx, &l.last, "SELECT line_id FROM bank_lines WHERE custody_id = ? ORDER BY line_id DESC LIMIT 1", l.w.Book.ID())
		if err != nil {
			return 0, err
		}
	}
	l.last++
	return l.last, nil
}

// place says where a line was seen: columns of its row.
func (l *lineLoader) place(file, row int64) (intraday, statement, rowNo any) {
	if l.a.kind == fileIntraday {
		return file, nil, nil
	}
	return nil, file, row
}

// known finds the line in the books: by its reference, else, where one of the two
// files has none, as the movement of the same day, amount and party that the
// report showed and no statement has confirmed.
func (l *lineLoader) known(line bankLine) (old bankLine, found bool, err error) {
	id := l.w.Book.ID()
	found, err = l.tx.Find(l.ctx, &old, "SELECT "+lineColumns+" FROM bank_lines WHERE custody_id = ? AND bank_ref = ?", id, line.Ref)
	if err != nil || found || l.a.kind == fileIntraday {
		return old, found, err
	}
	pattern := madeRef + line.Booked.Compact() + "%"
	if strings.HasPrefix(line.Ref, strings.TrimSuffix(pattern, "%")) {
		pattern = "%"
	}
	found, err = l.tx.Find(l.ctx, &old, "SELECT "+lineColumns+` FROM bank_lines WHERE custody_id = ? AND booking_date = ? AND amount_fen = ?
		AND intraday_file_id IS NOT NULL AND statement_file_id IS NULL AND use <> 'VANISHED' AND bank_ref LIKE ?
		AND (counterparty_name = ? OR counterparty_name = '' OR ? = '') ORDER BY line_id LIMIT 1`,
		id, line.Booked, line.Amount, pattern, line.Name, line.Name)
	return old, found, err
}

// comeBack takes in a line that an earlier report showed, that day's statement
// lacked, and a later file shows again: as a new one under its old number.
func (l *lineLoader) comeBack(old, line bankLine, file, row int64) error {
	intraday, statement, rowNo := l.place(file, row)
	_, err := l.tx.Exec(l.ctx, `UPDATE bank_lines SET booking_date = ?, value_date = ?, amount_fen = ?, reversal = ?, end_to_end_id = ?,
		counterparty_name = ?, counterparty_account = ?, remark = ?, intraday_file_id = ?, statement_file_id = ?, statement_row_no = ?,
		use = '', matched_to = '', matched_date = NULL WHERE custody_id = ? AND line_id = ?`,
		line.Booked, line.Value, line.Amount, line.Reversal, line.Serial, line.Name, line.Account, line.Remark,
		intraday, statement, rowNo, l.w.Book.ID(), old.ID)
	return err
}

// saveDay takes one day into the chain of statements, which [lineLoader.chained]
// then looks at.
func (l *lineLoader) saveDay(d statementDay) error {
	_, err := l.tx.Exec(l.ctx, `INSERT INTO bank_statements (custody_id, file_id, account_no, number, from_date, to_date, opening_fen, closing_fen, entries)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, l.w.Book.ID(), l.files[d.Date], l.w.Config.Account, d.Number, d.Date, d.Date, d.Opening, d.Closing, d.Entries)
	if err != nil {
		return err
	}
	return l.w.setFileState(l.ctx, l.tx, l.files[d.Date], FileLoaded)
}

// useLine records what a line is.
func (w *Work) useLine(ctx context.Context, tx *store.Tx, id int64, use string) error {
	_, err := tx.Exec(ctx, "UPDATE bank_lines SET use = ? WHERE custody_id = ? AND line_id = ?", use, w.Book.ID(), id)
	return err
}

// matchLine records what explains a line, from the accounting date on.
func (w *Work) matchLine(ctx context.Context, tx *store.Tx, id int64, use, to string, date bizdate.Date) error {
	_, err := tx.Exec(ctx, "UPDATE bank_lines SET use = ?, matched_to = ?, matched_date = ? WHERE custody_id = ? AND line_id = ?",
		use, to, date, w.Book.ID(), id)
	return err
}

// linesOf returns the lines of the statement of the date in its order.
func (w *Work) linesOf(ctx context.Context, tx *store.Tx, statement int64) ([]bankLine, error) {
	var lines []bankLine
	err := tx.Select(ctx, &lines, "SELECT "+lineColumns+` FROM bank_lines
		WHERE custody_id = ? AND statement_file_id = ? ORDER BY statement_row_no`, w.Book.ID(), statement)
	return lines, err
}
