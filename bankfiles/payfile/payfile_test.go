package payfile_test

import (
	"bytes"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"custody/bankfiles"
	"custody/bankfiles/payfile"
	"custody/internal/bizdate"
	"custody/internal/money"
)

var (
	update = flag.Bool("update", false, "rewrite the golden files")
	day    = bizdate.MustParse("2026-02-13")
)

type amount = money.Amount

func payout() *bankfiles.PayoutFile {
	item := func(seq int, serial, member string, fen int64) bankfiles.PayoutItem {
		return bankfiles.PayoutItem{Seq: seq, Serial: serial, Member: member, Account: "62001" + member, Name: "示例" + member,
			CNAPS: "102100000001", Amount: amount(fen), Route: "BEP", Purpose: "结算款"}
	}
	return &bankfiles.PayoutFile{BatchNo: "PO20260213-01", Date: day, Maker: "maker1", Checker: "checker1",
		Items: []bankfiles.PayoutItem{
			item(1, "20260213010001", "A", 92300), item(2, "20260213010002", "B", 18380),
			item(3, "20260213010003", "C", 9140), item(4, "20260213010004", "P", 2500),
		}}
}

func result() *bankfiles.ResultFile {
	at := func(hour, minute, second int) time.Time {
		return time.Date(2026, 2, 13, hour, minute, second, 0, bizdate.Zone)
	}
	return &bankfiles.ResultFile{BatchNo: "PO20260213-01", Date: day, Items: []bankfiles.ResultItem{
		{Line: 2, Seq: 1, Serial: "20260213010001", Amount: 92300, Status: "S", Code: "0000", BankRef: "K1302", BankTime: at(13, 31, 5)},
		{Line: 3, Seq: 2, Serial: "20260213010002", Amount: 18380, Status: "F", Code: "1004", Reason: "收款人户名不符", BankTime: at(14, 2, 12)},
		{Line: 4, Seq: 3, Serial: "20260213010003", Amount: 9140, Status: "S", Code: "0000", BankRef: "K1303", BankTime: at(13, 31, 7)},
		{Line: 5, Seq: 4, Serial: "20260213010004", Amount: 2500, Status: "S", Code: "0000", BankTime: at(17, 5, 0)},
	}}
}

func balance() *bankfiles.BalanceFile {
	return &bankfiles.BalanceFile{Account: "6200000000000001", Date: day, Items: []bankfiles.BalanceItem{
		{Line: 2, Member: "A", Available: 101640, Cash: 55440, Frozen: 0},
		{Line: 3, Member: "B", Available: 0, Cash: 0, Frozen: 500},
	}}
}

func instruct() *bankfiles.InstructionFile {
	return &bankfiles.InstructionFile{No: "SI20260213-X20260212-001", Date: day, Maker: "maker1", Checker: "checker1",
		Items: []bankfiles.InstructionItem{
			{Seq: 1, Kind: "CLAIM", Reference: "K1202", Member: "B", Amount: 30000},
			{Seq: 2, Kind: "RETURN", Reference: "20260212010003", Member: "C", Amount: 9240},
			{Seq: 3, Kind: "ADOPT", Reference: "W6", Member: "B", Amount: 30000, Channel: "WX", ClearingDate: day.AddDays(-1), OrderNo: "W6"},
		}}
}

// TestGolden holds the bytes of the four files, and that they are read back.
func TestGolden(t *testing.T) {
	for _, test := range []struct {
		file  string
		write func(*bytes.Buffer) error
		read  func(name string, b *bytes.Buffer) (any, error)
		want  any
	}{
		{"payout.txt", func(b *bytes.Buffer) error { return payfile.WritePayout(b, payout()) },
			func(n string, b *bytes.Buffer) (any, error) { return payfile.ReadPayout(n, b) }, payout()},
		{"result.txt", func(b *bytes.Buffer) error { return payfile.WriteResult(b, result()) },
			func(n string, b *bytes.Buffer) (any, error) { return payfile.ReadResult(n, b) }, result()},
		{"balance.txt", func(b *bytes.Buffer) error { return payfile.WriteBalance(b, balance()) },
			func(n string, b *bytes.Buffer) (any, error) { return payfile.ReadBalance(n, b) }, balance()},
		{"instruct.txt", func(b *bytes.Buffer) error { return payfile.WriteInstruct(b, instruct()) },
			func(n string, b *bytes.Buffer) (any, error) { return payfile.ReadInstruct(n, b) }, instruct()},
	} {
		t.Run(test.file, func(t *testing.T) {
			var got bytes.Buffer
			if err := test.write(&got); err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile("testdata/"+test.file, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile("testdata/" + test.file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("written (-want +got):\n%s", diff)
			}
			read, err := test.read(test.file, &got)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, read); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
		})
	}
}
