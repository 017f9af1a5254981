package mt940_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"custody/bankfiles"
	"custody/bankfiles/mt940"
	"custody/internal/fault"
)

// Every test is one quirk of real banks, with a sample of its own.

func TestMarks(t *testing.T) {
	for _, test := range []struct {
		name, line, closing, amount string
		reversal                    bool
		status                      bankfiles.EntryStatus
	}{
		{"credit", ":61:260213C5,00NTRFX", "105,00", "5.00", false, "BOOK"},
		{"debit", ":61:260213D5,00NTRFX", "95,00", "-5.00", false, "BOOK"},
		{"RC takes money away", ":61:260213RC5,00NTRFX", "95,00", "-5.00", true, "BOOK"},
		{"RD brings money back", ":61:260213RD5,00NTRFX", "105,00", "5.00", true, "BOOK"},
		{"RCR is RC with funds code R", ":61:2602130213RCR204,88NTRFX", "-104,88", "-204.88", true, "BOOK"},
		{"RDR is RD with funds code R", ":61:2602130213RDR4,88NTRFX", "104,88", "4.88", true, "BOOK"},
		{"CR is C with funds code R", ":61:2602130213CR4,88NTRFX", "104,88", "4.88", false, "BOOK"},
		{"EC moves nothing", ":61:260213EC5,00NTRFX", "100,00", "5.00", false, "PDNG"},
		{"ED moves nothing", ":61:260213ED5,00NTRFX", "100,00", "-5.00", false, "PDNG"},
		{"small letter", ":61:260213d5,00NTRFX", "95,00", "-5.00", false, "BOOK"},
		{"sign before the amount", ":61:260213C-5,00NTRFX", "95,00", "-5.00", false, "BOOK"},
		{"currency before the amount", ":61:260213CCNY5,00NTRFX", "105,00", "5.00", false, "BOOK"},
		{"zero amount is information", ":61:260213C0,00NMSCX", "100,00", "0.00", false, "BOOK"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, _ := one(t, test.closing, test.line)
			if e.Amount.String() != test.amount || e.Reversal != test.reversal || e.Status != test.status {
				t.Errorf("got %+v", e)
			}
		})
	}
}

func TestEntryDates(t *testing.T) {
	for _, test := range []struct{ name, dates, booked, valued string }{
		{"entry date after the new year", "2512300102", "2026-01-02", "2025-12-30"},
		{"entry date before the new year", "2601021230", "2025-12-30", "2026-01-02"},
		{"same month a year apart is not taken", "2601310131", "2026-01-31", "2026-01-31"},
		{"value date half a year ahead: the balance decides", "2610010212", "2026-02-12", "2026-10-01"},
		{"value date half a year back: the balance decides", "2505010213", "2026-02-13", "2025-05-01"},
		{"entry date of four spaces", "260213    ", "2026-02-13", "2026-02-13"},
		{"no entry date", "260213", "2026-02-13", "2026-02-13"},
		{"entry date with its year", "260213260214", "2026-02-14", "2026-02-13"},
		{"value date of eight digits", "20260213", "2026-02-13", "2026-02-13"},
		{"both dates with the century of the value date", "202602130214", "2026-02-14", "2026-02-13"},
		{"a blank between the dates", "260213 0214", "2026-02-14", "2026-02-13"},
		{"30 February", "2602300302", "2026-03-02", "2026-02-28"},
		{"29 February of no leap year", "2602130229", "2026-02-28", "2026-02-13"},
		{"31 April", "2604310501", "2026-05-01", "2026-04-30"},
		{"value date of zeros", "0000000213", "2026-02-13", ""},
		{"last century", "9912310103", "2000-01-03", "1999-12-31"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, _ := one(t, "101,00", ":61:"+test.dates+"C1,00NTRFX")
			if e.BookingDate.String() != test.booked || e.ValueDate.String() != test.valued {
				t.Errorf("booked %s, valued %s", e.BookingDate, e.ValueDate)
			}
		})
	}
}

func TestDatesThatDoNotExistAreWarnedOf(t *testing.T) {
	_, g := one(t, "101,00", ":61:2602301399C1,00NTRFX")
	if got := strings.Join(g.warnings, " "); got != "mt940.entry_date mt940.value_date" {
		t.Errorf("got %s", got)
	}
}

