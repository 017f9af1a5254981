package clearing

import (
	"context"

	"custody/clearing/exceptions"
	"custody/clearing/orders"
	"custody/clearing/states"
	"custody/internal/store"
)

// markStates are where our order file says that a collection stands. One that we
// voided and the channel has paid was never REVERSED, which takes both: on our side
// it is closed.
var markStates = map[string]states.CollectionState{orders.Closed: states.CollectionClosed, orders.Failed: states.CollectionFailed,
	orders.Unknown: states.CollectionUnknown, orders.Reversed: states.CollectionClosed}

// collection is a payment of an order through a channel in its machine
// ([states.Collection]). No row holds the state: it follows from what the file said
// of the payment and what has been decided of it since, so that the two cannot
// differ.
type collection struct {
	State  states.CollectionState
	Member string
	Mark   string // of our file, or the channel through which it is paid already
}

// collectionOf works out where a payment stands, as a channel brings one of it.
// It reports false where our side knows nothing of the order.
func (w *Work) collectionOf(ctx context.Context, tx *store.Tx, orderNo, channel string) (collection, bool, error) {
	m, marked, err := orders.MarkOf(ctx, tx, w.Book.ID(), orderNo, orders.Closed, orders.Failed, orders.Unknown, orders.Reversed)
	if err != nil {
		return collection{}, false, err
	}
	if marked {
		c := collection{markStates[m.Mark], m.Member, m.Mark}
		late, found, err := exceptions.LastOf(ctx, tx, w.Book.ID(), orderNo, channel, exceptions.LatePaid)
		if found && err == nil {
			c.State = lateState(late)
		}
		return c, true, err
	}
	o, found, err := orders.Find(ctx, tx, w.Book.ID(), orderNo, "")
	return collection{states.CollectionSuccess, o.Member, o.Channel}, found && o.Channel != channel, err
}

// lateState is where a late payment stands by its case.
func lateState(e exceptions.Exception) states.CollectionState {
	switch {
	case e.Template != templateSendBack && e.ClosedDate != nil:
		return states.CollectionSuccess // adopted
	case e.Template == templateSendBack && e.ClosedDate != nil:
		return states.CollectionAllBack
	case e.Template == templateSendBack && (e.State == exceptions.Proposed || e.State == exceptions.Posted):
		return states.CollectionWaitsBack
	}
	return states.CollectionLatePaid
}

// paid moves the collection on as the channel's bill has it paid: once, or again
// through another channel. What the machine does not have is state.illegal.
func (c collection) paid() (states.CollectionState, error) {
	if _, ours := markStates[c.Mark]; ours {
		return states.Collection.Next(c.State, states.CollectionPay)
	}
	return states.Collection.Next(c.State, states.CollectionPayAgain)
}
