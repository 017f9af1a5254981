package inspect

import (
	"io"

	"custody/bankfiles/instruct"
	"custody/bankfiles/lines"
)

// The instructions to banks and their results.
const (
	Pain001   Format = instruct.Pain001   // instruction (付款指令)
	Pain002   Format = instruct.Pain002   // status report (指令状态)
	ICBCQuery Format = instruct.ICBCQuery // QPAYENT
	CMBQuery  Format = instruct.CMBQuery  // DCPAYMNT, NTQPAYRQZ
	CMBResult Format = instruct.CMBResult // BB1QRYBT, BB1QRYBD
	ICBCPay   Format = instruct.ICBCPay   // PAYENT
	CMBBatch  Format = instruct.CMBBatch  // BB1PAYBH

	// Statements of the same interfaces.
	ICBCStatement Format = instruct.ICBCStatement // QHISD, QPD
	CMBStatement  Format = instruct.CMBStatement  // GetTransInfo
	CMBUnits      Format = instruct.CMBUnits      // NTDMTLST, NTDMTHLS, NTDMABAL
	CMBBreakpoint Format = instruct.CMBBreakpoint // ntqactrsz2
)

var instructFormats = []format{
	{Pain001, isInstruct(Pain001), reportPain001},
	{Pain002, isInstruct(Pain002), reportBankAnswer(instruct.ReadPain002, utf8Name)},
	{ICBCQuery, isInstruct(ICBCQuery), reportBankAnswer(instruct.ReadICBC, lines.GB18030)},
	{CMBQuery, isInstruct(CMBQuery), reportBankAnswer(instruct.ReadCMBQuery, lines.GB18030)},
	{CMBResult, isInstruct(CMBResult), reportBankAnswer(instruct.ReadCMBBatch, utf8Name)},
	{ICBCPay, isInstruct(ICBCPay), reportRequest(instruct.ReadICBCBatch, lines.GB18030)},
	{CMBBatch, isInstruct(CMBBatch), reportRequest(instruct.ReadCMBRequest, utf8Name)},
	{ICBCStatement, isInstruct(ICBCStatement), reportStatements(instruct.ReadICBCStatement)},
	{CMBStatement, isInstruct(CMBStatement), reportStatements(instruct.ReadCMBStatement)},
	{CMBUnits, isInstruct(CMBUnits), reportStatements(instruct.ReadCMBUnits)},
	{CMBBreakpoint, isInstruct(CMBBreakpoint), reportStatements(instruct.ReadCMBUnits)},
}

// reportRequest: what goes to the bank carries its count, and ICBC's its total.
func reportRequest(read func(string, io.Reader) (*instruct.Batch, error), encoding string) func(*file) error {
	return func(f *file) error {
		f.Encoding = encoding
		b, err := read(f.File, f.src)
		if err == nil {
			f.Rows = len(b.Items)
			f.agree(true)
		}
		return err
	}
}

func isInstruct(name Format) func([]byte) bool {
	return func(head []byte) bool {
		return len(head) > 0 && (head[0] == '<' || head[0] == '{' || head[0] == '[') && instruct.Detect(head) == string(name)
	}
}

func reportPain001(f *file) error {
	f.Encoding = utf8Name
	batches, err := instruct.ReadPain001(f.File, f.src)
	for _, b := range batches {
		f.Rows += len(b.Transfers)
	}
	if err == nil {
		f.agree(true)
	}
	return err
}

// reportBankAnswer: an answer carries no totals. encoding is the one that the
// bank writes; the reader follows what the file declares.
func reportBankAnswer(read func(string, io.Reader) (*instruct.Report, error), encoding string) func(*file) error {
	return func(f *file) error {
		f.Encoding = encoding
		r, err := read(f.File, f.src)
		if err == nil {
			f.Rows = len(r.Items)
		}
		return err
	}
}
