package clearing

import (
	"context"
	"strings"

	"custody/clearing/corporate"
	"custody/clearing/identity"
	"custody/clearing/people"
	"custody/internal/fault"
	"custody/internal/store"
	"custody/subaccounts"
)

// checkBinding refuses a bound account whose bank number is mistyped. An account
// without one is paid by its bank's name alone and is not refused here.
func checkBinding(b subaccounts.Binding) error {
	if b.CNAPS == "" {
		return nil
	}
	return identity.CNAPS(b.CNAPS)
}

// checkOwner refuses an account that cannot be its member's: head office's own,
// one in another name than his legal one, a mistyped card of a person. The check
// digit of cards is never asked of a company: its accounts have none.
func (e *Engine) checkOwner(ctx context.Context, tx *store.Tx, b subaccounts.Binding) error {
	if corporate.Plain(b.AccountNo) == corporate.Plain(e.Config.Corporate.Account) && b.AccountNo != "" {
		return fault.Invalid("payment.corporate", Mask(b.AccountNo)).On("account", Mask(b.AccountNo))
	}
	i, known, err := e.Book.GetIdentity(ctx, tx, b.Member)
	if err != nil || !known {
		return err
	}
	if err := identity.SameName(i.Name, b.AccountName); err != nil {
		return err
	}
	if i.Kind != subaccounts.Person {
		return nil
	}
	err = identity.CardNumber(corporate.Plain(b.AccountNo))
	if f := fault.Of(err); f != nil {
		return f.On("account", Mask(b.AccountNo))
	}
	return err
}

// SetIdentity records who a member is in law (实名), after a look at the check
// digit of the number; the number itself is kept masked.
func (e *Engine) SetIdentity(ctx context.Context, actor string, i subaccounts.Identity) error {
	return e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Members); err != nil {
			return err
		}
		return e.setIdentity(ctx, tx, actor, i)
	})
}

func (e *Engine) setIdentity(ctx context.Context, tx *store.Tx, actor string, i subaccounts.Identity) error {
	i.Kind = strings.ToUpper(i.Kind)
	check := identity.USCC
	if i.Kind == subaccounts.Person {
		check = identity.IDCard
	}
	if err := check(i.Number); err != nil {
		return err
	}
	i.Number = Mask(i.Number)
	return e.Book.SetIdentity(ctx, tx, actor, e.Clock.Now(), i)
}

// Identity returns who a member is in law, and whether it is known.
func (e *Engine) Identity(ctx context.Context, member string) (i subaccounts.Identity, known bool, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		i, known, err = e.Book.GetIdentity(ctx, tx, member)
		return err
	})
	return i, known, err
}
