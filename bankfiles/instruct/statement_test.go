package instruct_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"

	"custody/bankfiles"
	"custody/bankfiles/instruct"
	"custody/internal/fault"
	"custody/internal/money"
)

// told keeps a statement in a few words.
type told struct{ lines []string }

func (t *told) Open(*bankfiles.Statement) error { return nil }
func (t *told) Warn(f *fault.Fault)             { t.lines = append(t.lines, "~"+f.Code) }
func (t *told) Totals(agree bool)               { t.lines = append(t.lines, fmt.Sprint("totals ", agree)) }
func (t *told) Entry(e *bankfiles.StatementEntry) error {
	t.lines = append(t.lines, strings.TrimSpace(fmt.Sprintf("%s %s %s%v %s %s %s", e.BookingDate, e.Amount, map[bool]string{true: "reversal "}[e.Reversal], e.BankRef, e.EndToEndID, e.CounterpartyName, e.Remark)))
	return nil
}

func (t *told) Close(st *bankfiles.Statement) error {
	text := func(x *money.Exact) string {
		if x == nil {
			return "-"
		}
		return x.String()
	}
	balanced := "-"
	if st.Balanced != nil {
		balanced = fmt.Sprint(*st.Balanced)
	}
	t.lines = append(t.lines, strings.Join([]string{st.Format, st.Account, text(st.Opening), st.Sum.String(), text(st.Closing), balanced}, " "))
	return nil
}

type readStatement = func(string, io.Reader, bankfiles.StatementSink) error

func tell(read readStatement, text string) string {
	out := &told{}
	if err := read("x", strings.NewReader(text), out); err != nil {
		out.lines = append(out.lines, "!"+fault.CodeOf(err))
	}
	return strings.Join(out.lines, "|")
}

func qhisd(head string, rows ...string) string {
	return `<?xml version="1.0"encoding="GBK"?><CMS><eb><pub><TransCode>QHISD</TransCode></pub><out><RetCode>0</RetCode><AccNo>6200</AccNo><CurrType>001</CurrType>` +
		`<BeginDate>20260212</BeginDate><EndDate>20260213</EndDate>` + head + strings.Join(rows, "") + "</out></eb></CMS>"
}

func rdOf(debit, credit, balance, more string) string {
	return "<rd><Drcrf>1</Drcrf><DebitAmount>" + debit + "</DebitAmount><CreditAmount>" + credit + "</CreditAmount><Balance>" + balance +
		"</Balance><Date>20260213</Date><Time>10.30.00.123456</Time><OnlySequence>Q1</OnlySequence>" + more + "</rd>"
}