func TestAmounts(t *testing.T) {
	for amount, want := range map[string]string{
		"1234,": "1234", ",50": "0.50", "1234": "1234", "12.34": "12.34", "1.234.567,89": "1234567.89", "1,234.50": "1234.50",
		"0,00001": "0.00001", "000000000012,34": "12.34", "1'234,50": "1234.50", "1.234": "1.234",
	} {
		g := read(t, ":20:R\n:25:1\n:60F:C260212CNY0,\n:61:260213C"+amount+"NTRFX\n:62F:C260213CNY"+amount+"\n")
		if len(g.entries) != 1 || g.entries[0].Amount.String() != want || !*g.heads[0].Balanced {
			t.Errorf("%s: got %+v", amount, g.entries)
		}
	}
}

func TestReferences(t *testing.T) {
	for _, test := range []struct{ name, tail, code, customer, bank string }{
		{"both", "NTRFCUST//BANK", "NTRF", "CUST", "BANK"},
		{"missing //", "NTRFCUST", "NTRF", "CUST", ""},
		{"longer than 16 characters", "NTRFTRANSFER-1234567890-ABCDEFGH//BANK-REFERENCE-OF-MORE-THAN-16", "NTRF", "TRANSFER-1234567890-ABCDEFGH", "BANK-REFERENCE-OF-MORE-THAN-16"},
		{"/ in a reference", "N123A/B/C//D/E", "N123", "A/B/C", "D/E"},
		{"NONREF is none", "NTRFNONREF", "NTRF", "", ""},
		{"no type before NONREF", "NONREF//B", "", "", "B"},
		{"blanks in the type", "N   CUST", "N", "CUST", ""},
		{"no customer reference", "NTRF//B", "NTRF", "", "B"},
		{"nothing behind the amount", "", "", "", ""},
		{"first letter S", "S940X", "S940", "X", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, _ := one(t, "101,00", ":61:2602130213C1,00"+test.tail)
			if e.Code != test.code || e.EndToEndID != test.customer || e.BankRef != test.bank {
				t.Errorf("got %q %q %q", e.Code, e.EndToEndID, e.BankRef)
			}
		})
	}
}

func TestNewlineInsideAnEntry(t *testing.T) {
	for _, test := range []struct{ name, entry, bank, remark string }{
		{"behind the reference: supplementary details", ":61:2602130213C1,00NTRFX//B\n/OCMT/CNY1,00", "B", "/OCMT/CNY1,00"},
		{"before the bank's reference", ":61:2602130213C1,00NTRFX\n//B77", "B77", ""},
		{"inside the type", ":61:2602130213C1,00NT\nRFX//B", "B", ""},
		{"before the mark", ":61:2602130213\nC1,00NTRFX//B", "B", ""},
		{"inside the amount", ":61:2602130213C\n1,00NTRFX//B\nmore", "B", "more"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, _ := one(t, "101,00", strings.Split(test.entry, "\n")...)
			if e.BankRef != test.bank || e.Remark != test.remark || e.EndToEndID != "X" {
				t.Errorf("got %+v", e)
			}
		})
	}
}

