package inspect

import (
	"bytes"
	"io"

	"custody/bankfiles/custodyfiles"
)

// custodyFormats are the files of a custody bank; sample layouts, see there.
var custodyFormats = func() (table []format) {
	for name, read := range map[Format]func(string, io.Reader) (custodyfiles.Summary, error){
		custodyfiles.CZ: func(name string, src io.Reader) (custodyfiles.Summary, error) {
			return custodyfiles.ReadMovements(name, src, custodyfiles.CZ, custodyfiles.Options{}, nil)
		},
		custodyfiles.TX: func(name string, src io.Reader) (custodyfiles.Summary, error) {
			return custodyfiles.ReadMovements(name, src, custodyfiles.TX, custodyfiles.Options{}, nil)
		},
		custodyfiles.JY:         custody(custodyfiles.ReadTransfers),
		custodyfiles.YE:         custody(custodyfiles.ReadBalances),
		custodyfiles.KXH:        custody(custodyfiles.ReadOpenings),
		custodyfiles.CRJ:        custody(custodyfiles.ReadCash),
		custodyfiles.CustDz:     custody(custodyfiles.ReadChecks),
		custodyfiles.CustDzFail: custody(custodyfiles.ReadDifferences),
		custodyfiles.HTBalance:  headed(custodyfiles.ReadHTBalances),
		custodyfiles.HTSettle:   headed(custodyfiles.ReadSplits),
		custodyfiles.TieOuts:    headed(custodyfiles.ReadTieOut),
		custodyfiles.Order616:   headed(custodyfiles.ReadOrders),
		custodyfiles.Result616:  headed(custodyfiles.ReadOrderResults),
	} {
		// No two of them match one file, so that their order does not matter.
		table = append(table, format{name, isCustody(name), reportCustody(read)})
	}
	return table
}()

func isCustody(name Format) func([]byte) bool {
	return func(head []byte) bool {
		return bytes.ContainsAny(head[:min(len(head), longestAnswer)], "&|\u0003") && custodyfiles.Detect(head) == string(name)
	}
}

// custody reads a file whose count may lie in a companion, which is not here.
func custody[Row any](read func(string, io.Reader, custodyfiles.Options, func(*Row) error) (custodyfiles.Summary, error)) func(string, io.Reader) (custodyfiles.Summary, error) {
	return func(name string, src io.Reader) (custodyfiles.Summary, error) {
		return read(name, src, custodyfiles.Options{}, nil)
	}
}

// headed reads a file that carries its own count.
func headed[Row any](read func(string, io.Reader, func(*Row) error) (custodyfiles.Summary, error)) func(string, io.Reader) (custodyfiles.Summary, error) {
	return func(name string, src io.Reader) (custodyfiles.Summary, error) { return read(name, src, nil) }
}

func reportCustody(read func(string, io.Reader) (custodyfiles.Summary, error)) func(*file) error {
	return func(f *file) error {
		sum, err := read(f.File, f.src)
		f.Rows, f.Encoding = sum.Rows, sum.Encoding
		if err == nil && sum.Counted {
			f.agree(true)
		}
		return err
	}
}
