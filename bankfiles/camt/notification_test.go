package camt_test

import (
	"fmt"
	"testing"

	"custody/bankfiles"
)

// TestNotifications: camt.054 tells of single entries and has no balances, in
// every version and without a namespace.
func TestNotifications(t *testing.T) {
	const inside = "<BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>M</MsgId></GrpHdr><Ntfctn><Id>N1</Id><ElctrncSeqNb>5</ElctrncSeqNb>" +
		"<Acct><Id><IBAN>CH001</IBAN></Id><Ccy>CHF</Ccy></Acct>" +
		"<TxsSummry><TtlNtries><NbOfNtries>2</NbOfNtries></TtlNtries></TxsSummry>" +
		"<Ntry><Amt Ccy='CHF'>5.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-02-13</Dt></BookgDt>" +
		"<NtryDtls><TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>" +
		"<Ntry><Amt Ccy='CHF'>2.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>PDNG</Cd></Sts></Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
	heads := map[string]string{"": "<Document>"}
	for v := 2; v <= 14; v++ {
		version := fmt.Sprintf("camt.054.001.%02d", v)
		heads[version] = "<Document xmlns='urn:iso:std:iso:20022:tech:xsd:" + version + "'>"
	}
	for version, head := range heads {
		got := read(t, head+inside)
		if len(got.heads) != 1 {
			t.Fatalf("%s: got %+v", version, got.heads)
		}
		st := got.heads[0]
		if st.Format != "camt.054" || st.Version != version || st.Kind != bankfiles.Intraday || st.Account != "CH001" || st.Number != "5" ||
			st.Opening != nil || st.Closing != nil || st.Balanced != nil || st.Entries != 2 || st.Sum.String() != "5.00" {
			t.Errorf("%s: got %+v", version, st)
		}
		if e := got.entries[0]; e[0].EndToEndID != "E1" || e[1].Status != bankfiles.Pending || e[1].Amount.String() != "-2.00" {
			t.Errorf("%s: got %+v", version, e)
		}
	}
}