func TestDetails(t *testing.T) {
	full := strings.Repeat("x", 61) + " pay" // 65 characters
	for _, test := range []struct{ name, info, remark, party, account, serial string }{
		{"free text", ":86:hello world", "hello world", "", "", "X"},
		{"free text on short lines", ":86:hello\nworld", "hello world", "", "", "X"},
		{"wrapped at 65 characters in the middle of a word", ":86:" + full + "\nment", full + "ment", "", "", "X"},
		{"empty", ":86:", "", "", "", "X"},
		{"tag on every line", ":86:hello\n:86:world", "hello world", "", "", "X"},
		{"continuation that begins with a colon", ":86:hello\n:world\n: 20 :25x", "hello :world : 20 :25x", "", "", "X"},
		{"continuation that looks like an unknown field", ":86:at\n:12:30 sharp", "at :12:30 sharp", "", "", "X"},
		{"blank lines inside", ":86:hello\n\n\nworld", "hello world", "", "", "X"},
		{"structured", ":86:166?00CREDIT?20IN?21VOICE 7?30BANKXX?31DE77?32AGENCY ?33LTD?34011", "INVOICE 7", "AGENCY LTD", "DE77", "X"},
		{"structured, purposes 20 to 29 and 60 to 63", ":86:166?20a?21b?22c?23d?24e?25f?26g?27h?28i?29j?60k?61l?62m?63n?64no", "abcdefghijklmn", "", "", "X"},
		{"structured, the mark split over lines", ":86:166?20INVO?\n21ICE?2\n2 7?32AG\nENCY", "INVOICE 7", "AGENCY", "", "X"},
		{"structured, first mark split", ":86:166?\n20INVOICE", "INVOICE", "", "", "X"},
		{"structured, a question in the text", ":86:166?20Why? Because?32A", "Why? Because", "A", "", "X"},
		{"structured, SEPA words", ":86:166?20EREF+20260213000001?21SVWZ+Payout?22 of the day?32A", "Payout of the day", "A", "", "20260213000001"},
		{"structured, word split over sub-fields", ":86:166?20ERE?21F+S1SVW?22Z+Text", "Text", "", "", "S1"},
		{"structured with posting text alone", ":86:805?00CLOSING", "CLOSING", "", "", "X"},
		{"structured with ~", ":86:~00S1~20Invoice~2177~32Agency~38PL99", "Invoice77", "Agency", "PL99", "X"},
		{"structured with <", ":86:020<00FEE<20March<32Agency", "March", "Agency", "", "X"},
		{"codes", ":86:/TRTP/SEPA/IBAN/NL77BANK01/BIC/BANKNL/NAME/Shop a/b/REMI/Invoice 7/EREF/S-1", "Invoice 7", "Shop a/b", "NL77BANK01", "S-1"},
		{"codes with a counterparty", ":86:/EREF/S-2//CNTP/NL78/BANKNL/Shop/City//REMI/USTD//Invoice/8/", "Invoice/8", "Shop", "NL78", "S-2"},
		{"codes, no reference given", ":86:/EREF/NOTPROVIDED/REMI/a", "a", "", "", "X"},
		{"not a code", ":86:/path/to", "/path/to", "", "", "X"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, _ := one(t, "101,00", append([]string{":61:2602130213C1,00NTRFX"}, strings.Split(test.info, "\n")...)...)
			if e.Remark != test.remark || e.CounterpartyName != test.party || e.CounterpartyAccount != test.account || e.EndToEndID != test.serial {
				t.Errorf("got %q %q %q %q", e.Remark, e.CounterpartyName, e.CounterpartyAccount, e.EndToEndID)
			}
		})
	}
}

func TestMissingDetails(t *testing.T) {
	g := read(t, statement("103,00", ":61:260213C1,00NTRFA", ":61:260213C2,00NTRFB", ":86:b"))
	if g.entries[0].Remark != "" || g.entries[1].Remark != "b" {
		t.Errorf("got %+v", g.entries)
	}
}

func TestDetailsOfTheStatementAreNotTheEntrys(t *testing.T) {
	file := ":20:R\n:25:1\n:28C:1\n:86:before\n:60F:C260212CNY1,00\n:86:before, too\n:61:260213C1,00NTRFX\n:86:mine\n" +
		":62F:C260213CNY2,00\n:86:after 62F\n:64:C260213CNY2,00\n:65:C260214CNY2,00\n:86:after 65\n"
	g := read(t, file)
	if len(g.entries) != 1 || g.entries[0].Remark != "mine" || !*g.heads[0].Balanced {
		t.Errorf("got %+v", g.entries)
	}
}

func TestLastFieldIsAnEntry(t *testing.T) {
	g := read(t, ":20:R\n:25:1\n:60F:C260212CNY1,00\n:61:260213C1,00NTRFX")
	if len(g.entries) != 1 || g.heads[0].Balanced != nil || strings.Join(g.warnings, " ") != "mt940.no_balance" {
		t.Errorf("got %+v %v", g.heads, g.warnings)
	}
}

func TestNonSwiftLines(t *testing.T) {
	e, _ := one(t, "101,00", ":NS:22Agency Ltd", "23more", ":61:2602130213C1,00NTRFX", ":NS:0512", ":86:text", ":NS:19end")
	if e.Remark != "text" {
		t.Errorf("got %+v", e)
	}
}

