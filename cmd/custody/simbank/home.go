package simbank

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"custody/internal/atomicfile"
)

// Head office and its accounts; invented, like everything here.
const (
	custodyAccount   = "1100200300400500600"
	custodyHolder    = "示例连锁总部有限公司存管专户"
	corporateName    = "示例连锁总部有限公司"
	corporateAccount = "1100999900001111222"
	corporateCNAPS   = "313000000993" // area 0000 does not exist
)

var configText = template.Must(template.New("").Parse(`# Made by custody simulate: an invented head office on replayed days.
code: HQ01
name: 示例连锁总部
account: "{{.Account}}"
clock: replay
corporate: {name: {{.Corporate}}, account: "{{.CorporateAccount}}"{{if .Events}}, cnaps: "{{.CNAPS}}"{{end}}}
channels:
{{- range .Channels}}
  - {code: {{.Code}}, name: {{.Name}}, bill: {{.Bill}}, merchant: "{{.Merchant}}", fee_ppm: {{.FeePPM}}{{if .Gross}}, pays: gross, fee_debit: {payers: [{{.Payer}}], remarks: [手续费]}{{end}}, pay_days: {{.PayDays}}, payers: [{{.Payer}}]}
{{- end}}
rules:
  - {id: standard, effective: {{.Effective}}, head_office_ppm: {{.HeadOfficePPM}}, partner_ppm: {{.PartnerPPM}}, fee_bearer: franchisee}
release: {days: 1}
{{- if .Events}}
payout:
  fee: "1.00"
  minimum: "2.00"
  purpose: 结算款
  fee_back_on_return: true
  account_faults: ["1004"]
  withdrawals: {minimum: "10.00", per_item: "50000.00", per_day: "200000.00", per_day_count: 5}
  rails:
    - {code: OWN, effective: {{.Effective}}, needs: cnaps, banks: [东岭示例银行]}
    - {code: SIB, effective: {{.Effective}}, per_item: "100.00", needs: either}
    - {code: BEP, effective: {{.Effective}}, per_item: "2000.00", needs: cnaps}
    - {code: HVP, effective: {{.Effective}}, working_days: true, from: "08:30", to: "17:00", needs: cnaps}
bank: {fee_remarks: [账户管理费, 汇划费], interest_remarks: [结息]}
recharge:
  plain_http: true
  operators:
    - code: TEL
      platforms: [{name: national, url: "http://127.0.0.1:8088", prefixes: ["11888"]}]
      ratios: [{effective: {{.Effective}}, version: 1, member_ppm: 850000, operator_ppm: 100000}]
{{- else}}
payout: {fee: "1.00", minimum: "2.00", route: BEP, purpose: 结算款, fee_back_on_return: true, account_faults: ["1004"]}
{{- end}}
files: {intraday: true, balances: true}
limits: {pool_days: 3, transit_days: 3}
users:
  - {name: maker1, roles: [operator, maker]}
  - {name: checker1, roles: [checker]}
  - {name: auditor1, roles: [auditor]}
  - {name: scheduler, roles: [scheduler]}
`))

// writeHome writes custody.yaml and members.csv.
func (g *generator) writeHome() error {
	type view struct {
		Code, Name, Bill, Merchant, PayDays, Payer string
		Gross                                      bool
		FeePPM                                     int
	}
	data := struct {
		Account, Corporate, CorporateAccount, Effective string
		HeadOfficePPM, PartnerPPM                       int
		Channels                                        []view
		Events                                          bool
		CNAPS                                           string
	}{custodyAccount, corporateName, corporateAccount, fmt.Sprintf("%04d-01-01", g.From.Year()), headOfficePPM, partnerPPM, nil, g.Events, corporateCNAPS}
	for _, c := range g.channelsOf() {
		days, fee := "working", feePPM
		if c.code == cardChannel.code {
			fee = operatorPPM
		}
		if c.payNatural {
			days = "natural"
		}
		data.Channels = append(data.Channels, view{c.code, c.name, c.bill, c.merchant, days, c.payer, c.code == grossChannel.code, fee})
	}
	var text bytes.Buffer
	if err := configText.Execute(&text, data); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(g.Dir, configFile), text.Bytes()); err != nil {
		return err
	}
	if g.Statement == StatementCSV {
		if err := os.MkdirAll(filepath.Join(g.Dir, "profiles"), 0o750); err != nil {
			return err
		}
		if err := writeFile(filepath.Join(g.Dir, "profiles", "simulated-bank.yaml"), []byte(tableProfile)); err != nil {
			return err
		}
	}
	return atomicfile.Write(filepath.Join(g.Dir, "members.csv"), filePerm, g.writeMembers)
}