func TestICBCStatement(t *testing.T) {
	in, out := rdOf("0", "10000", "15000", "<RecipName>甲店</RecipName><Summary>货款</Summary>"), rdOf("2000", "", "13000", "<Ref>S1</Ref>")
	for _, test := range []struct{ name, text, want string }{
		{"amounts in fen, the direction by the filled one", qhisd("<TotalNum>2</TotalNum>", in, out),
			"2026-02-13 100.00 Q1  甲店 货款|2026-02-13 -20.00 Q1 S1|totals true|icbc-qhisd 6200 50.00 80.00 130.00 true"},
		{"newest row first", qhisd("", out, in), "2026-02-13 -20.00 Q1 S1|2026-02-13 100.00 Q1  甲店 货款|icbc-qhisd 6200 50.00 80.00 130.00 true"},
		{"amounts with a point", qhisd("", rdOf("", "1.5", "2.5", "")), "2026-02-13 1.5 Q1|icbc-qhisd 6200 1.0 1.5 2.5 true"},
		{"a reversal", qhisd("", rdOf("100", "", "", "<UpDtranf>1</UpDtranf>")), "2026-02-13 -1.00 reversal Q1|icbc-qhisd 6200 - -1.00 - -"},
		{"a reason of return across banks", qhisd("", rdOf("", "100", "", "<RefundMsg>账号不存在</RefundMsg>")), "2026-02-13 1.00 Q1   账号不存在|icbc-qhisd 6200 - 1.00 - -"},
		{"a row that is missing", qhisd("", in, rdOf("2000", "", "12000", "")), "2026-02-13 100.00 Q1  甲店 货款|2026-02-13 -20.00 Q1|~flow.gap|~bankfile.unbalanced|icbc-qhisd 6200 50.00 80.00 120.00 false"},
		{"one page of several", qhisd("<NextTag>p2</NextTag><TotalNum>9</TotalNum>", rdOf("", "100", "", "")), "2026-02-13 1.00 Q1|~direct.more|icbc-qhisd 6200 - 1.00 - -"},
		{"wrong count", qhisd("<TotalNum>3</TotalNum>", rdOf("", "100", "", "")), "2026-02-13 1.00 Q1|totals false|icbc-qhisd 6200 - 1.00 - -|!direct.count"},
		{"no rows", qhisd("<TotalNum>0</TotalNum>"), "totals true|icbc-qhisd 6200 - 0 - -"},
		{"both sides", qhisd("", rdOf("100", "100", "", "")), "icbc-qhisd 6200 - 0 - -|!direct.direction"},
		{"no day", strings.Replace(qhisd("", rdOf("", "100", "", "")), "<Date>20260213", "<Date>20260230", 1), "icbc-qhisd 6200 - 0 - -|!direct.day"},
		{"another currency", strings.Replace(qhisd("", rdOf("", "100", "", "")), "001", "014", 1), "~direct.currency|2026-02-13 1.00 Q1|icbc-qhisd 6200 - 1.00 - -"},
		{"refused", `<CMS><eb><pub><TransCode>QPD</TransCode><RetCode>B1</RetCode><RetMsg>x</RetMsg></pub></eb></CMS>`, "!instruct.refused"},
		{"another answer", `<CMS><eb><pub><TransCode>QACCBAL</TransCode></pub></eb></CMS>`, "!instruct.missing"},
	} {
		coded, err := simplifiedchinese.GBK.NewEncoder().String(test.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := tell(instruct.ReadICBCStatement, coded); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.name, got, test.want)
		}
	}
}

func ntq(rows ...string) string {
	return "<?xml version=\"1.0\" encoding=\"GBK\"?><CMBSDKPGK><INFO><FUNNAM>GetTransInfo</FUNNAM><RETCOD>0</RETCOD></INFO>" + strings.Join(rows, "") + "</CMBSDKPGK>"
}

func row(fields string) string {
	return "<NTQTSINFZ><ETYDAT>20260213</ETYDAT><ETYTIM>103000</ETYTIM><REFNBR>R</REFNBR>" + fields + "</NTQTSINFZ>"
}

func TestCMBStatement(t *testing.T) {
	const account = "<ACCNBR>7559</ACCNBR>"
	for _, test := range []struct{ name, text, want string }{
		{"signed, and on one side", ntq(row(account+"<TRSAMT>-0.08</TRSAMT><TRSAMTD>0.08</TRSAMTD><AMTCDR>D</AMTCDR><TRSBLV>9.92</TRSBLV><C_TRSAMT>4,910.68</C_TRSAMT>"),
			row("<TRSAMT>1.00</TRSAMT><TRSAMTC>1.00</TRSAMTC><TRSBLV>10.92</TRSBLV>")), "2026-02-13 -0.08 R|2026-02-13 1.00 R|cmb-ntqtsinfz 7559 10.00 0.92 10.92 true"},
		{"the code gives the sign", ntq(row(account + "<TRSAMT>0.08</TRSAMT><AMTCDR>D</AMTCDR>")), "2026-02-13 -0.08 R|cmb-ntqtsinfz 7559 - -0.08 - -"},
		{"a payout that comes back", ntq(row(account + "<TRSAMT>1.00</TRSAMT><TRSCOD>CPAJ</TRSCOD><YURREF>S9</YURREF><NARYUR>支付平台退票</NARYUR>")), "2026-02-13 1.00 R S9  支付平台退票|cmb-ntqtsinfz 7559 - 1.00 - -"},
		{"taken back (*)", ntq(row(account + "<TRSAMTC>-1.00</TRSAMTC><RSVFLG>*</RSVFLG>")), "2026-02-13 -1.00 reversal R|cmb-ntqtsinfz 7559 - -1.00 - -"},
		{"no account", ntq(row("<TRSAMT>1.00</TRSAMT>")), "2026-02-13 1.00 R|~direct.no_account|cmb-ntqtsinfz  - 1.00 - -"},
		{"sign against side", ntq(row(account + "<TRSAMT>1.00</TRSAMT><TRSAMTD>1.00</TRSAMTD>")), "!direct.direction"},
		{"no amount", ntq(row(account)), "!direct.direction"},
		{"no day", ntq("<NTQTSINFZ><TRSAMT>1</TRSAMT></NTQTSINFZ>"), "!direct.day"},
		{"refused", "<CMBSDKPGK><INFO><RETCOD>-1</RETCOD><ERRMSG>DBDC003: x</ERRMSG></INFO></CMBSDKPGK>", "!instruct.refused"},
	} {
		coded, err := simplifiedchinese.GBK.NewEncoder().String(test.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := tell(instruct.ReadCMBStatement, coded); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.name, got, test.want)
		}
	}
}

