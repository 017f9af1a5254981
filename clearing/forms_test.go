package clearing_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"html"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/text/encoding/simplifiedchinese"

	"custody/bankfiles"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
)

// moreForms are the forms of statements beside those of statementIn. What a form
// has no field for stands in its text, as banks do it.
var moreForms map[string]struct {
	tail  string
	write func(t *testing.T, head bankfiles.Statement, entries []bankfiles.StatementEntry) []byte
}

func init() { // two of them write another form first
	type form = struct {
		tail  string
		write func(t *testing.T, head bankfiles.Statement, entries []bankfiles.StatementEntry) []byte
	}
	moreForms = map[string]form{
		"bai2":      {".bai", inBAI2},
		"ofx1":      {".ofx", inOFX1},
		"ofx2":      {".ofx", inOFX2},
		"qfx":       {".qfx", inOFX1},
		"xls":       {".xls", inXLS},
		"icbc":      {".xml", inICBC},
		"cmb":       {".xml", inCMB},
		"cmb-ntdm":  {".json", inCMBUnits},
		"xlsx-zip":  {".zip", inZippedSheet},
		"camt-zip2": {".zip", inZipWithReadme},
	}
}

// withSerial is the remark of an entry with our serial, where the form has no
// field for that.
func withSerial(e *bankfiles.StatementEntry) string {
	if e.EndToEndID == "" || strings.Contains(e.Remark, e.EndToEndID) {
		return e.Remark
	}
	return strings.TrimSpace(e.Remark + " " + e.EndToEndID)
}

// inBAI2 has one text for party, account and remark.
func inBAI2(_ *testing.T, head bankfiles.Statement, entries []bankfiles.StatementEntry) []byte {
	fen := func(units int64) string { return fmt.Sprint(units) }
	var out strings.Builder
	control, sum := head.Opening.Units+head.Closing.Units, int64(0)
	fmt.Fprintf(&out, "01,BANK,CLIENT,%s,0600,1,,,2/\n02,CLIENT,BANK,1,%[1]s,2400,CNY,2/\n", head.To.Compact())
	fmt.Fprintf(&out, "03,%s,CNY,010,%s,,,015,%s,,/\n", head.Account, fen(head.Opening.Units), fen(head.Closing.Units))
	for i := range entries {
		e := &entries[i]
		code, units := "195", e.Amount.Units
		if units < 0 {
			code, units = "495", -units
		}
		sum += units
		fmt.Fprintf(&out, "16,%s,%s,V,%s,,%s,%s,%s\n", code, fen(units), e.ValueDate.Compact(), e.BankRef, e.EndToEndID,
			strings.Join(strings.Fields(e.CounterpartyName+" "+e.CounterpartyAccount+" "+e.Remark), " "))
	}
	control += sum
	fmt.Fprintf(&out, "49,%d,%d/\n98,%d,1,%d/\n99,%d,1,%d/\n", control, len(entries)+2, control, len(entries)+4, control, len(entries)+6)
	return []byte(out.String())
}

