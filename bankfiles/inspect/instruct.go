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
)

var instructFormats = []format{
	{Pain001, isInstruct(Pain001), reportPain001},
	{Pain002, isInstruct(Pain002), reportBankAnswer(instruct.ReadPain002, utf8Name)},
	{ICBCQuery, isInstruct(ICBCQuery), reportBankAnswer(instruct.ReadICBC, lines.GB18030)},
	{CMBQuery, isInstruct(CMBQuery), reportBankAnswer(instruct.ReadCMBQuery, lines.GB18030)},
	{CMBResult, isInstruct(CMBResult), reportBankAnswer(instruct.ReadCMBBatch, utf8Name)},
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
