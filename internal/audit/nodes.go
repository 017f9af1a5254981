package audit

import (
	"context"
	"fmt"
	"slices"

	"custody/internal/store"
	"custody/internal/translog"
)

// Nodes compares the inner nodes that are kept of a log with those that follow
// from its leaves.
type Nodes struct {
	kept  map[nodeKey]translog.Hash
	open  [][]translog.Hash // of each level, the hashes that do not fill a tile yet
	done  []int64           // tiles of each level so far
	wrong []string
}

type nodeKey struct {
	level int
	node  int64
}

// ReadNodes reads the kept nodes of a log from the table.
func ReadNodes(ctx context.Context, tx *store.Tx, table string, custodyID int64) (*Nodes, error) {
	n := &Nodes{kept: map[nodeKey]translog.Hash{}}
	err := tx.Each(ctx, "SELECT level, node, hash FROM "+table+" WHERE custody_id = ?", []any{custodyID}, func(scan func(...any) error) error {
		var key nodeKey
		var raw []byte
		if err := scan(&key.level, &key.node, &raw); err != nil {
			return err
		}
		var h translog.Hash
		copy(h[:], raw)
		n.kept[key] = h
		return nil
	})
	return n, err
}

// Add takes the next leaf of the log.
func (n *Nodes) Add(leaf []byte) {
	var h translog.Hash
	copy(h[:], leaf)
	for level := 0; ; level++ {
		if level == len(n.open) {
			n.open = append(n.open, make([]translog.Hash, 0, translog.TileSize))
			n.done = append(n.done, 0)
		}
		n.open[level] = append(n.open[level], h)
		if len(n.open[level]) < translog.TileSize {
			return
		}
		h = translog.TileRoot(n.open[level])
		key := nodeKey{level + 1, n.done[level]}
		if kept, found := n.kept[key]; !found || kept != h {
			n.wrong = append(n.wrong, key.String())
		}
		delete(n.kept, key)
		n.open[level] = n.open[level][:0]
		n.done[level]++
	}
}

// Wrong returns the nodes, as level/index, that are missing, changed or too many.
func (n *Nodes) Wrong() []string {
	var extra []string
	for key := range n.kept {
		extra = append(extra, key.String())
	}
	slices.Sort(extra)
	return append(n.wrong, extra...)
}

func (k nodeKey) String() string { return fmt.Sprintf("%d/%d", k.level, k.node) }