// ofxRows are the transactions; closed says that leaves have end tags.
func ofxRows(head bankfiles.Statement, entries []bankfiles.StatementEntry, closed bool) string {
	leaf := func(name, value string) string {
		text := "<" + name + ">" + html.EscapeString(value)
		if closed {
			text += "</" + name + ">"
		}
		return text + "\n"
	}
	var out strings.Builder
	out.WriteString("<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS>\n" + leaf("CURDEF", "CNY") + "<BANKACCTFROM>" + leaf("ACCTID", head.Account) +
		"</BANKACCTFROM><BANKTRANLIST>" + leaf("DTSTART", head.From.Compact()) + leaf("DTEND", head.To.Compact()))
	for i := range entries {
		e := &entries[i]
		kind := "CREDIT"
		if e.Amount.Units < 0 {
			kind = "DEBIT"
		}
		out.WriteString("<STMTTRN>" + leaf("TRNTYPE", kind) + leaf("DTPOSTED", e.BookingTime.In(bizdate.Zone).Format("20060102150405")+"[+8:CST]") +
			leaf("DTAVAIL", e.ValueDate.Compact()) + leaf("TRNAMT", e.Amount.String()) + leaf("FITID", e.BankRef))
		if e.CounterpartyName != "" {
			out.WriteString(leaf("NAME", e.CounterpartyName))
		}
		if e.CounterpartyAccount != "" {
			out.WriteString("<BANKACCTTO>" + leaf("ACCTID", e.CounterpartyAccount) + "</BANKACCTTO>")
		}
		if memo := withSerial(e); memo != "" {
			out.WriteString(leaf("MEMO", memo))
		}
		out.WriteString("</STMTTRN>\n")
	}
	out.WriteString("</BANKTRANLIST><LEDGERBAL>" + leaf("BALAMT", head.Closing.String()) + leaf("DTASOF", head.To.Compact()) +
		"</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\n")
	return out.String()
}

func inOFX1(_ *testing.T, head bankfiles.Statement, entries []bankfiles.StatementEntry) []byte {
	return []byte("OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:UTF-8\nCHARSET:NONE\n\n" + ofxRows(head, entries, false))
}

func inOFX2(_ *testing.T, head bankfiles.Statement, entries []bankfiles.StatementEntry) []byte {
	return []byte(`<?xml version="1.0" encoding="UTF-8"?><?OFX OFXHEADER="200" VERSION="203"?>` + ofxRows(head, entries, true))
}

// inXLS is a workbook of before 2007 (BIFF8) with every cell as text: a compound
// file of sectors of 512 bytes with one stream.
func inXLS(_ *testing.T, head bankfiles.Statement, entries []bankfiles.StatementEntry) []byte {
	u16, u32 := binary.LittleEndian.AppendUint16, binary.LittleEndian.AppendUint32
	rec := func(kind uint16, body []byte) []byte { return append(u16(u16(nil, kind), uint16(len(body))), body...) }
	begin := func(kind uint16) []byte { // version, kind, build, year, and what may read it
		return rec(0x0809, u32(u32(u16(u16(u16(u16(nil, 0x0600), kind), 0x1DBB), 0x07CC), 0), 6))
	}
	sheet := begin(0x0010)
	for i, row := range strings.Split(strings.TrimSuffix(tableText(head, entries), "\n"), "\n") {
		for j, cell := range strings.Split(row, ",") {
			letters := utf16.Encode([]rune(cell))
			body := append(u16(u16(u16(u16(nil, uint16(i)), uint16(j)), 0), uint16(len(letters))), 1)
			for _, letter := range letters {
				body = u16(body, letter)
			}
			sheet = append(sheet, rec(0x0204, body)...)
		}
	}
	sheet = append(sheet, rec(0x000A, nil)...)
	const bound = 4 + 4 + 2 + 2 + 2 // of a sheet whose name has two letters
	book := append(begin(0x0005), rec(0x0042, u16(nil, 1200))...)
	book = append(book, rec(0x0085, append(u16(u32(nil, uint32(len(book)+bound+4)), 0), 2, 0, 'S', '1'))...)
	return compoundFile(append(append(book, rec(0x000A, nil)...), sheet...))
}