func TestPages(t *testing.T) {
	const first = ":20:A\n:25:1\n:28C:123456/1\n:60F:C260212CNY1,00\n:61:260213C1,00NTRFX\n:62M:C260213CNY2,00\n-\n"
	const second = ":20:B\n:25:1\n:28C:123456/2\n:60M:C260213CNY2,00\n:61:260213D0,50NTRFX\n:62F:C260213CNY1,50\n-\n"
	for _, test := range []struct{ name, file, want string }{
		{"60M and 62M are joined, number of six digits", first + second, "1 123456 CNY 1.00 0.50 1.50 true"},
		{"28 without C", strings.ReplaceAll(first+second, ":28C:", ":28:"), "1 123456 CNY 1.00 0.50 1.50 true"},
		{"first page alone", first, "1 123456 CNY 1.00 1.00 2.00 true"},
		{"second page alone", second, "1 123456 CNY 2.00 -0.50 1.50 true"},
		{"another account between", first + strings.ReplaceAll(second, ":25:1", ":25:2"), "1 123456 CNY 1.00 1.00 2.00 true|2 123456 CNY 2.00 -0.50 1.50 true"},
		{"a page is missing", first + strings.Replace(second, "60M:C260213CNY2,00", "60M:C260213CNY2,20", 1), "1 123456 CNY 1.00 0.50 1.50 true"},
		{"number without page", strings.ReplaceAll(first, "123456/1", "00123"), "1 00123 CNY 1.00 1.00 2.00 true"},
		{"no number", strings.ReplaceAll(first, ":28C:123456/1\n", ""), "1  CNY 1.00 1.00 2.00 true"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := read(t, test.file)
			var lines []string
			for i := range g.heads {
				lines = append(lines, line(&g.heads[i]))
			}
			if got := strings.Join(lines, "|"); got != test.want {
				t.Errorf("got %s", got)
			}
			if missing := test.name == "a page is missing"; missing != strings.Contains(strings.Join(g.warnings, " "), "mt940.page") {
				t.Errorf("warned of %v", g.warnings)
			}
		})
	}
}

// message is a statement of one entry.
func message(account, currency string) string {
	return ":20:R\n:25:" + account + "\n:28C:1\n:60F:C260212" + currency + "1,00\n:61:260213C1,00NTRFX\n:86:t\n:62F:C260213" + currency + "2,00\n"
}

func TestSeveralStatements(t *testing.T) {
	const want = "1 1 CNY 1.00 1.00 2.00 true|2 1 EUR 1.00 1.00 2.00 true|3 1 KWD 1.00 1.00 2.00 true"
	a, b, c := message("1", "CNY"), message("2", "EUR"), message("3", "KWD")
	headless := strings.TrimPrefix(b, ":20:R\n")
	swift := func(m string) string {
		return "{1:F01BANKXXAAXXXX0000000000}{2:O9401200260213BANKXXAAXXXX00000000002602131200N}{3:{108:1}}{4:\n" + m + "-}{5:{CHK:0}}"
	}
	for name, file := range map[string]string{
		"separator -":                     a + "-\n" + b + "-\n" + c + "-\n",
		"separator -}":                    a + "-}\n" + b + "-}\n" + c + "-}\n",
		"separator $":                     a + "$\n" + b + "$\n" + c + "$\n",
		"separator - with a code":         a + "-ABC\n" + b + "-ABC\n" + c + "-ABC\n",
		"no separator":                    a + b + c,
		"blank lines":                     "\n\n" + a + "\n-\n\n" + b + "\n\n" + c + "\n\n",
		"envelope":                        swift(a) + "\n" + swift(b) + "\n" + swift(c),
		"envelopes on one line":           swift(a) + swift(b) + swift(c),
		"-} behind the last field":        strings.ReplaceAll(swift(a)+"\n"+swift(b)+"\n"+swift(c), "\n-}", "-}"),
		"type in a line of its own":       "BANKXX\n940\nBANKXX\n" + a + "-\nBANKXX\n940\nBANKXX\n" + b + "-\n940 00\n" + c + "-\n",
		"type as a field":                 ":940:\n" + a + b + c,
		"control characters":              "\x01" + swift(a) + "\x03\x01" + swift(b) + "\x03\x01" + swift(c) + "\x03\x00\x00",
		"several accounts in one message": a + headless + strings.TrimPrefix(c, ":20:R\n"),
		"no final line end":               strings.TrimSuffix(a+b+c, "\n"),
		"spaces before the tags":          strings.ReplaceAll(a+b+c, "\n:6", "\n  :6"),
		"unknown fields":                  strings.ReplaceAll(a+b+c, ":28C:", ":21:X\n:29X:what\ngoes on\n:28C:"),
		"CR":                              strings.ReplaceAll(a+b+c, "\n", "\r"),
		"CRLF":                            strings.ReplaceAll(a+b+c, "\n", "\r\n"),
		"CR CR LF":                        strings.ReplaceAll(a+b+c, "\n", "\r\r\n"),
		"mixed line ends":                 a + strings.ReplaceAll(b, "\n", "\r") + strings.ReplaceAll(c, "\n", "\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			g := read(t, file)
			var lines []string
			for i := range g.heads {
				lines = append(lines, line(&g.heads[i]))
			}
			if got := strings.Join(lines, "|"); got != want {
				t.Errorf("got %s", got)
			}
			for _, e := range g.entries {
				if e.Remark != "t" || e.EndToEndID != "X" {
					t.Errorf("got %+v", e)
				}
			}
		})
	}
}

