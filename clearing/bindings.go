package clearing

import (
	"custody/clearing/identity"
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