func TestCMBUnits(t *testing.T) {
	unit := func(no, amount, dir string) string {
		return `{"accnbr":"7559","dmanbr":"` + no + `","dmanam":"甲店","trxnbr":"T","trxamt":"` + amount + `","trxdir":"` + dir + `","trxdat":"20260213","trxtim":"103000","trxtxt":"货款"}`
	}
	for _, test := range []struct{ name, text, want string }{
		{"rows of two units in any order", `{"response":{"body":{"ntdmtlstz":[` + unit("01", "1.00", "C") + "," + unit("02", "5.00", "C") + "," + unit("01", "0.50", "D") + `]}}}`,
			"2026-02-13 1.00 T   货款|2026-02-13 -0.50 T   货款|cmb-ntdm 7559-01 - 0.50 - -|2026-02-13 5.00 T   货款|cmb-ntdm 7559-02 - 5.00 - -"},
		{"names in any case", `{"NTDMTHLSZ":[{"AccNbr":"7","DMANBR":"1","TRXNBR":"T","TRXAMT":-1.5,"TRXDAT":"20260213"}]}`, "2026-02-13 -1.5 T|cmb-ntdm 7-1 - -1.5 - -"},
		{"balances", `{"ntdmabalz":[{"accnbr":"7559","dmanbr":"01","actbal":"12.30","eftdat":"20260213"}]}`, "cmb-ntdm 7559-01 - 0.00 12.30 -"},
		{"no rows", `{"ntdmtlstz":[]}`, ""},
		{"a direction that is not known", `{"ntdmtlstz":[` + unit("01", "1.00", "1") + `]}`, "!direct.direction"},
		{"an amount without direction", `{"ntdmtlstz":[` + unit("01", "1.00", "") + `]}`, "!direct.direction"},
		{"refused", `{"response":{"head":{"resultcode":"DBDC003","resultmsg":"x"}}}`, "!instruct.refused"},
		{"something else", `{"a":1}`, "!instruct.missing"},
		{"by breakpoint", `{"ntqactrsz2":[{"accnbr":"7","trsdat":"20260213","trsamt":"1.00","amtcdr":"C","trsblv":"3.00"},{"trsdat":"20260213","trsamt":"2.00","amtcdr":"D","trsblv":"1.00"}],"ntrbptrsz1":[{"crtnbr":"1","crtamt":"1.00","dbtnbr":"1","dbtamt":"2.00"}]}`,
			"2026-02-13 1.00|2026-02-13 -2.00|totals true|cmb-ntqactrsz 7 2.00 -1.00 1.00 true"},
		{"wrong control total", `{"ntqactrsz2":[{"accnbr":"7","trsdat":"20260213","trsamt":"1.00","amtcdr":"C"}],"ntrbptrsz1":[{"crtnbr":"1","crtamt":"1.01"}]}`, "2026-02-13 1.00|totals false|!direct.total"},
		{"wrong control count", `{"ntqactrsz2":[{"accnbr":"7","trsdat":"20260213","trsamt":"1.00","amtcdr":"C"}],"ntrbptrsz1":[{"crtnbr":"2","dbtnbr":"0"}]}`, "2026-02-13 1.00|totals false|!direct.total"},
	} {
		if got := tell(instruct.ReadCMBUnits, test.text); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.name, got, test.want)
		}
	}
}

