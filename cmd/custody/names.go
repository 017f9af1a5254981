package main

import (
	"errors"
	"fmt"
	"strings"

	"custody/clearing"
	"custody/clearing/approval"
	"custody/clearing/payout"
	"custody/internal/fault"
	"custody/internal/lang"
	"custody/internal/money"
	"custody/subaccounts"
)

// names are what people call the values of the books that no document prints;
// the names of the others are the texts doc.LIST.VALUE of the documents.
var names = map[string]map[string]string{
	"state": {string(notBegunState): "cli.day.pending"},
	"step":  stepTitles,
	"batch": {
		payout.BatchDraft: "cli.batch.draft", payout.BatchChecked: "cli.batch.checked", payout.BatchApproved: "cli.batch.approved",
		payout.BatchRejected: "cli.batch.rejected", payout.BatchSent: "cli.batch.sent", payout.BatchAnswered: "cli.batch.answered",
		payout.BatchReconciled: "cli.batch.reconciled", payout.BatchExpired: "cli.batch.expired",
		payout.BatchRefused: "cli.batch.refused",
	},
	"binding": {
		subaccounts.BindingPending: "cli.binding.pending", subaccounts.BindingVerified: "cli.binding.verified",
		subaccounts.BindingBlocked: "cli.binding.blocked", subaccounts.BindingUnbound: "cli.binding.unbound",
	},
	"approval": {
		string(approval.Pending): "cli.approval.pending", string(approval.Approved): "cli.approval.approved", string(approval.Rejected): "cli.approval.rejected",
	},
	"payment_kind": {
		string(payout.Settlement): "cli.payment.settlement", string(payout.Withdrawal): "cli.payment.withdrawal", string(payout.HeadOffice): "cli.payment.headoffice",
		string(payout.ReturnToPayer): "cli.payment.return", string(payout.RefundByHand): "cli.payment.refund", string(payout.Court): "cli.payment.court",
		string(payout.Micro): "cli.payment.micro",
	},
	"order_state": {
		string(payout.OrderApplied): "cli.order.applied", string(payout.Batched): "cli.order.batched",
		string(payout.Ended): "cli.order.ended", string(payout.OrderCancelled): "cli.order.cancelled",
	},
	"rail":          {"OWN": "cli.rail.own", "SIB": "cli.rail.sib", "BEP": "cli.rail.bep", "HVP": "cli.rail.hvp"},
	"legal_kind":    {subaccounts.Company: "cli.legal.company", subaccounts.Person: "cli.legal.person"},
	"approval_kind": {"batch-authorise": "cli.approval.authorise", "headoffice": "cli.approval.headoffice", "batch": "cli.approval.batch", "binding": "cli.approval.binding", "exception": "cli.approval.exception", "rule": "cli.approval.rule", "waiver": "cli.approval.waiver", "match-undo": "cli.approval.match-undo", "reopen": "cli.approval.reopen", "escrow-verdict": "cli.approval.escrow", "order-key": "cli.approval.order-key", "signed-order": "cli.approval.signed-order", "user": "cli.approval.user"},
	"escrow_state":  escrowStates,
	"order_key":     {"ACTIVE": "cli.orderkey.active", "REVOKED": "cli.orderkey.revoked"},
	"signed_order":  {"APPLIED": "cli.order.applied", "SUBMITTED": "cli.signedorder.submitted", "REFUSED": "cli.signedorder.refused"},
	"user":          {"ACTIVE": "cli.user.active", "DISABLED": "cli.user.disabled"},
	"outbox":        {"PENDING": "cli.outbox.pending", "WRITTEN": "cli.outbox.written"},
	"outbox_kind":   {"payout-file": "cli.outbox.payout", "instruction": "cli.outbox.instruction", "sub-account": "cli.outbox.instruction", "seal": "cli.outbox.seal", "events": "cli.outbox.events"},
	"role": {
		"operator": "cli.role.operator", "maker": "cli.role.maker", "checker": "cli.role.checker",
		"auditor": "cli.role.auditor", "cashier": "cli.role.cashier", "scheduler": "cli.role.scheduler",
	},
	"action": {
		"run": "cli.action.run", "import": "cli.action.import", "make": "cli.action.make",
		"check": "cli.action.check", "read": "cli.action.read", "members": "cli.action.members",
	},
}