func compoundFile(stream []byte) []byte {
	const sector, free, end, table = 512, 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
	stream = append(stream, make([]byte, max(0, 4096-len(stream)))...) // shorter ones live elsewhere
	size := len(stream)
	stream = append(stream, make([]byte, (sector-size%sector)%sector)...)
	data, u32 := len(stream)/sector, binary.LittleEndian.AppendUint32
	head := append([]byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), make([]byte, sector-8)...)
	for at, v := range map[int]uint16{24: 0x3E, 26: 3, 28: 0xFFFE, 30: 9, 32: 6} {
		binary.LittleEndian.PutUint16(head[at:], v)
	}
	for at := 80; at < sector; at += 4 {
		binary.LittleEndian.PutUint32(head[at:], free)
	}
	for at, v := range map[int]uint32{44: 1, 48: 1, 56: 4096, 60: end, 68: end, 76: 0} {
		binary.LittleEndian.PutUint32(head[at:], v)
	}
	fat := u32(u32(nil, table), end) // itself, and the directory
	for i := range data - 1 {
		fat = u32(fat, uint32(i+3))
	}
	for fat = u32(fat, end); len(fat) < sector; {
		fat = u32(fat, free)
	}
	entry := func(name string, kind byte, child, start uint32, size int) []byte {
		out := make([]byte, 128)
		for i, c := range name {
			out[2*i] = byte(c)
		}
		binary.LittleEndian.PutUint16(out[64:], uint16(2*len(name)+2))
		out[66], out[67] = kind, 1
		for at, v := range map[int]uint32{68: free, 72: free, 76: child, 116: start, 120: uint32(size)} {
			binary.LittleEndian.PutUint32(out[at:], v)
		}
		return out
	}
	folder := append(append(entry("Root Entry", 5, 1, end, 0), entry("Workbook", 2, free, 2, size)...), make([]byte, 256)...)
	return bytes.Join([][]byte{head, fat, folder, stream}, nil)
}

func gbk(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := simplifiedchinese.GBK.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(raw)
}

// tag writes an element; an empty one is left out, as the interfaces do.
func tag(name, value string) string {
	if value == "" {
		return ""
	}
	return "<" + name + ">" + html.EscapeString(value) + "</" + name + ">"
}

// inICBC is the answer to QHISD: amounts in fen, the balance behind each row.
func inICBC(t *testing.T, head bankfiles.Statement, entries []bankfiles.StatementEntry) []byte {
	var out strings.Builder
	out.WriteString(`<?xml version="1.0"encoding="GBK"?><CMS><eb><pub><TransCode>QHISD</TransCode></pub><out><RetCode>0</RetCode>` +
		tag("AccNo", head.Account) + "<CurrType>001</CurrType>" + tag("BeginDate", head.From.Compact()) + tag("EndDate", head.To.Compact()) +
		tag("TotalNum", fmt.Sprint(len(entries))))
	balance := head.Opening.Units
	for i := range entries {
		e := &entries[i]
		balance += e.Amount.Units
		side, units := "CreditAmount", e.Amount.Units
		if units < 0 {
			side, units = "DebitAmount", -units
		}
		mark := ""
		if e.Reversal {
			mark = "1"
		}
		out.WriteString("<rd>" + tag(side, fmt.Sprint(units)) + tag("Balance", fmt.Sprint(balance)) + tag("Date", e.BookingDate.Compact()) +
			tag("Time", e.BookingTime.In(bizdate.Zone).Format("15.04.05")+".000001") + tag("ValueDate", e.ValueDate.Compact()) + tag("OnlySequence", e.BankRef) +
			tag("Ref", e.EndToEndID) + tag("UpDtranf", mark) + tag("RecipName", e.CounterpartyName) + tag("RecipAccNo", e.CounterpartyAccount) +
			tag("Summary", e.Remark) + "</rd>")
	}
	return gbk(t, out.String()+"</out></eb></CMS>")
}