// What we write to ICBC and to CMB is read back.
func TestRequestsAreReadBack(t *testing.T) {
	want := batch()
	for i := range want.Items { // the requests have one field for both numbers
		it := &want.Items[i]
		it.CNAPS, it.SuperBankNo = it.CNAPS+it.SuperBankNo, ""
	}
	var icbc, cmb bytes.Buffer
	if err := instruct.WriteICBC(&icbc, instruct.ICBC{CIS: "c", UserID: "u"}, batch()); err != nil {
		t.Fatal(err)
	}
	got, err := instruct.ReadICBCBatch("x", bytes.NewReader(icbc.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	ofICBC := *want
	ofICBC.Payer = instruct.Payer{Name: want.Payer.Name, Account: want.Payer.Account}
	ofICBC.Items = append([]bankfiles.PayoutItem(nil), want.Items...)
	ofICBC.Items[0].Route, ofICBC.Items[1].Route = "", "" // ICBC chooses the way to another bank
	if diff := cmp.Diff(&ofICBC, got); diff != "" {
		t.Errorf("ICBC: %s", diff)
	}
	if err := instruct.WriteCMB(&cmb, instruct.CMB{BusMod: "S1"}, batch()); err != nil {
		t.Fatal(err)
	}
	if got, err = instruct.ReadCMBRequest("x", bytes.NewReader(cmb.Bytes())); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Items, got.Items); diff != "" || got.ID != want.ID || got.Payer.Account != want.Payer.Account {
		t.Errorf("CMB: %+v %s", got, diff)
	}
	for _, test := range []struct{ name, format, old, new, code string }{
		{"wrong count", "icbc", "<TotalNum>3", "<TotalNum>4", "instruct.count"},
		{"wrong total", "icbc", "<TotalAmt>5", "<TotalAmt>6", "instruct.total"},
		{"an amount changed", "icbc", "<PayAmt>1<", "<PayAmt>2<", "instruct.total"},
		{"a serial twice", "icbc", "010002</ERPSqn", "010001</ERPSqn", "instruct.twice"},
		{"another request", "icbc", ">PAYENT<", ">QPAYENT<", "instruct.missing"},
		{"wrong count", "cmb", `"dtlNbr":"3"`, `"dtlNbr":"2"`, "instruct.count"},
		{"no amount", "cmb", `"trsAmt":"0.01"`, `"trsAmt":"0"`, "instruct.amount"},
		{"nothing", "cmb", `bb1`, `bb2`, "instruct.missing"},
	} {
		text, read := icbc.String(), instruct.ReadICBCBatch
		if test.format == "cmb" {
			text, read = cmb.String(), instruct.ReadCMBRequest
		}
		if _, err := read("x", strings.NewReader(strings.ReplaceAll(text, test.old, test.new))); fault.CodeOf(err) != test.code {
			t.Errorf("%s, %s: got %v, want %s", test.format, test.name, err, test.code)
		}
	}
}

// FuzzStatements: no panic, and errors are faults.
func FuzzStatements(f *testing.F) {
	f.Add(qhisd("<TotalNum>1</TotalNum>", rdOf("", "100", "200", "")))
	f.Add(ntq(row("<TRSAMT>-0.08</TRSAMT><TRSAMTD>0.08</TRSAMTD><TRSBLV>1</TRSBLV>")))
	f.Add(`{"ntdmtlstz":[{"accnbr":"7559","dmanbr":"1","trxnbr":"T","trxamt":"1.00","trxdir":"C","trxdat":"20260213"}]}`)
	f.Add(`{"ntqactrsz2":[{"trsdat":"20260213","trsamt":"1.00"}],"ntrbptrsz1":[{"crtnbr":"1"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<20 {
			return
		}
		for _, read := range []readStatement{instruct.ReadICBCStatement, instruct.ReadCMBStatement, instruct.ReadCMBUnits} {
			if err := read("x", strings.NewReader(text), &told{}); err != nil && fault.Of(err) == nil {
				t.Fatalf("%v is no fault", err)
			}
		}
		for _, read := range []func(string, io.Reader) (*instruct.Batch, error){instruct.ReadICBCBatch, instruct.ReadCMBRequest} {
			if _, err := read("x", strings.NewReader(text)); err != nil && fault.Of(err) == nil {
				t.Fatalf("%v is no fault", err)
			}
		}
	})
}
