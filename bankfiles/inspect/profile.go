package inspect

import (
	"io"

	"custody/bankfiles"
	"custody/bankfiles/profile"
)

// profileFormat tells the export of a bank by the shipped profile that fits it
// best; its name is profile: and the profile's. A workbook shows its columns
// only when it is read, and a file that fits several profiles is refused then.
func profileFormat(head []byte) *format {
	p, err := profile.Detect(head, profile.Shipped())
	switch {
	case p != nil:
		return &format{name: Format(profile.Prefix + p.Name), report: reportStatements(p.Read)}
	case err != nil || profile.IsWorkbook(head):
		return &format{name: Unknown, report: reportStatements(readProfile)}
	}
	return nil
}

func readProfile(name string, src io.Reader, sink bankfiles.StatementSink) error {
	return profile.Read(name, src, profile.Shipped(), sink)
}