// memberCodes: F001 ..., then P001 ...; sorted, as wide as the count needs.
func memberCodes(members, partners int) []string {
	width := max(3, len(fmt.Sprint(members)))
	codes := make([]string, 0, members+partners)
	for i := range members {
		codes = append(codes, fmt.Sprintf("F%0*d", width, i+1))
	}
	for i := range partners {
		codes = append(codes, fmt.Sprintf("P%0*d", width, i+1))
	}
	return codes
}

func (g *generator) writeMembers(w io.Writer) error {
	header := "code,name,kind,partner,account,account_name,bank,cnaps"
	if g.Events {
		header += ",region"
	}
	if _, err := io.WriteString(w, header+"\n"); err != nil {
		return err
	}
	for i, code := range g.plan.codes {
		kind, partner, name := "FRANCHISEE", "", shopName(g.Seed, i)
		if i < g.Members {
			partner = g.plan.codes[g.Members+g.source.partnerOf(i)]
		} else {
			kind, name = "PARTNER", partnerName(i-g.Members)
		}
		if code == regionCode {
			name = "示例大区管理"
		}
		holder := name + "（示例）有限公司"
		if g.Events { // who withdraws must be paid in his own name
			name = holder
		}
		bank, cnaps := bankOf(g.Seed, i)
		row := []string{code, name, kind, partner, accountNo(g.Seed, i), holder, bank, cnaps}
		if g.Events {
			region := ""
			if i < g.Members {
				region = regionCode
			}
			row = append(row, region)
		}
		if _, err := io.WriteString(w, strings.Join(row, ",")+"\n"); err != nil {
			return err
		}
	}
	return nil
}

var (
	streets = []string{"云杉路", "青石街", "望江里", "银杏巷", "松风路", "南塘街", "晴川路", "榆荫里", "竹坞街", "荷塘路", "鹿鸣街", "石榴巷"}
	shops   = []string{"青禾面馆", "半亩茶铺", "阿拾豆浆", "小满粥店", "麦香烘焙", "一口鲜饺", "山椒米线", "陶然咖啡", "禾下便当", "双喜汤包", "橘子果茶"}
	regions = []string{"东岭", "西渡", "南浦", "北原", "中洲"}
)

// shopName is a shop in a street; from the 133rd on with the number of the branch.
func shopName(seed uint64, i int) string {
	first := newRNG(seed, memberSalt).below(len(streets) * len(shops))
	k := (i + first) % (len(streets) * len(shops))
	// 12 and 11 have no common factor: 132 different names, the neighbours unlike each other.
	name := shops[k%len(shops)] + streets[k%len(streets)]
	if n := i / (len(streets) * len(shops)); n > 0 {
		return fmt.Sprintf("%s%d号店", name, n+1)
	}
	return name + "店"
}

func partnerName(i int) string {
	name := regions[i%len(regions)] + "渠道服务"
	if n := i / len(regions); n > 0 {
		return fmt.Sprintf("%s%d部", name, n+1)
	}
	return name
}

// accountNo is an account of 19 digits; its range, 6299, is nobody's.
func accountNo(seed uint64, i int) string {
	return fmt.Sprintf("6299%07d%08d", i+1, newRNG(seed, memberSalt, uint64(i)).below(100*million))
}

// bankOf returns an invented city bank (313) and the code of its branch: area
// 0000 does not exist, so the code is nobody's.
func bankOf(seed uint64, i int) (name, cnaps string) {
	k := newRNG(seed, memberSalt+1, uint64(i)).below(len(regions))
	eleven := fmt.Sprintf("3130000%04d", k+1)
	return regions[k] + "示例银行", eleven + string(CheckDigit(eleven))
}

// CheckDigit returns the check digit of a bank code (联行号) of 11 digits:
// ISO 7064 MOD 11,10.
func CheckDigit(digits string) byte {
	p := 10
	for i := range len(digits) {
		s := (int(digits[i]-'0') + p) % 10
		if s == 0 {
			s = 10
		}
		p = s * 2 % 11
	}
	return byte('0' + (11-p)%10)
}
