package clearing

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"custody/bankfiles"
	"custody/bankfiles/inspect"
	"custody/bankfiles/profile"
	"custody/internal/fault"
)

// maxProfiles bounds the folder profiles/: a profile for each export of each
// bank and channel is 30.
const maxProfiles = 200

// maxProfileBytes is more than a profile may have, so that [profile.Parse]
// refuses what is too long.
const maxProfileBytes = 1 << 20

// HomeProfiles reads the profiles (档案) that the users of a home wrote:
// profiles/*.yaml, by name. One that does not hold is an error with its file.
// A home without the folder has none.
func HomeProfiles(home string) ([]*profile.Profile, error) {
	paths, err := filepath.Glob(filepath.Join(home, "profiles", "*.yaml"))
	if err != nil {
		return nil, err
	}
	if len(paths) > maxProfiles {
		return nil, fault.Invalid("profile.folder", len(paths), maxProfiles)
	}
	slices.Sort(paths)
	var list []*profile.Profile
	from := map[string]string{}
	for _, path := range paths {
		p, err := readProfile(path)
		if err != nil {
			return nil, err
		}
		if other, twice := from[p.Name]; twice {
			return nil, fault.Invalid("profile.name-again", other).In(filepath.Base(path)).On("name", p.Name)
		}
		from[p.Name] = filepath.Base(path)
		list = append(list, p)
	}
	return list, nil
}

func readProfile(path string) (*profile.Profile, error) {
	name := filepath.Base(path)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Invalid("file.read", name).In(name).Because(err)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxProfileBytes))
	if err != nil {
		return nil, err
	}
	return profile.Parse(name, raw)
}

// profiles are those of the home and, for names that it does not use, the ones
// of the program.
func (e *Engine) profiles() ([]*profile.Profile, error) {
	list, err := HomeProfiles(e.Home)
	if err != nil {
		return nil, err
	}
	own := map[string]bool{}
	for _, p := range list {
		own[p.Name] = true
	}
	for _, p := range profile.Shipped() {
		if !own[p.Name] {
			list = append(list, p)
		}
	}
	return list, nil
}

// profileNamed returns the profile of a format profile:<name>.
func (e *Engine) profileNamed(format string) (*profile.Profile, error) {
	list, err := e.profiles()
	if err != nil {
		return nil, err
	}
	name := strings.TrimPrefix(format, profile.Prefix)
	for _, p := range list {
		if p.Name == name {
			return p, nil
		}
	}
	return nil, fault.Invalid("profile.unknown").On("profile", name)
}

func isProfile(f inspect.Format) bool { return strings.HasPrefix(string(f), profile.Prefix) }

// formatOf tells what a file is by its first bytes. Tables that no format of ours
// explains are told by the profiles, and where several fit equally by the one
// that custody.yaml names (files.statement_profile).
func (e *Engine) formatOf(name string, head []byte) (inspect.Format, error) {
	format := inspect.Detect(head)
	if format != inspect.Unknown && !isProfile(format) {
		return format, nil
	}
	if profile.IsWorkbook(head) {
		return workbook, nil
	}
	list, err := e.profiles()
	if err != nil {
		return "", err
	}
	p, err := profile.Detect(head, list)
	switch {
	case p != nil:
		return inspect.Format(profile.Prefix + p.Name), nil
	case err != nil:
		return e.unlessNamed(name, err)
	}
	return inspect.Unknown, nil
}

// unlessNamed settles what several profiles fit.
func (e *Engine) unlessNamed(name string, err error) (inspect.Format, error) {
	if fault.CodeOf(err) == "profile.ambiguous" && e.Config.Files.StatementProfile != "" {
		return inspect.Format(profile.Prefix + e.Config.Files.StatementProfile), nil
	}
	if f := fault.Of(err); f != nil {
		return "", f.In(name)
	}
	return "", err
}

// workbook is a spreadsheet, which shows its columns only when it is read.
const workbook inspect.Format = "workbook"

// ofWorkbook finds the profile of a spreadsheet by reading it.
func (e *Engine) ofWorkbook(a *arrival) (inspect.Format, error) {
	list, err := e.profiles()
	if err != nil {
		return "", err
	}
	src, err := a.open()
	if err != nil {
		return "", err
	}
	defer src.Close()
	var h head
	if err := profile.Read(a.name, src, list, &h); err != nil {
		return e.unlessNamed(a.name, err)
	}
	return inspect.Format(h.Format), nil
}

// head keeps the head of the last statement of a file.
type head struct{ bankfiles.Statement }

func (h *head) Open(*bankfiles.Statement) error       { return nil }
func (h *head) Entry(*bankfiles.StatementEntry) error { return nil }
func (h *head) Close(s *bankfiles.Statement) error    { h.Statement = *s; return nil }
