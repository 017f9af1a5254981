package translog

import "custody/internal/fault"

// VerifyInclusion checks that the leaf stands at index in the log with this
// root and size (RFC 9162 section 2.1.3.2). It returns translog.range for an
// index outside the log and translog.inclusion where the proof does not hold.
func VerifyInclusion(root Hash, size, index int64, leaf Hash, proof []Hash) error {
	if index < 0 || index >= size {
		return fault.Invalid("translog.range", index, size)
	}
	node, last, h := index, size-1, leaf
	for _, p := range proof {
		if last == 0 {
			return fault.Broken("translog.inclusion", index, size)
		}
		if node&1 == 1 || node == last {
			h = NodeHash(p, h)
			for node&1 == 0 && node != 0 {
				node, last = node>>1, last>>1
			}
		} else {
			h = NodeHash(h, p)
		}
		node, last = node>>1, last>>1
	}
	if last != 0 || h != root {
		return fault.Broken("translog.inclusion", index, size)
	}
	return nil
}

// VerifyConsistency checks that the log with the old root and size is the
// beginning of the new one (RFC 9162 section 2.1.4.2). It returns
// translog.range for sizes that cannot be and translog.consistency where the
// proof does not hold. An empty log is the beginning of every log.
func VerifyConsistency(oldRoot Hash, oldSize int64, newRoot Hash, newSize int64, proof []Hash) error {
	if oldSize < 0 || oldSize > newSize {
		return fault.Invalid("translog.range", oldSize, newSize)
	}
	broken := fault.Broken("translog.consistency", oldSize, newSize)
	if oldSize == 0 || oldSize == newSize {
		if len(proof) > 0 || oldSize == 0 && oldRoot != Root(nil) || oldSize == newSize && oldRoot != newRoot {
			return broken
		}
		return nil
	}
	if oldSize&(oldSize-1) == 0 { // the old root is itself a node of the new tree
		proof = append([]Hash{oldRoot}, proof...)
	}
	if len(proof) == 0 {
		return broken
	}
	node, last := oldSize-1, newSize-1
	for node&1 == 1 {
		node, last = node>>1, last>>1
	}
	was, is := proof[0], proof[0]
	for _, p := range proof[1:] {
		if last == 0 {
			return broken
		}
		if node&1 == 1 || node == last {
			was, is = NodeHash(p, was), NodeHash(p, is)
			for node&1 == 0 && node != 0 {
				node, last = node>>1, last>>1
			}
		} else {
			is = NodeHash(is, p)
		}
		node, last = node>>1, last>>1
	}
	if last != 0 || was != oldRoot || is != newRoot {
		return broken
	}
	return nil
}