func TestStatementWithoutReferenceIsReadWithAWarning(t *testing.T) {
	g := read(t, strings.TrimPrefix(message("1", "CNY"), ":20:R\n"))
	if len(g.heads) != 1 || !*g.heads[0].Balanced || strings.Join(g.warnings, " ") != "mt940.reference" {
		t.Errorf("got %+v %v", g.heads, g.warnings)
	}
}

func TestALoneDashInAText(t *testing.T) {
	g := read(t, statement("102,00", ":61:260213C1,00NTRFA", ":86:a", "-", "b", ":61:260213C1,00NTRFB", ":86:c"))
	if len(g.entries) != 2 || !*g.heads[0].Balanced || g.entries[1].Remark != "c" {
		t.Errorf("got %+v", g.entries)
	}
}

func TestAccountsAndCurrencies(t *testing.T) {
	for _, test := range []struct{ name, account, balance, want, currency string }{
		{"currency behind the account", "12345678 EUR", "260212EUR", "12345678", "EUR"},
		{"currency at the account", "10020030/1234567EUR", "260212EUR", "10020030/1234567", "EUR"},
		{"currency behind a slash", "NL77/EUR", "260212EUR", "NL77", "EUR"},
		{"letters that are no currency", "MT77BANK0001XYZ", "260212EUR", "MT77BANK0001XYZ", "EUR"},
		{"balance without currency", "12345678 EUR", "260212", "12345678", "EUR"},
		{"no currency at all", "12345678", "260212", "12345678", ""},
		{"balance with the century", "1", "20260212EUR", "1", "EUR"},
		{"balance with blanks", "1", "260212 EUR ", "1", "EUR"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := read(t, ":20:R\n:25:"+test.account+"\n:60F:C"+test.balance+"1,00\n:61:260213C1,00NTRFX\n:62F:C"+test.balance+"2,00\n")
			st := g.heads[0]
			if st.Account != test.want || st.Currency != test.currency || !*st.Balanced || g.entries[0].Amount.Currency != test.currency || st.From.String() != "2026-02-12" {
				t.Errorf("got %+v", st)
			}
		})
	}
}

