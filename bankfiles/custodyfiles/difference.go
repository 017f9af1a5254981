package custodyfiles

import (
	"bufio"
	"encoding/hex"
	"io"
	"strconv"
	"strings"

	"github.com/emmansun/gmsm/sm3"

	"custody/bankfiles/lines"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/money"
)

// Difference is a row of a discrepancy file (对账不平): a sub-account whose
// balance differs between the bank and us. The differences are bank less ours.
type Difference struct {
	Line                     int
	SubAccount, Name, Member string
	BankAvailable            money.Exact
	BankFrozen               money.Exact
	OwnAvailable             money.Exact
	OwnFrozen                money.Exact
	Remark                   string
}

var differenceLayout = &layout{format: CustDzFail, separator: ampersand, trailing: true, head: 1, versions: [][]string{{"子账号", "名称", "会员代码",
	"银行可用", "银行冻结", "平台可用", "平台冻结", "可用差", "冻结差", "说明"}}}

// ReadDifferences reads a discrepancy file, a bank's or ours; its first line is
// its count. In every row the differences follow from the balances.
func ReadDifferences(name string, src io.Reader, opt Options, each func(*Difference) error) (Summary, error) {
	var d Difference
	return differenceLayout.read(name, src, opt, func(r *reader) { r.count("总笔数", r.head[0]) }, func(r *reader) error {
		d = Difference{Line: r.Number(), SubAccount: r.number("子账号"), Name: r.text("名称"), Member: r.text("会员代码"),
			BankAvailable: r.yuan("银行可用"), BankFrozen: r.yuan("银行冻结"), OwnAvailable: r.yuan("平台可用"), OwnFrozen: r.yuan("平台冻结"), Remark: r.text("说明")}
		available := r.yuan("可用差")
		r.equal("可用差", available, d.BankAvailable, d.OwnAvailable.Neg())
		r.equal("冻结差", r.yuan("冻结差"), d.BankFrozen, d.OwnFrozen.Neg())
		r.add(&r.sum.Total, available, "可用差")
		if !r.good() || each == nil {
			return nil
		}
		return each(&d)
	})
}

// WriteDifferences writes our discrepancy file, in the shape of BatCustDzFail:
// the count, then the rows. It returns a fault for a row that
// [ReadDifferences] would refuse and for a character that GBK does not have.
func WriteDifferences(w io.Writer, rows []Difference) error {
	o, names := differenceLayout.writer(w), differenceLayout.versions[0]
	o.write([]string{"总笔数"}, []string{strconv.Itoa(len(rows))})
	for i := range rows {
		d := &rows[i]
		o.write(names, []string{o.id(names[0], d.SubAccount), d.Name, d.Member, o.yuan(names[3], d.BankAvailable), o.yuan(names[4], d.BankFrozen),
			o.yuan(names[5], d.OwnAvailable), o.yuan(names[6], d.OwnFrozen), o.less(names[7], d.BankAvailable, d.OwnAvailable),
			o.less(names[8], d.BankFrozen, d.OwnFrozen), d.Remark})
	}
	return o.end()
}

// yuan prints an amount with two decimals.
func (w *writer) yuan(name string, x money.Exact) string {
	fen, err := x.Fen()
	y := money.FromFen(fen)
	if _, ok := lines.Amount([]byte(y.String())); err != nil || !ok {
		w.refuse(fault.Invalid("custodyfile.amount").On(name, x.String()))
	}
	return y.String()
}

// less prints a − b.
func (w *writer) less(name string, a, b money.Exact) string {
	d, err := a.Add(b.Neg())
	if err != nil {
		w.refuse(fault.Invalid("custodyfile.overflow").On(name, a.String()))
	}
	return w.yuan(name, d)
}

// TieOut is a row of the tie-out file (总分核对): one custody account, whose
// balance at the bank is the sum of its sub-accounts and of what is on its way.
type TieOut struct {
	Line        int
	Date        bizdate.Date
	Account     string      // 存管账户
	Bank        money.Exact // 银行余额
	SubAccounts money.Exact // 子账户合计
	Transit     money.Exact // 在途: booked, not yet in the bank; money that came and is not booked is negative
	Remark      string
}

var tieOutLayout = &layout{format: TieOuts, separator: ampersand, trailing: true, head: 1,
	versions: [][]string{{"日期", "存管账户", "银行余额", "子账户合计", "在途", "差额", "说明"}}}

// WriteTieOut writes the tie-out file: the count, then a row for each account,
// with the difference, 银行余额 − 子账户合计 + 在途, which is zero where all is well.
func WriteTieOut(w io.Writer, rows []TieOut) error {
	o, names := tieOutLayout.writer(w), tieOutLayout.versions[0]
	o.write([]string{"总笔数"}, []string{strconv.Itoa(len(rows))})
	for i := range rows {
		t := &rows[i]
		if t.Date.IsZero() {
			o.refuse(fault.Invalid("custodyfile.date").On(names[0], ""))
		}
		sum, err := t.Bank.Add(t.Transit)
		if err != nil {
			o.refuse(fault.Invalid("custodyfile.overflow").On(names[5], t.Bank.String()))
		}
		o.write(names, []string{t.Date.Compact(), o.id(names[1], t.Account), o.yuan(names[2], t.Bank), o.yuan(names[3], t.SubAccounts),
			o.yuan(names[4], t.Transit), o.less(names[5], sum, t.SubAccounts), t.Remark})
	}
	return o.end()
}

// ReadTieOut reads a tie-out file. Total of the summary is the sum of the differences.
func ReadTieOut(name string, src io.Reader, each func(*TieOut) error) (Summary, error) {
	var t TieOut
	return tieOutLayout.read(name, src, Options{}, func(r *reader) { r.count("总笔数", r.head[0]) }, func(r *reader) error {
		t = TieOut{Line: r.Number(), Date: r.day("日期"), Account: r.number("存管账户"), Bank: r.yuan("银行余额"), SubAccounts: r.yuan("子账户合计"),
			Transit: r.yuan("在途"), Remark: r.text("说明")}
		difference := r.yuan("差额")
		r.equal("差额", difference, t.Bank, t.Transit, t.SubAccounts.Neg())
		r.add(&r.sum.Total, difference, "差额")
		if !r.good() || each == nil {
			return nil
		}
		return each(&t)
	})
}

// WriteCheck writes the companion of a file, NAME.check: the SM3 of its bytes
// in hexadecimal and its name. A receiver loads the file only where both fit.
func WriteCheck(w io.Writer, name string, file io.Reader) error {
	seal := sm3.New()
	if _, err := io.Copy(seal, file); err != nil {
		return err
	}
	_, err := io.WriteString(w, hex.EncodeToString(seal.Sum(nil))+" "+name+"\n")
	return err
}

// VerifyCheck holds a file to its companion. It returns custodyfile.check where
// the digest or the name differs.
func VerifyCheck(companion io.Reader, name string, file io.Reader) error {
	const maxCompanion = 1 << 10 // 64 digits and a file name
	line, err := bufio.NewReader(io.LimitReader(companion, maxCompanion)).ReadString('\n')
	if err != nil && err != io.EOF {
		return err
	}
	digest, of, _ := strings.Cut(strings.TrimSpace(line), " ")
	seal := sm3.New()
	if _, err := io.Copy(seal, file); err != nil {
		return err
	}
	if got := hex.EncodeToString(seal.Sum(nil)); got != digest || strings.TrimSpace(of) != name {
		return fault.Invalid("custodyfile.check", got).In(name).On("SM3", digest)
	}
	return nil
}
