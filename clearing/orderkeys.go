package clearing

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"

	"custody/clearing/approval"
	"custody/clearing/people"
	"custody/clearing/signedorder"
	"custody/internal/fault"
	"custody/internal/signing"
	"custody/internal/store"
)

// orderKeyKind is the kind of approval of a key that may sign payment orders.
const orderKeyKind = "order-key"

// keyName is what people call a key; 16 hex digits could be a key's number.
var (
	keyName   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)
	keyNumber = regexp.MustCompile(`^[0-9a-f]{16}$`)
)

// AddOrderKey asks a checker to let a key sign payment orders for a member, or for
// head office (owner HQ). public is its PEM file. Errors: signedorder.key-name,
// member.unknown, signing.public, signedorder.key-known.
func (e *Engine) AddOrderKey(ctx context.Context, actor, name, owner string, public []byte) (id string, k signedorder.Key, err error) {
	if !keyName.MatchString(name) || keyNumber.MatchString(name) {
		return "", k, fault.Invalid("signedorder.key-name").On("NAME", name)
	}
	pub, err := signing.ParsePublic(public)
	if err != nil {
		return "", k, err
	}
	raw, err := pub.PEM()
	if err != nil {
		return "", k, err
	}
	k = signedorder.Key{ID: pub.ID(), Name: name, Owner: owner, Algorithm: string(pub.Algorithm()), PEM: string(raw)}
	w := e.work(0, actor, nil)
	err = e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Make); err != nil {
			return err
		}
		if err := w.checkOrderKey(ctx, tx, k); err != nil {
			return err
		}
		if id, err = approval.NextID(ctx, tx, e.Book.ID(), orderKeyKind, "ORDERKEY-"+name); err != nil {
			return err
		}
		return approval.Submit(ctx, tx, e.Book.ID(), w.Stamp, actor, id, orderKeyKind, "ORDERKEY-"+name, k)
	})
	return id, k, err
}

// checkOrderKey refuses a key that is there already, and one of nobody.
func (w *Work) checkOrderKey(ctx context.Context, tx *store.Tx, k signedorder.Key) error {
	_, taken, err := signedorder.KeyNamed(ctx, tx, w.Book.ID(), k.Name)
	if err != nil {
		return err
	}
	_, known, err := signedorder.FindKey(ctx, tx, w.Book.ID(), k.ID)
	switch {
	case err != nil:
		return err
	case taken || known:
		return fault.Invalid("signedorder.key-known").On("NAME", k.Name)
	case k.Owner == signedorder.HeadOffice:
		return nil
	}
	return needMember(ctx, w, tx, k.Owner, "")
}

// decideOrderKey registers an approved key.
func (w *Work) decideOrderKey(ctx context.Context, tx *store.Tx, a approval.Approval, to approval.State, _ *Decision) error {
	if to == approval.Rejected {
		return nil
	}
	var k signedorder.Key
	if err := json.Unmarshal([]byte(a.Content), &k); err != nil {
		return err
	}
	k.Approval = a.ID
	return signedorder.AddKey(ctx, tx, w.Book.ID(), w.Stamp, w.Actor, k)
}

// RevokeOrderKey ends a key at once and for good, by its name or number (吊销). One
// person is enough: it only stops payments, and a stolen key does not wait for two.
func (e *Engine) RevokeOrderKey(ctx context.Context, actor, name, reason string) (k signedorder.Key, err error) {
	if reason = strings.TrimSpace(reason); reason == "" || len(reason) > reasonMax {
		return k, fault.Invalid("signedorder.key-reason", reasonMax).On("--reason", reason)
	}
	w := e.work(0, actor, nil)
	err = e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Make); err != nil {
			return err
		}
		var found bool
		find := signedorder.KeyNamed
		if keyNumber.MatchString(name) {
			find = signedorder.FindKey
		}
		if k, found, err = find(ctx, tx, e.Book.ID(), name); err != nil || !found {
			return firstErr(err, fault.Invalid("signedorder.key-unknown", name).On("NAME", name))
		}
		if err := signedorder.RevokeKey(ctx, tx, e.Book.ID(), w.Stamp, actor, k.ID, reason); err != nil {
			return err
		}
		k, _, err = signedorder.FindKey(ctx, tx, e.Book.ID(), k.ID)
		return err
	})
	return k, err
}

// OrderKeys returns the keys that were ever registered.
func (e *Engine) OrderKeys(ctx context.Context) (list []signedorder.Key, err error) {
	err = e.readOnly(ctx, func(tx *store.Tx) error {
		list, err = signedorder.Keys(ctx, tx, e.Book.ID())
		return err
	})
	return list, err
}

// activeKey returns the key that may sign now: signedorder.key-unknown, signedorder.key-revoked.
func (w *Work) activeKey(ctx context.Context, tx *store.Tx, id string) (signedorder.Key, error) {
	k, found, err := signedorder.FindKey(ctx, tx, w.Book.ID(), id)
	switch {
	case err != nil:
		return k, err
	case !found:
		return k, fault.Invalid("signedorder.key-unknown", id)
	case k.State != signedorder.Active:
		return k, fault.Invalid("signedorder.key-revoked", k.Name)
	}
	return k, nil
}