func TestBalances(t *testing.T) {
	for _, test := range []struct{ name, file, want, warned string }{
		{"wrong sum", statement("100,00", ":61:260213C1,00NTRFX"), "62260001 7 CNY 100.00 1.00 100.00 false", "bankfile.unbalanced"},
		{"overdrawn", strings.Replace(statement("101,00", ":61:260213C1,00NTRFX"), "C260213", "D260213", 1), "62260001 7 CNY 100.00 1.00 -101.00 false", "bankfile.unbalanced"},
		{"other currency at the end", strings.Replace(statement("101,00", ":61:260213C1,00NTRFX"), "C260213CNY", "C260213USD", 1), "62260001 7 CNY 100.00 1.00 101.00 false", "bankfile.unbalanced"},
		{"empty balance", strings.Replace(statement("101,00", ":61:260213C1,00NTRFX"), "C260212CNY100,00", "", 1), "62260001 7 CNY - 1.00 101.00 -", "mt940.balance mt940.no_balance"},
		{"no entries", statement("100,00"), "62260001 7 CNY 100.00 0.00 100.00 true", ""},
		{"junk behind the closing balance", statement("101,00", ":61:260213C1,00NTRFX") + "F01XX\n940 00\n", "62260001 7 CNY 100.00 1.00 101.00 true", ""},
		{"wrapped closing balance", statement("1\r\n01,00", ":61:260213C1,00NTRFX"), "62260001 7 CNY 100.00 1.00 101.00 true", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := test.file
			if test.name == "wrapped closing balance" {
				file = strings.Replace(file, "CNY1\r\n01", "CNY\r\n101", 1)
			}
			g := read(t, file)
			if got := line(&g.heads[0]); got != test.want || strings.Join(g.warnings, " ") != test.warned {
				t.Errorf("got %s, %v", got, g.warnings)
			}
		})
	}
}

func TestEncodings(t *testing.T) {
	const text = "Zażółć gęślą jaźń"
	cp852, err := charmap.CodePage852.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	gbk, err := simplifiedchinese.GB18030.NewEncoder().String("杭州门店")
	if err != nil {
		t.Fatal(err)
	}
	whole := func(remark string) string { return statement("101,00", ":61:260213C1,00NTRFX", ":86:"+remark) }
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(whole("Größe 门店"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, file, encoding, want string }{
		{"UTF-8", whole(text), "utf-8", text},
		{"byte order mark", "\uFEFF" + whole(text), "utf-8", text},
		{"byte order mark twice", "\uFEFF\uFEFF" + whole(text), "utf-8", text},
		{"UTF-8 wrapped inside a character", strings.Replace(whole("?20\xE9\x97?21\xA8"), ":86:", ":86:166", 1), "utf-8", "门"},
		{"cp852", whole(cp852), "cp852", text},
		{"latin-1", whole("Gr\xF6\xDFe"), "iso-8859-1", "Größe"},
		{"GBK", whole(gbk), "gb18030", "杭州门店"},
		{"UTF-16", wide, "utf-8", "Größe 门店"},
		{"invalid UTF-8", whole("a\xC3(b"), "iso-8859-1", "aÃ(b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := read(t, test.file)
			if len(g.entries) != 1 || g.entries[0].Remark != test.want || g.encoding != test.encoding || !*g.heads[0].Balanced {
				t.Errorf("got %+v in %s", g.entries, g.encoding)
			}
		})
	}
}

const interim = ":20:R\n:25:1\n:28C:3/1\n:34F:CNYD0,00\n:34F:CNYC0,00\n:13D:2602131530+0800\n" +
	":61:2602130213C5,00NTRFA\n:86:a\n:61:2602130213D2,00NTRFB\n:61:2602130213RC1,00NTRFC\n:90D:2CNY3,00\n:90C:1CNY5,00\n-\n"

func TestInterimReport(t *testing.T) {
	for _, test := range []struct {
		name, file, want string
		totals           []bool
	}{
		{"totals agree", interim, "1 3 CNY - 2.00 - -", []bool{true}},
		{"wrong sum", strings.Replace(interim, "CNY5,00\n-", "CNY5,01\n-", 1), "1 3 CNY - 2.00 - -", []bool{false}},
		{"wrong count", strings.Replace(interim, ":90D:2", ":90D:3", 1), "1 3 CNY - 2.00 - -", []bool{false}},
		{"expected entries are not in the totals", strings.Replace(interim, ":90D", ":61:260213ED9,00NTRFX\n:90D", 1), "1 3 CNY - 2.00 - -", []bool{true}},
		{"expected entries are in the totals", strings.Replace(interim, ":90D:2CNY3,00", ":61:260213ED9,00NTRFX\n:90D:3CNY12,00", 1), "1 3 CNY - 2.00 - -", []bool{true}},
		{"a reversal on the side of its letter", strings.NewReplacer(":90D:2CNY3,00", ":90D:1CNY2,00", ":90C:1CNY5,00", ":90C:2CNY6,00").Replace(interim), "1 3 CNY - 2.00 - -", []bool{true}},
		{"counts without sums", strings.NewReplacer(":90D:2CNY3,00", ":90D:2", ":90C:1CNY5,00", ":90C:1").Replace(interim), "1 3 CNY - 2.00 - -", []bool{true}},
		{"no totals", interim[:strings.Index(interim, ":90D")], "1 3 CNY - 2.00 - -", nil},
		{"one total", strings.Replace(interim, ":90C:1CNY5,00\n", "", 1), "1 3 CNY - 2.00 - -", []bool{true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := &got{}
			err := mt940.Read("x.sta", strings.NewReader(test.file), g)
			wrong := len(test.totals) == 1 && !test.totals[0]
			if wrong != (fault.CodeOf(err) == "mt940.total") || !wrong && err != nil {
				t.Fatal(err)
			}
			st := g.heads[0]
			if got := line(&st); got != test.want || st.Format != "mt942" || st.Kind != bankfiles.Intraday || st.To.String() != "2026-02-13" {
				t.Errorf("got %s %+v", got, st)
			}
			if len(g.totals) != len(test.totals) || len(g.totals) == 1 && g.totals[0] != test.totals[0] {
				t.Errorf("got totals %v, warned of %v", g.totals, g.warnings)
			}
		})
	}
}

