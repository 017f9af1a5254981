package clearing

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"custody/internal/atomicfile"
	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
)

// maxInbox bounds how many files one look at the inbox takes up: a year of
// daily files of twenty channels is 8,000.
const maxInbox = 20_000

// takeInbox looks into inbox/ and takes in what the date waits for. A file
// of another day stays where it is; one that does not hold is rejected and
// moved to the vault, and the day goes on waiting for a right one.
func (w *Work) takeInbox(ctx context.Context, kinds ...string) error {
	missing, err := w.missing(ctx, kinds...)
	if err != nil || len(missing) == 0 {
		return err
	}
	entries, err := os.ReadDir(filepath.Join(w.Home, "inbox"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(entries) > maxInbox {
		return fault.Invalid("inbox.size", len(entries), maxInbox)
	}
	for _, entry := range entries {
		name := entry.Name()
		if !entry.Type().IsRegular() || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".part") || atomicfile.IsTemp(name) {
			continue
		}
		if !w.mayConcern(name, missing) {
			continue
		}
		if err := w.takeFromInbox(ctx, name, missing); err != nil {
			return err
		}
	}
	return nil
}

// missing returns the expected files of these kinds that have not come.
func (w *Work) missing(ctx context.Context, kinds ...string) ([]File, error) {
	files, err := w.Files(ctx, w.Date)
	var list []File
	for _, f := range files {
		for _, kind := range kinds {
			if f.Kind == kind && f.State == FileExpected {
				list = append(list, f)
			}
		}
	}
	return list, err
}

// mayConcern is the cheap look: a name that tells only other days cannot be a
// file that is missing.
func (w *Work) mayConcern(name string, missing []File) bool {
	dates := nameDates(name)
	for _, f := range missing {
		if f.Kind == fileResult && strings.Contains(name, f.Source) {
			return true
		}
		for _, d := range dates {
			if d == f.Date {
				return true
			}
		}
		if f.Kind == fileStatement && len(dates) == 2 && dates[0] < f.Date && f.Date < dates[1] {
			return true
		}
	}
	return len(dates) == 0
}

// takeFromInbox keeps one file and, when it is one of the missing, loads it.
// It is removed from the inbox only after its load has committed; a file of no
// concern stays, and its copy goes.
func (w *Work) takeFromInbox(ctx context.Context, name string, missing []File) error {
	path := filepath.Join(w.Home, "inbox", name)
	kept, err := w.keep(path)
	if err != nil {
		return err
	}
	report, err := w.take(ctx, kept, "", false, func(a *arrival) bool { return wanted(a, missing) })
	if err != nil {
		f := fault.Of(err)
		if f == nil || f.Kind != fault.Bad {
			return err
		}
		w.rejected = append(w.rejected, err)
		return os.Remove(path)
	}
	if report == nil {
		return kept.discard()
	}
	return os.Remove(path)
}

func wanted(a *arrival, missing []File) bool {
	for _, f := range missing {
		if f.Kind != a.kind || f.Source != a.source {
			continue
		}
		if f.Date == a.date || slices.ContainsFunc(a.days, func(d statementDay) bool { return d.Date == f.Date }) {
			return true
		}
	}
	return false
}

// stepTakeFiles is the night phase's file arrival (文件到达): it loads what has
// come and waits for the rest; steps that do not need the rest go on.
func (w *Work) stepTakeFiles(ctx context.Context) (Counts, error) {
	kinds := []string{fileOrders, fileStatement, fileBill, fileBalances}
	if err := w.takeInbox(ctx, kinds...); err != nil {
		return Counts{}, err
	}
	missing, err := w.missing(ctx, kinds...)
	if err != nil {
		return Counts{}, err
	}
	var waits waitList
	for _, f := range missing {
		waits = append(waits, fileWait(f))
	}
	all := len(w.Config.Channels) + 2
	if w.Config.Files.Balances {
		all++
	}
	counts := Counts{In: all, Done: all - len(missing), Skipped: len(missing)}
	if len(waits) > 0 {
		return counts, waits
	}
	return w.once(ctx, stepFiles, "", nil, func(*store.Tx) (Counts, error) { return counts, nil })
}

func fileWait(f File) Wait {
	return Wait{Kind: "file", Subject: strings.Join(strings.Fields(f.Kind+" "+shownSource(f)+" "+f.Date.String()), " "), Since: f.Due}
}

func shownSource(f File) string {
	if f.Kind == fileBill || f.Kind == fileResult {
		return f.Source
	}
	return ""
}

// waitList is the error of a step that cannot go on: what it waits for.
type waitList []Wait

// Error is for logs; people see DayView.Waits.
func (l waitList) Error() string {
	parts := make([]string, len(l))
	for i, w := range l {
		parts[i] = w.String()
	}
	return "waits for " + strings.Join(parts, ", ")
}

// String is the form of waits_for: "file bill WX 2026-02-13 since 2026-02-14 10:00".
func (w Wait) String() string {
	return w.Kind + " " + w.Subject + " since " + w.Since.In(bizdate.Zone).Format(waitLayout)
}

const waitLayout = "2006-01-02 15:04"

func waitFor(kind, subject string, since time.Time) waitList {
	return waitList{{Kind: kind, Subject: subject, Since: since}}
}
