package clearing_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"custody/bankfiles"
	"custody/bankfiles/payfile"
	"custody/clearing"
	"custody/internal/fault"
	"custody/subaccounts"
)

// instructionFiles returns the names of the instruction files in outbox/.
func (b *workedBooks) instructionFiles() []string {
	b.t.Helper()
	paths, err := filepath.Glob(filepath.Join(b.home, "outbox", "SI*"))
	if err != nil {
		b.t.Fatal(err)
	}
	names := []string{}
	for _, p := range paths {
		names = append(names, filepath.Base(p))
	}
	return names
}

func (b *workedBooks) instructionBytes(name string) []byte {
	b.t.Helper()
	raw, err := os.ReadFile(filepath.Join(b.home, "outbox", name))
	if err != nil {
		b.t.Fatal(err)
	}
	return raw
}

// effects returns subject, file and state of the instructions in the outbox.
func (b *workedBooks) effects() []string {
	b.t.Helper()
	all, err := b.engine.Outbox(b.ctx, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	list := []string{}
	for _, x := range all {
		if x.Kind == "instruction" {
			list = append(list, x.Subject+" "+x.FileName+" "+x.State)
		}
	}
	return list
}

// TestInstructions: each decision of the worked days that changes a member's
// sub-account is told to the bank once, dated the day that takes it.
func TestInstructions(t *testing.T) {
	b := newWorkedBooks(t)
	b.playWorkedDays()
	want := map[string]bankfiles.InstructionItem{
		"W6":             {Kind: bankfiles.InstructAdopt, Member: "B", Amount: 30000, Channel: "WX", ClearingDate: day("2026-02-13"), OrderNo: "W6"},
		"K1202":          {Kind: bankfiles.InstructClaim, Member: "B", Amount: 30000},
		"20260213010003": {Kind: bankfiles.InstructReturn, Member: "C", Amount: 9240}, // 91.40 and the fee of 1.00
	}
	dates := map[string]string{"W6": "2026-02-14", "K1202": "2026-02-14", "20260213010003": "2026-02-24"}
	names := b.instructionFiles()
	if len(names) != len(want) {
		t.Fatalf("files %q", names)
	}
	for _, name := range names {
		f, err := payfile.ReadInstruct(name, bytes.NewReader(b.instructionBytes(name)))
		if err != nil || len(f.Items) != 1 {
			t.Fatalf("%s: %+v, %v", name, f, err)
		}
		it := want[f.Items[0].Reference]
		it.Seq, it.Reference = 1, f.Items[0].Reference
		if diff := cmp.Diff(it, f.Items[0]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if date := day(dates[it.Reference]); f.Date != date || name != f.No+".txt" || f.Maker != "maker1" || f.Checker != "checker1" {
			t.Errorf("%s: %+v", name, f)
		}
		view, err := b.engine.Day(b.ctx, f.Date)
		if err != nil || !slices.Contains(view.FilesOut, "outbox/"+name) {
			t.Errorf("%s is not among the files of %s: %q, %v", name, f.Date, view.FilesOut, err)
		}
	}
}

// TestInstructionOfRejected: a handling that a checker rejects tells the bank
// nothing; the one that is approved after it is told under its own approval.
func TestInstructionOfRejected(t *testing.T) {
	s := newScene(t)
	s.first()
	x := s.exception("UNKNOWN_PAYER", "K1202")
	for _, step := range []struct {
		member  string
		approve bool
		want    []string
	}{
		{"A", false, []string{}},
		{"B", true, []string{x.ID + "@2 SI20260213-" + x.ID + ".txt WRITTEN"}},
	} {
		p, err := s.engine.Propose(s.ctx, "maker1", x.ID, clearing.Handling{Template: "claim", Member: step.member})
		if err != nil {
			t.Fatal(err)
		}
		if step.approve {
			s.approve(p.ApprovalID)
		} else if _, err := s.engine.Reject(s.ctx, "checker1", p.ApprovalID, "not his"); err != nil {
			t.Fatal(err)
		}
		wantList(t, "outbox", s.effects(), step.want)
		if n := len(s.instructionFiles()); n != len(step.want) {
			t.Errorf("%d files after %v", n, step)
		}
	}
}

// TestInstructionAfterCrash: a process that ends between commit and file leaves
// the decision booked and the file owed; whatever comes next, a run or an
// approval, writes the bytes that an undisturbed home has.
func TestInstructionAfterCrash(t *testing.T) {
	calm := newScene(t)
	calm.first()
	name := "SI20260213-" + calm.exception("UNKNOWN_PAYER", "K1202").ID + ".txt"
	calm.handle("K1202", clearing.Handling{Template: "claim", Member: "B"})
	want := calm.instructionBytes(name)

	for how, next := range map[string]func(*scene){
		"the next run": func(s *scene) { s.play("2026-02-13", waiting) },
		"the next approval": func(s *scene) {
			id, err := s.engine.Bind(s.ctx, "maker1", subaccounts.Binding{Member: "C", AccountNo: "6222000000000033", AccountName: "加盟商丙",
				BankName: "示例银行", CNAPS: "102100000030"})
			if err != nil {
				t.Fatal(err)
			}
			s.approve(id)
		},
	} {
		t.Run(how, func(t *testing.T) {
			s := newScene(t)
			s.first()
			p, err := s.engine.Propose(s.ctx, "maker1", s.exception("UNKNOWN_PAYER", "K1202").ID, clearing.Handling{Template: "claim", Member: "B"})
			if err != nil {
				t.Fatal(err)
			}
			s.withoutOutbox(func() {
				if _, err := s.engine.Approve(s.ctx, "checker1", p.ApprovalID); fault.CodeOf(err) != "instruction.unwritten" {
					t.Errorf("approve: %v", err)
				}
			})
			wantList(t, "after the crash", s.effects(), []string{p.ApprovalID + " " + name + " PENDING"})
			s.want(map[string]string{"2001.B": "300.00"}) // the decision stands
			next(s)
			wantList(t, "afterwards", s.effects(), []string{p.ApprovalID + " " + name + " WRITTEN"})
			if got := s.instructionBytes(name); !bytes.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestInstructionChanged: bytes that are not those recorded are not sent.
func TestInstructionChanged(t *testing.T) {
	s := newScene(t)
	s.first()
	s.withoutOutbox(func() {
		p, err := s.engine.Propose(s.ctx, "maker1", s.exception("UNKNOWN_PAYER", "K1202").ID, clearing.Handling{Template: "claim", Member: "B"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.engine.Approve(s.ctx, "checker1", p.ApprovalID); err == nil {
			t.Fatal("written without a folder")
		}
	})
	s.exec("UPDATE exceptions SET subject = 'K9999' WHERE subject = 'K1202'")
	_, err := s.engine.Run(s.ctx, clearing.RunRequest{Date: day("2026-02-13"), Actor: "maker1"})
	if fault.CodeOf(err) != "outbox.changed" || fault.ExitCode(err) != int(fault.Books) {
		t.Errorf("run: %v", err)
	}
	if names := s.instructionFiles(); len(names) != 0 {
		t.Errorf("written: %q", names)
	}
}

// withoutOutbox runs fn while a file stands where outbox/ should be.
func (s *scene) withoutOutbox(fn func()) {
	s.t.Helper()
	path := filepath.Join(s.home, "outbox")
	if err := os.Rename(path, path+".away"); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		s.t.Fatal(err)
	}
	fn()
	if err := os.Remove(path); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(path+".away", path); err != nil {
		s.t.Fatal(err)
	}
}