// TestFinTS: "@@" for every line end, wherever a read stops; a single one is text.
func TestFinTS(t *testing.T) {
	file := strings.ReplaceAll("@@"+statement("102,00", ":61:260213C2,00NTRF", ":86:shop@example", "and more"), "\r\n", "@@")
	want := "shop@example and more"
	for name, src := range map[string]io.Reader{"whole": strings.NewReader(file), "byte by byte": iotest.OneByteReader(strings.NewReader(file)), "half by half": iotest.HalfReader(strings.NewReader(file))} {
		g := &got{}
		if err := mt940.Read("x", src, g); err != nil || len(g.entries) != 1 || g.entries[0].Remark != want || !*g.heads[0].Balanced {
			t.Errorf("%s: got %+v, %v", name, g, err)
		}
	}
	disk := errors.New("disk")
	if err := mt940.Read("x", iotest.ErrReader(disk), &got{}); err != disk {
		t.Errorf("got %v", err)
	}
}

func TestFormats(t *testing.T) {
	for want, file := range map[string]string{
		"mt940": message("1", "CNY"),
		"mt942": "{1:F01BANKXX}{2:I942BANKXXN}{4:\n:20:R\n:25:1\n:61:260213C1,00NTRFX\n-}",
		"mt950": "{1:F01BANKXX}{2:O9501200}{4:\n" + message("1", "CNY") + "-}",
	} {
		if g := read(t, file); g.heads[0].Format != want {
			t.Errorf("got %s, want %s", g.heads[0].Format, want)
		}
	}
}

// TestTotalsOfPages: the last page of a report has the totals of all its pages.
func TestTotalsOfPages(t *testing.T) {
	page := ":20:R\n:25:1\n:28C:3/1\n:34F:CNY0,\n:61:260213C5,00NTRFX\n"
	g := read(t, page+"-\n"+strings.Replace(page, "3/1", "3/2", 1)+":90C:2CNY10,00\n-\n")
	if len(g.totals) != 1 || !g.totals[0] {
		t.Errorf("got %v %v", g.totals, g.warnings)
	}
	if err := mt940.Read("x", strings.NewReader(page+"-\n"+strings.Replace(page, "3/1", "4/1", 1)+":90C:2CNY10,00\n-\n"), &got{}); fault.CodeOf(err) != "mt940.total" {
		t.Errorf("another report: got %v", err)
	}
}

// TestDuplicateDelivery: the reader gives both; who takes it in tells them apart.
func TestDuplicateDelivery(t *testing.T) {
	m := message("1", "CNY")
	if g := read(t, m+"-\n"+m); len(g.heads) != 2 || line(&g.heads[0]) != line(&g.heads[1]) {
		t.Errorf("got %+v", g.heads)
	}
}

// TestEqualEntriesStayTwo: two equal lines are two movements.
func TestEqualEntriesStayTwo(t *testing.T) {
	if g := read(t, statement("102,00", ":61:260213C1,00NTRFX", ":61:260213C1,00NTRFX")); len(g.entries) != 2 || !*g.heads[0].Balanced {
		t.Errorf("got %+v", g.entries)
	}
}