// inCMB is the answer to GetTransInfo; its account stands in the file's name.
func inCMB(t *testing.T, head bankfiles.Statement, entries []bankfiles.StatementEntry) []byte {
	var out strings.Builder
	out.WriteString(`<?xml version="1.0" encoding="GBK"?><CMBSDKPGK><INFO><FUNNAM>GetTransInfo</FUNNAM><RETCOD>0</RETCOD></INFO>`)
	balance := *head.Opening
	for i := range entries {
		e := &entries[i]
		balance, _ = balance.Add(e.Amount)
		side, amount := "TRSAMTC", e.Amount
		if amount.Units < 0 {
			side, amount = "TRSAMTD", amount.Neg()
		}
		out.WriteString("<NTQTSINFZ>" + tag("ETYDAT", e.BookingDate.Compact()) + tag("ETYTIM", e.BookingTime.In(bizdate.Zone).Format("150405")) +
			tag("VLTDAT", e.ValueDate.Compact()) + tag("REFNBR", e.BankRef) + tag("TRSAMT", e.Amount.String()) + tag(side, amount.String()) +
			tag("TRSBLV", balance.String()) + tag("YURREF", e.EndToEndID) + tag("RPYNAM", e.CounterpartyName) + tag("RPYACC", e.CounterpartyAccount) +
			tag("NARYUR", e.Remark) + "</NTQTSINFZ>")
	}
	return gbk(t, out.String()+"</CMBSDKPGK>")
}

// inCMBUnits are rows of a sub-unit with its balance; no balance is behind each row.
func inCMBUnits(_ *testing.T, head bankfiles.Statement, entries []bankfiles.StatementEntry) []byte {
	account, unit := head.Account[:15], head.Account[15:]
	var rows []string
	for i := range entries {
		e := &entries[i]
		dir, amount := "C", e.Amount
		if amount.Units < 0 {
			dir, amount = "D", amount.Neg()
		}
		rows = append(rows, fmt.Sprintf(`{"accnbr":%q,"dmanbr":%q,"trxnbr":%q,"trxamt":%q,"trxdir":%q,"trxdat":%q,"trxtim":%q,"rpynam":%q,"rpyacc":%q,"trxtxt":%q}`,
			account, unit, e.BankRef, amount, dir, e.BookingDate.Compact(), e.BookingTime.In(bizdate.Zone).Format("150405"),
			e.CounterpartyName, e.CounterpartyAccount, withSerial(e)))
	}
	return fmt.Appendf(nil, `{"response":{"head":{"resultcode":"SUC0000"},"body":{"ntdmabalz":[{"accnbr":%q,"dmanbr":%q,"actbal":%q,"eftdat":%q}],"ntdmtlstz":[%s]}}}`,
		account, unit, head.Closing, head.To.Compact(), strings.Join(rows, ","))
}

// inZippedSheet is a workbook, which is a zip itself, in the zip of a bank's page.
func inZippedSheet(t *testing.T, head bankfiles.Statement, entries []bankfiles.StatementEntry) []byte {
	return zipOf(t, "明细.xlsx", sheetOf(t, tableText(head, entries)))
}

func inZipWithReadme(t *testing.T, head bankfiles.Statement, entries []bankfiles.StatementEntry) []byte {
	return zipOf(t, "readme.txt", []byte("hello"), "statement.xml", statementIn(t, "camt.053", head, entries))
}

// TestStatementsInMoreForms plays the worked days with statements in the forms of
// banks abroad, old spreadsheets and the banks' own interfaces: the same vouchers,
// balances, tie-outs, exceptions and checks.
func TestStatementsInMoreForms(t *testing.T) {
	for form := range moreForms {
		t.Run(form, func(t *testing.T) {
			if testing.Short() && form != "bai2" && form != "ofx1" && form != "cmb" {
				t.Skip("the others show it")
			}
			b := newWorkedBooks(t)
			b.profile("sample.yaml", sampleProfile)
			b.form = form
			b.playWorkedDays()
			golden(t, "vouchers.golden", b.vouchers())
			golden(t, "balances.golden", b.balances())
			golden(t, "tieout.golden", b.tieOuts())
			golden(t, "exceptions.golden", b.exceptions())
			golden(t, "checks.golden", b.checks())
		})
	}
}

