package clearing

import (
	"context"
	"encoding/json"

	"custody/clearing/approval"
	"custody/clearing/people"
	"custody/internal/fault"
	"custody/internal/store"
)

// userChange is the kind of approval that lets a person act.
const userChange = "user"

// userRequest is what two people decide about a user.
type userRequest struct {
	Name   string `json:"name"`
	OSUser string `json:"os_user"`
	Roles  string `json:"roles"`
}

// AddUser submits a user, or other roles or another operating-system user for
// one; a checker puts it in force. One person alone must not make himself two:
// neither of the two is the user (people.own-roles), and an operating-system
// user stands for one active user (people.os-user). It returns the approval's id.
func (e *Engine) AddUser(ctx context.Context, actor string, u people.User) (string, error) {
	var id string
	err := e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Members); err != nil {
			return err
		}
		r := userRequest{u.Name, u.OSUser, u.Roles}
		if err := firstErr(people.Valid(u), mayChange(ctx, tx, actor, r)); err != nil {
			return err
		}
		var err error
		if id, err = approval.NextID(ctx, tx, e.Book.ID(), userChange, "USER-"+u.Name); err != nil {
			return err
		}
		return approval.Submit(ctx, tx, e.Book.ID(), e.Clock.Now(), actor, id, userChange, "USER-"+u.Name, r)
	})
	return id, err
}

// mayChange holds for maker and checker of the change.
func mayChange(ctx context.Context, tx *store.Tx, actor string, r userRequest) error {
	if actor == r.Name {
		return fault.Invalid("people.own-roles", actor).On("--as", actor)
	}
	users, err := people.All(ctx, tx)
	for _, u := range users {
		if r.OSUser != "" && u.OSUser == r.OSUser && u.Name != r.Name && u.Status == "ACTIVE" {
			return fault.Invalid("people.os-user", u.Name).On("--os-user", r.OSUser)
		}
	}
	return err
}

func (w *Work) decideUser(ctx context.Context, tx *store.Tx, a approval.Approval, to approval.State, _ *Decision) error {
	if to == approval.Rejected {
		return nil
	}
	var r userRequest
	if err := json.Unmarshal([]byte(a.Content), &r); err != nil {
		return err
	}
	if err := mayChange(ctx, tx, w.Actor, r); err != nil {
		return err
	}
	return people.Add(ctx, tx, w.Book.ID(), w.Actor, w.Stamp, people.User{Name: r.Name, OSUser: r.OSUser, Roles: r.Roles})
}
