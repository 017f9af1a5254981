package main

import "testing"

// TestPerson: sudo is believed about who typed a command only where the
// command then runs as the owner of the home.
func TestPerson(t *testing.T) {
	for _, c := range []struct {
		name, current, uid, sudoUser, sudoUID string
		owns                                  bool
		want                                  string
	}{
		{"sudo to somebody who does not own the home", "backup", "1003", "li", "1001", false, "backup"},
		{"sudo to himself", "custody", "990", "custody", "990", true, "custody"},
		{"a name without a number", "custody", "990", "li", "", true, "custody"},
		{"a number without a name", "custody", "990", "", "1001", true, "custody"},
		{"root of a home of somebody else", "root", "0", "li", "1001", false, "root"},
		{"no sudo", "custody", "990", "", "", true, "custody"},
		{"no sudo, not the owner", "li", "1001", "", "", false, "li"},
		{"sudo to the owner", "custody", "990", "li", "1001", true, "li"},
		{"root through sudo to the owner", "custody", "990", "root", "0", true, "root"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := person(c.current, c.uid, c.sudoUser, c.sudoUID, c.owns); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
