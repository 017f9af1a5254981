package camt_test

import "testing"

// TestDetails: the entry moves the money; what its transactions say of amounts is
// information, and references are taken only where one transaction is the entry.
func TestDetails(t *testing.T) {
	tx := func(amount, ref string) string {
		return "<TxDtls><Refs><EndToEndId>" + ref + "</EndToEndId></Refs><Amt Ccy='CNY'>" + amount + "</Amt></TxDtls>"
	}
	dtls := func(inside string) string { return "<NtryDtls>" + inside + "</NtryDtls>" }
	for _, test := range []struct{ name, more, ref string }{
		{"one transaction", dtls(tx("5.00", "E1")), "E1"},
		{"one transaction of another amount, less charges", dtls(tx("6.00", "E1")), "E1"},
		{"no details", "", ""},
		{"empty details", dtls(""), ""},
		{"details without a reference", dtls("<TxDtls/>"), ""},
		{"a batch", dtls(tx("2.00", "E1") + tx("3.00", "E2")), ""},
		{"a batch that does not add up to its entry", dtls(tx("2.00", "E1") + tx("2.50", "E2")), ""},
		{"several NtryDtls with one transaction each", dtls(tx("2.00", "E1")) + dtls(tx("3.00", "E2")), ""},
		{"an amount in another currency", dtls("<TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs><AmtDtls><TxAmt><Amt Ccy='USD'>0.70</Amt></TxAmt></AmtDtls></TxDtls>"), "E1"},
		{"amounts of the entry in another currency", "<AmtDtls><InstdAmt><Amt Ccy='USD'>0.70</Amt></InstdAmt></AmtDtls>" + dtls(tx("5.00", "E1")), "E1"},
	} {
		got := read(t, xmlOf(bal("OPBD", "1.00")+bal("CLBD", "6.00")+ntry("5.00", "CRDT", test.more)))
		if e := got.entries[0]; len(e) != 1 || e[0].Amount != cny("5.00") || e[0].EndToEndID != test.ref || !*got.heads[0].Balanced {
			t.Errorf("%s: got %+v", test.name, e)
		}
	}
}
