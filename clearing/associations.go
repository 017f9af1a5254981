package clearing

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"custody/internal/bizdate"
	"custody/internal/fault"
	"custody/internal/store"
	"custody/subaccounts"
)

// Association says whose money a payer sends (付款人关联): by the payer's account,
// or by its name where the bank gives no account. Two people decide it once;
// from then on a credit of that payer is booked to the member at once (E9a)
// instead of waiting in suspense (E9b).
type Association struct {
	Account   string       `json:"payer_account,omitempty"`
	Name      string       `json:"payer_name,omitempty"`
	Member    string       `json:"member"` // empty: the association ends
	Effective bizdate.Date `json:"effective"`
	Approval  string       `json:"approval"`
}

// associationContent is what the parameter holds.
type associationContent struct {
	Member string `json:"member"`
}

// The subjects of associations.
const (
	byAccount = "account:"
	byName    = "name:"
)

func (a Association) subject() string {
	if a.Account != "" {
		return byAccount + a.Account
	}
	return byName + a.Name
}

// payerMax bounds a payer's account or name, in bytes: 40 characters of Chinese,
// what banks print.
const payerMax = 120

// Associate submits an association, or its end where the member is empty. It
// needs an account or a name, not both, which is no channel's and not head
// office's: association.payer. An unknown member is member.unknown.
func (e *Engine) Associate(ctx context.Context, actor string, a Association) (string, error) {
	a.Account, a.Name = strings.TrimSpace(a.Account), strings.TrimSpace(a.Name)
	own := a.Account != "" && (a.Account == e.Config.Corporate.Account || a.Account == e.Config.Account)
	channel := e.work(0, actor, nil).payer(bankLine{Name: a.Name}) != ""
	if (a.Account == "") == (a.Name == "") || len(a.subject()) > payerMax || strings.ContainsAny(a.subject(), "|\n\r\t") || own || a.Name != "" && channel {
		return "", fault.Invalid("association.payer").On("payer", Mask(a.Account)+a.Name)
	}
	raw, err := json.Marshal(associationContent{a.Member})
	if err != nil {
		return "", err
	}
	p := Parameter{Kind: parameterPayer, Subject: a.subject(), Effective: a.Effective, Content: raw}
	return e.askParameter(ctx, actor, strings.TrimSuffix("payer-"+a.Member, "-"), p, func(ctx context.Context, tx *store.Tx) error {
		if a.Member == "" {
			return nil
		}
		return needMember(ctx, e.work(0, actor, nil), tx, a.Member, "")
	})
}

// Associations returns what holds now, accounts first.
func (e *Engine) Associations(ctx context.Context) ([]Association, error) {
	list := []Association{}
	err := e.readOnly(ctx, func(tx *store.Tx) error {
		date, err := e.work(0, "", nil).today(ctx, tx)
		if err != nil {
			return err
		}
		held, err := e.parameters(ctx, tx, parameterPayer, date)
		for subject, r := range held {
			var c associationContent
			if err := json.Unmarshal([]byte(r.Content), &c); err != nil {
				return err
			}
			a := Association{Member: c.Member, Effective: r.Effective, Approval: r.Approval}
			var account bool
			if a.Account, account = strings.CutPrefix(subject, byAccount); !account {
				a.Account, a.Name = "", strings.TrimPrefix(subject, byName)
			}
			if a.Member != "" {
				list = append(list, a)
			}
		}
		return err
	})
	slices.SortFunc(list, func(a, b Association) int { return strings.Compare(a.subject(), b.subject()) })
	return list, err
}

// associated returns the member whose money a line brings by an association, and
// the approval that says so; "" where there is none, or the member is closed.
func (w *Work) associated(ctx context.Context, tx *store.Tx, line bankLine) (member, approvalID string, err error) {
	held, err := w.parameters(ctx, tx, parameterPayer, line.Booked)
	if err != nil || len(held) == 0 {
		return "", "", err
	}
	r, found := held[byAccount+line.Account]
	if !found || line.Account == "" {
		r, found = held[byName+strings.TrimSpace(line.Name)]
	}
	if !found {
		return "", "", nil
	}
	var c associationContent
	if err := json.Unmarshal([]byte(r.Content), &c); err != nil || c.Member == "" {
		return "", "", err
	}
	m, found, err := w.Book.GetMember(ctx, tx, c.Member)
	if !found || m.Status == subaccounts.StatusClosed {
		return "", "", err
	}
	return c.Member, r.Approval, err
}

// receiveFor books a line to the member of an association. The bank's own list
// of the day cannot know of it: it is told with the next day's instructions, and
// until then R8 leaves the amount out.
func (w *Work) receiveFor(ctx context.Context, tx *store.Tx, line bankLine, date bizdate.Date, member, approvalID string) error {
	j := w.journal(tx, date, w.lineSource(line)+", approval "+approvalID)
	if err := j.Members().TopUpFor(ctx, line.reference(), member, line.Amount); err != nil {
		return err
	}
	v, found, err := w.Book.VoucherByReference(ctx, tx, eventTopUp, line.reference())
	if err != nil || !found {
		return firstErr(err, fault.Broken("action.unposted", line.reference()))
	}
	return firstErr(w.tellLater(ctx, tx, v), w.matchLine(ctx, tx, line.ID, useMember, eventTopUp+":"+line.reference(), date))
}
