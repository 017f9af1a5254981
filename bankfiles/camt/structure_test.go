package camt_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"custody/bankfiles"
	"custody/bankfiles/camt"
	"custody/bankfiles/xsdtest"
)

// structure is what we write of camt.053.001.08 and camt.052.001.08, after the
// standard's message definition.
func structure(root, statement string) xsdtest.Rule {
	leaf, part := xsdtest.Leaf, xsdtest.Part
	many := func(r xsdtest.Rule, least int) xsdtest.Rule { r.Min, r.Max = least, 0; return r }
	account := func(name string, least int, more ...xsdtest.Rule) xsdtest.Rule {
		return part(name, least, append([]xsdtest.Rule{part("Id", 1, part("Othr", 1, leaf("Id", 1, 34)))}, more...)...)
	}
	party := func(name string) xsdtest.Rule { return part(name, 0, part("Pty", 1, leaf("Nm", 0, 140))) }
	day := func(name string, least int) xsdtest.Rule {
		return part(name, least, leaf("Dt", 0, 10), leaf("DtTm", 0, 29))
	}
	balance := part("Bal", 1, part("Tp", 1, part("CdOrPrtry", 1, leaf("Cd", 1, 4))), leaf("Amt", 1, 19), leaf("CdtDbtInd", 1, 4), day("Dt", 1))
	parties := part("RltdPties", 0, party("Dbtr"), account("DbtrAcct", 0), party("Cdtr"), account("CdtrAcct", 0))
	details := part("TxDtls", 0, part("Refs", 0, leaf("EndToEndId", 0, 35)), leaf("Amt", 0, 19), leaf("CdtDbtInd", 0, 4), parties,
		part("RmtInf", 0, leaf("Ustrd", 0, 140)))
	entry := part("Ntry", 0, leaf("NtryRef", 0, 35), leaf("Amt", 1, 19), leaf("CdtDbtInd", 1, 4), leaf("RvslInd", 0, 5), part("Sts", 1, leaf("Cd", 1, 4)),
		day("BookgDt", 0), day("ValDt", 0), leaf("AcctSvcrRef", 0, 35), part("BkTxCd", 1, part("Prtry", 0, leaf("Cd", 1, 35))),
		part("NtryDtls", 0, many(details, 0)), leaf("AddtlNtryInf", 0, 500))
	return part("Document", 1, part(root, 1, part("GrpHdr", 1, leaf("MsgId", 1, 35), leaf("CreDtTm", 1, 29)),
		many(part(statement, 1, leaf("Id", 1, 35), leaf("ElctrncSeqNb", 0, 18), leaf("CreDtTm", 0, 29), part("FrToDt", 0, leaf("FrDtTm", 1, 25), leaf("ToDtTm", 1, 25)),
			account("Acct", 1, leaf("Ccy", 0, 3), part("Ownr", 0, leaf("Nm", 0, 140))), many(balance, 1),
			part("TxsSummry", 0, part("TtlNtries", 0, leaf("NbOfNtries", 0, 15), leaf("Sum", 0, 19))), many(entry, 0)), 1)))
}

// The message has the structure and cardinality of its version; who has ISO's
// schema has it validated too.
func TestStructure(t *testing.T) {
	for _, v := range []struct {
		kind                     bankfiles.StatementKind
		root, statement, version string
	}{{bankfiles.EndOfDay, "BkToCstmrStmt", "Stmt", "camt.053.001.08"}, {bankfiles.Intraday, "BkToCstmrAcctRpt", "Rpt", "camt.052.001.08"}} {
		bare := sample(v.kind)
		for i := range bare.Statements {
			c := &bare.Statements[i]
			c.Head.Name, c.Head.Number = "", ""
			for j := range c.Entries {
				e := &c.Entries[j]
				e.BankRef, e.EntryRef, e.EndToEndID, e.Code, e.CounterpartyName, e.CounterpartyAccount, e.Remark = "", "", "", "", "", "", ""
			}
		}
		for name, doc := range map[string]camt.Document{"full": sample(v.kind), "without what is optional": bare} {
			var b bytes.Buffer
			if err := camt.Write(&b, doc); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(b.String(), `xmlns="urn:iso:std:iso:20022:tech:xsd:`+v.version+`"`) {
				t.Errorf("%s: no namespace", v.version)
			}
			for _, wrong := range xsdtest.Check(b.Bytes(), structure(v.root, v.statement)) {
				t.Errorf("%s, %s: %s", v.version, name, wrong)
			}
			skip, err := xsdtest.Validate(os.Getenv("XSD_DIR"), v.version, b.Bytes())
			if err != nil {
				t.Errorf("%s, %s: %v", v.version, name, err)
			}
			if skip != "" {
				t.Log(skip)
			}
		}
	}
	if len(xsdtest.Check([]byte("<Document><BkToCstmrStmt><Stmt/></BkToCstmrStmt></Document>"), structure("BkToCstmrStmt", "Stmt"))) < 4 {
		t.Error("an empty statement has the structure")
	}
}