// TestBalancesThatNobodyPrints: a form with the closing balance alone, or with
// none on a day without rows, is held to the statement before it.
func TestBalancesThatNobodyPrints(t *testing.T) {
	over := func(form, from, to string) []byte { return statementOver(t, form, from, to) }
	name := func(date string) string { return "s-" + account + "-" + day(date).Compact() }
	closing := func(b *workedBooks, date string) (text string) {
		b.read(func(tx *store.Tx) error {
			return tx.Get(b.ctx, &text, "SELECT opening_fen || ' ' || closing_fen FROM bank_statements WHERE to_date = ?", day(date))
		})
		return text
	}
	t.Run("a quiet day keeps the balance", func(t *testing.T) {
		for _, form := range []string{"icbc", "cmb"} {
			b := newWorkedBooks(t)
			if _, err := b.load("first.xml", over("camt.053", "2026-02-12", "2026-02-15")); err != nil {
				t.Fatal(err)
			}
			if _, err := b.load(name("2026-02-16")+".xml", over(form, "2026-02-16", "2026-02-16")); err != nil {
				t.Fatal(form, err)
			}
			if got := closing(b, "2026-02-16"); got != "246840 246840" {
				t.Errorf("%s: %s", form, got)
			}
			// Once more, after the next day is there, nothing changes.
			if report, err := b.load(name("2026-02-16")+".xml", over(form, "2026-02-16", "2026-02-16")); err != nil || !report.AlreadyLoaded {
				t.Errorf("%s again: %+v %v", form, report, err)
			}
		}
	})
	t.Run("nothing before it", func(t *testing.T) {
		for _, form := range []string{"ofx2", "icbc"} {
			b := newWorkedBooks(t)
			date := map[string]string{"ofx2": "2026-02-14", "icbc": "2026-02-16"}[form]
			if _, err := b.load(name(date)+".x", over(form, date, date)); fault.CodeOf(err) != "statement.no-opening" {
				t.Errorf("%s: %v", form, err)
			}
		}
	})
	t.Run("a day between is missing", func(t *testing.T) {
		for _, form := range []string{"ofx1", "cmb-ntdm", "icbc"} {
			b := newWorkedBooks(t)
			if _, err := b.load("first.xml", over("camt.053", "2026-02-12", "2026-02-12")); err != nil {
				t.Fatal(err)
			}
			if _, err := b.load(name("2026-02-14")+".x", over(form, "2026-02-14", "2026-02-14")); fault.CodeOf(err) != "statement.chain" {
				t.Errorf("%s: %v", form, err)
			}
		}
	})
	t.Run("a quiet day that was none", func(t *testing.T) {
		b := newWorkedBooks(t)
		for _, date := range []string{"2026-02-12", "2026-02-14"} {
			from := map[string]string{"2026-02-12": "2026-02-12", "2026-02-14": "2026-02-14"}[date]
			head, entries := statementHead(day(date), "S"), entriesOn(t, date)
			opening, _ := lines(day(from))
			end := opening
			for _, e := range entries {
				end, _ = end.Add(e.Amount)
			}
			head.Opening, head.Closing = &opening, &end
			if date == "2026-02-14" { // the answer of the 13th comes without its rows
				empty := strings.Replace(string(over("icbc", "2026-02-16", "2026-02-16")), "20260216", "20260213", 2)
				if _, err := b.load(name("2026-02-13")+".xml", []byte(empty)); err != nil {
					t.Fatal(err)
				}
				_, err := b.load("next.xml", statementIn(t, "camt.053", head, entries))
				wantCode(t, err, "statement.chain")
				continue
			}
			if _, err := b.load("first.xml", statementIn(t, "camt.053", head, entries)); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("one page of several", func(t *testing.T) {
		b := newWorkedBooks(t)
		raw := bytes.Replace(over("icbc", "2026-02-12", "2026-02-12"), []byte("<TotalNum>2</TotalNum>"), []byte("<NextTag>p2</NextTag><TotalNum>9</TotalNum>"), 1)
		_, err := b.load("page.xml", raw)
		wantCode(t, err, "direct.more")
		if b.bankLines() != 0 {
			t.Error("a part was booked")
		}
	})
}

func entriesOn(t *testing.T, date string) []bankfiles.StatementEntry {
	t.Helper()
	_, entries := lines(day(date))
	return entries
}
