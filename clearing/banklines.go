package clearing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"custody/bankfiles"
	"custody/bankfiles/camt"
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
	usePayout    = "PAYOUT"    // 出款
	useReturn    = "RETURN"    // 退汇
	useReversal  = "REVERSAL"  // 冲正
	useUnknown   = "UNKNOWN"   // 不明来账
	useOffSystem = "OFF_SYSTEM"
	useVanished  = "VANISHED" // in an intraday report, not in the statement of its day
)

// reference is the key of vouchers that a bank line makes.
func (l bankLine) reference() string { return l.Booked.Compact() + "." + l.Ref }

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

// lineLoader takes the entries of one statement into the books.
type lineLoader struct {
	ctx  context.Context
	w    *Work
	tx   *store.Tx
	a    *arrival
	file int64
	row  int64
	same map[string]int // occurrences of lines without a bank reference
}

func (w *Work) loadStatement(ctx context.Context, a *arrival, id int64, f *os.File) error {
	return w.DB.Tx(ctx, func(tx *store.Tx) error {
		l := &lineLoader{ctx: ctx, w: w, tx: tx, a: a, file: id, same: map[string]int{}}
		if err := camt.Read(a.name, f, l); err != nil {
			return err
		}
		return w.setFileState(ctx, tx, id, FileLoaded)
	})
}

// Open does nothing: the head is looked at when it is complete.
func (l *lineLoader) Open(*bankfiles.Statement) error { return nil }

// Entry takes one booked line; pending and informational ones move no money.
func (l *lineLoader) Entry(e *bankfiles.StatementEntry) error {
	if e.Status != bankfiles.Booked {
		return nil
	}
	l.row++
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
	if line.Ref == "" {
		line.Ref = l.makeRef(line)
	}
	return l.save(line, e.Line)
}

// makeRef names a line to which the bank gave no reference by its content and
// its occurrence: two equal lines of one day are two movements.
func (l *lineLoader) makeRef(line bankLine) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d|%d|%s|%s|%s|%s", line.Booked, line.Amount, line.Serial, line.Name, line.Account, line.Remark))
	key := "H" + line.Booked.Compact() + hex.EncodeToString(sum[:8])
	l.same[key]++
	return fmt.Sprintf("%s-%d", key, l.same[key])
}

// save inserts the line, or confirms the one that an intraday report showed.
func (l *lineLoader) save(line bankLine, at int) error {
	var old bankLine
	id := l.w.Book.ID()
	found, err := l.tx.Find(l.ctx, &old, "SELECT "+lineColumns+" FROM bank_lines WHERE custody_id = ? AND bank_ref = ?", id, line.Ref)
	if err != nil {
		return err
	}
	if found && old.Use == useVanished && old.Statement == nil {
		return l.comeBack(old, line)
	}
	if found {
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
			l.file, l.row, id, old.ID)
		return err
	}
	var intraday, statement, row any
	if l.a.kind == fileIntraday {
		intraday = l.file
	} else {
		statement, row = l.file, l.row
	}
	_, err = l.tx.Exec(l.ctx, `INSERT INTO bank_lines (custody_id, `+lineColumns+`)
		SELECT ?, COALESCE(MAX(line_id), 0) + 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', NULL FROM bank_lines WHERE custody_id = ?`,
		id, line.Ref, line.Booked, line.Value, line.Amount, line.Reversal, line.Serial, line.Name, line.Account, line.Remark,
		intraday, statement, row, id)
	return err
}

// comeBack takes in a line that an earlier report showed, that day's statement
// lacked, and a later file shows again: as a new one under its old number.
func (l *lineLoader) comeBack(old, line bankLine) error {
	var intraday, statement, row any
	if l.a.kind == fileIntraday {
		intraday = l.file
	} else {
		statement, row = l.file, l.row
	}
	_, err := l.tx.Exec(l.ctx, `UPDATE bank_lines SET booking_date = ?, value_date = ?, amount_fen = ?, reversal = ?, end_to_end_id = ?,
		counterparty_name = ?, counterparty_account = ?, remark = ?, intraday_file_id = ?, statement_file_id = ?, statement_row_no = ?,
		use = '', matched_to = '', matched_date = NULL WHERE custody_id = ? AND line_id = ?`,
		line.Booked, line.Value, line.Amount, line.Reversal, line.Serial, line.Name, line.Account, line.Remark,
		intraday, statement, row, l.w.Book.ID(), old.ID)
	return err
}

// Close checks the chain of statements and takes the statement into it.
func (l *lineLoader) Close(s *bankfiles.Statement) error {
	if l.a.kind == fileIntraday {
		return nil
	}
	opening, err := exactFen(*s.Opening, l.a, s.Line, "OPBD")
	if err != nil {
		return err
	}
	closing, err := exactFen(*s.Closing, l.a, s.Line, "CLBD")
	if err != nil {
		return err
	}
	from := s.From
	if from.IsZero() {
		from = s.To
	}
	if err := l.chained(s, from, opening, closing); err != nil {
		return err
	}
	_, err = l.tx.Exec(l.ctx, `INSERT INTO bank_statements (custody_id, file_id, account_no, number, from_date, to_date, opening_fen, closing_fen, entries)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, l.w.Book.ID(), l.file, s.Account, s.Number, from, s.To, opening, closing, s.Entries)
	return err
}

// use records what a line is.
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
