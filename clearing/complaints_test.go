package clearing_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// complaints are what operations people say of other systems, each with the tests
// that answer it: the folder below the module and the function.
var complaints = []struct {
	complaint string
	tests     []string
}{
	{"money taken, order not paid (掉单), and 补单 by hand", []string{"clearing.TestHandlings", "cmd/custody.TestBadDay"}},
	{"one order paid through two channels", []string{"clearing.TestPaidTwice", "cmd/custody.TestBadDay"}},
	{"no state machine of differences", []string{"clearing.TestComplaintDifferenceStates"}},
	{"time-out treated as failure, paid twice", []string{"clearing.TestNoAnswer", "clearing.TestResend"}},
	{"tried again under a new number", []string{"clearing.TestResend"}},
	{"late or absent file skipped in silence", []string{"clearing.TestMissingFiles", "clearing.TestStatementLate", "clearing.TestBillLate"}},
	{"a rerun doubles rows", []string{"clearing.TestAgainAfterEveryStep", "clearing.TestSameBytesAgain"}},
	{"refund rows not reconciled", []string{"clearing/reconcile.TestComplaintRefundRowsAreMatched"}},
	{"cross-day differences come back as errors", []string{"clearing/reconcile.TestComplaintCrossDayDifferenceIsCleared", "clearing.TestWorkedDays"}},
	{"five identical lines", []string{"clearing/reconcile.TestComplaintFiveIdenticalLinesAreToldApart", "clearing.TestTwoEqualLines"}},
	{"legitimate duplicates thrown away", []string{"clearing/reconcile.TestComplaintLegitimateDuplicatesAreKept"}},
	{"wrong merge on amount and week", []string{"clearing/reconcile.TestComplaintNoWrongMergeOnAmountAndWeek"}},
	{"matching dies at a million rows", []string{"clearing/reconcile.BenchmarkTrades", "clearing/matches.TestAMillionSteps"}},
	{"28 digits become 1.23E+27", []string{"statements.TestNumberKeepsEveryDigit", "bankfiles/profile.TestWorkbookCells"}},
	{"GBK files", []string{"bankfiles/profile.TestEncodings"}},
	{"split not rolled back before the refund", []string{"clearing.TestRecoveryOrder", "clearing.TestRefundWhenTheMoneyIsGone"}},
	{"payouts on a make-up Saturday", []string{"clearing.TestWorkedDays", "clearing/calendar.Test2026"}},
	{"the bank's success comes back later (退票)", []string{"clearing.TestReturnedPayout"}},
	{"the bank's file is bad", []string{"clearing.TestBadAnswers", "bankfiles/payfile.TestBadFiles"}},
	{"the balance differs and nobody knows since when", []string{"clearing.TestRollForwardFromTheEntries", "cmd/custody.TestBadDay"}},
	{"everything done in spreadsheets", []string{"clearing.TestStatementsInAnyForm", "statements.TestWorkbookGolden"}},
	{"who changed this", []string{"clearing.TestEveryColumnIsCovered"}},
}

// TestComplaints holds every answer to its name: a test that is renamed or dropped
// leaves its complaint without one.
func TestComplaints(t *testing.T) {
	sources := map[string]string{}
	for _, c := range complaints {
		for _, name := range c.tests {
			folder, function, _ := strings.Cut(name, ".")
			if sources[folder] == "" {
				sources[folder] = testSource(t, folder)
			}
			if !strings.Contains(sources[folder], "\nfunc "+function+"(") {
				t.Errorf("%s: %s has no %s", c.complaint, folder, function)
			}
		}
	}
}

func testSource(t *testing.T, folder string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("..", folder, "*_test.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v", folder, err)
	}
	var all strings.Builder
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(raw)
	}
	return all.String()
}
