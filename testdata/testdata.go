// Package testdata holds the samples that several packages' tests share; all of
// them are invented. Demo is what `make run` plays.
package testdata

import (
	"embed"
	"io/fs"
)

//go:embed demo/custody.yaml demo/members.csv demo/inbox
var files embed.FS

// Demo is the home of the demonstration before its first day: custody.yaml,
// members.csv and inbox/ with the files of 2026-02-12 to -14 as they came,
// statements, results and balances included.
func Demo() fs.FS {
	demo, err := fs.Sub(files, "demo")
	if err != nil {
		panic(err) // the name is a constant of the embedding above
	}
	return demo
}
