package clearing_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"custody/internal/fault"
	"custody/subaccounts"
)

// TestMistypedBankNumber: a bank number with a wrong check digit is refused where
// an account is bound and where members are imported, with its line, and neither
// the binding nor the member stays.
func TestMistypedBankNumber(t *testing.T) {
	b := newWorkedBooks(t)
	bad := subaccounts.Binding{Member: "B", AccountNo: "6222000000000022", AccountName: "加盟商乙", BankName: "示例银行", CNAPS: "102100000031"}
	if _, err := b.engine.Bind(b.ctx, "maker1", bad); fault.CodeOf(err) != "identity.cnaps_check" {
		t.Errorf("binding: %v", err)
	}
	head, _, _ := strings.Cut(workedMembers, "\n")
	path := filepath.Join(t.TempDir(), "new.csv")
	row := "Z,新店,FRANCHISEE,,6222000000000023,新店,示例银行,102100000031\n"
	if err := os.WriteFile(path, []byte(head+"\n"+row), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := b.engine.ImportMembers(b.ctx, "maker1", path)
	if f := fault.Of(err); f == nil || f.Code != "identity.cnaps_check" || f.Line != 2 || f.File != "new.csv" {
		t.Errorf("import: %v", err)
	}
	members, err := b.engine.Members(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		if m.Code == "Z" {
			t.Error("the member stays without its account")
		}
	}
}
