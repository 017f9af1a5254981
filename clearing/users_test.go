package clearing_test

import (
	"testing"

	"custody/clearing/people"
)

// TestNobodyMakesHimselfTwo: a user, his roles and his account of the operating
// system are in force only when two people, neither of them himself, said so.
func TestNobodyMakesHimselfTwo(t *testing.T) {
	b := newWorkedBooks(t)
	submit := func(actor string, u people.User) (string, error) { return b.engine.AddUser(b.ctx, actor, u) }
	_, err := submit("maker1", people.User{Name: "maker1", Roles: "maker checker"})
	b.wantCode("his own roles", "people.own-roles", err)
	_, err = submit("checker1", people.User{Name: "eve", Roles: "maker"})
	b.wantCode("without the right", "people.denied", err)
	_, err = submit("maker1", people.User{Name: "eve", Roles: "emperor"})
	b.wantCode("no such role", "people.role", err)

	id, err := submit("maker1", people.User{Name: "eve", OSUser: "eve", Roles: "maker"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.engine.Approve(b.ctx, "eve", id)
	b.wantCode("not yet a user", "people.unknown", err)
	_, err = b.engine.Approve(b.ctx, "maker1", id)
	b.wantCode("the maker", "people.denied", err)
	b.approve(id)

	// The way in which one person could become maker and checker.
	_, err = submit("eve", people.User{Name: "checker1", OSUser: "eve", Roles: "checker"})
	b.wantCode("somebody else's account", "people.os-user", err)
	id, err = submit("maker1", people.User{Name: "checker1", OSUser: "maker1", Roles: "maker checker"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.engine.Approve(b.ctx, "checker1", id)
	b.wantCode("he would approve himself", "people.own-roles", err)
	users, err := b.engine.Users(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range users {
		if u.Name == "checker1" && (u.Roles != "checker" || u.OSUser != "") {
			t.Errorf("checker1 became %+v", u)
		}
	}
}