// notBegunState is the state of a day that the books do not have yet.
const notBegunState clearing.DayState = "PENDING"

// named returns what people call a value of the books, such as the state of a
// payout; an unknown one stays as it is.
func (a *app) named(list, value string) string {
	if code := names[list][value]; code != "" {
		return a.t(code)
	}
	if code := "doc." + list + "." + value; value != "" && lang.Has(code) {
		return a.t(code)
	}
	return value
}

// allNamed is named for several values that stand between spaces.
func (a *app) allNamed(list, values string) string {
	words := strings.Fields(values)
	for i, w := range words {
		words[i] = a.named(list, w)
	}
	return strings.Join(words, a.t("cli.comma"))
}

// spoken says of which list of names an argument of a fault is; the engine
// hands values on as the books keep them.
var spoken = map[string][]string{
	"approval.decided":        {"", "approval"},
	"batch.resend":            {"", "batch"},
	"batch.state":             {"", "batch"},
	"withdraw.member":         {"", "member_status"},
	"day.state":               {"", "state", "state"},
	"escrow.no_dispute":       {"", "escrow_state"},
	"escrow.state":            {"", "escrow_state"},
	"exception.state":         {"", "exception_state", "exception_state"},
	"exception.template-kind": {"", "kind"},
	"payout.state":            {"", "payout_state", "payout_state"},
	"people.denied":           {"", "action", "role"},
	"run.inputs":              {"step"},
}

// worded returns the faults of an error with their arguments as people read
// them: values of the books by name, and amounts in groups of three digits
// except where a file is at fault, whose own writing is to be found again.
func (a *app) worded(err error) error {
	var list fault.List
	if errors.As(err, &list) {
		said := make(fault.List, len(list))
		for i, f := range list {
			said[i] = a.wordedFault(f)
		}
		return said
	}
	if f := fault.Of(err); f != nil {
		return a.wordedFault(f)
	}
	return err
}

func (a *app) wordedFault(f *fault.Fault) *fault.Fault {
	said := *f
	said.Args = make([]any, len(f.Args))
	for i, arg := range f.Args {
		said.Args[i] = arg
		if amount, ok := arg.(money.Amount); ok && f.File == "" {
			said.Args[i] = amount.Grouped()
		}
		if lists := spoken[f.Code]; i < len(lists) && lists[i] != "" {
			said.Args[i] = a.allNamed(lists[i], fmt.Sprint(arg))
		}
	}
	return &said
}

// noun is something that is counted, in one and in several.
type noun struct{ one, more string }

var (
	countDays     = noun{"cli.count.day", "cli.count.days"}
	countEntries  = noun{"cli.count.entry", "cli.count.entries"}
	countMembers  = noun{"cli.count.member", "cli.count.members"}
	countOrders   = noun{"cli.count.order", "cli.count.orders"}
	countPayouts  = noun{"cli.count.payout", "cli.count.payouts"}
	countProblems = noun{"cli.count.problem", "cli.count.problems"}
	countRows     = noun{"cli.count.row", "cli.count.rows"}
	countVouchers = noun{"cli.count.voucher", "cli.count.vouchers"}
)

// count says how many there are of a thing.
func (a *app) count(n int, of noun) string {
	if n == 1 {
		return a.t(of.one, n)
	}
	return a.t(of.more, n)
}

// grouped writes a decimal number, of any scale, in groups of three digits.
func grouped(s string) string {
	digits := strings.TrimLeft(s, "+-")
	sign := s[:len(s)-len(digits)]
	whole, rest, point := strings.Cut(digits, ".")
	var b strings.Builder
	for i, d := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	if point {
		b.WriteString("." + rest)
	}
	return sign + b.String()
}
