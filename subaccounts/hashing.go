package subaccounts

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"custody/internal/translog"
)

// The byte forms below are what seals and audit packs stand on: they are part
// of version 1 of the log and never change. Numbers are the variable-length
// integers of encoding/binary, u unsigned and v signed (zigzag); text is its
// length as u and its bytes. Each form can be read back in one way only.
//
//	content  = 0x01 text(event) text(reference) u(date) u(reverses_id) u(legs)
//	           and per leg text(code) text(owner) text(item) v(amount_fen)
//	content_hash = SHA-256(content)
//
//	key      = HMAC-SHA-256(secret, u(custody_id) u(voucher_id) text(reference))
//	salt     = the first 16 bytes of SHA-256(key u(line)), one per entry
//	entry    = SHA-256(salt u(custody_id) u(account_id) text(code) text(owner) u(seq)
//	           u(voucher_id) u(line) u(accounting_date) v(amount_fen) text(item)
//	           v(balance_after_fen)), code and owner being those of the account
//
//	leaf     = translog.LeafHash(0x01 u(custody_id) u(voucher_id) u(accounting_date)
//	           u(voucher_no) text(event) text(reference) content_hash u(reverses_id)
//	           text(source) text(actor) v(created_at) text(legs) u(entries) entry ...)
//
// So one entry can be shown with its salt while the others stay hidden behind
// their hashes, and every column of both tables is covered; code and owner of
// an account are covered by each of its entries.
const formVersion = 0x01

const saltSize = 16

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendContentHead(b []byte, event, reference string, date, reverses int64, legs int) []byte {
	b = appendText(append(b, formVersion), event)
	b = appendText(b, reference)
	b = binary.AppendUvarint(b, uint64(date))
	b = binary.AppendUvarint(b, uint64(reverses))
	return binary.AppendUvarint(b, uint64(legs))
}

func appendContentLeg(b []byte, code, owner, item string, amount int64) []byte {
	b = appendText(b, code)
	b = appendText(b, owner)
	b = appendText(b, item)
	return binary.AppendVarint(b, amount)
}

// contentHash returns the content hash of a posting that is not staged.
func (p *Posting) contentHash() [sha256.Size]byte {
	b := appendContentHead(nil, p.Event, p.Reference, int64(p.Date), p.Reverses, len(p.Legs))
	for _, leg := range p.Legs {
		b = appendContentLeg(b, leg.Code, leg.Owner, leg.Item, int64(leg.Amount))
	}
	return sha256.Sum256(b)
}

// header is the columns of a vouchers row that its leaf covers.
type header struct {
	id, date, no, reverses, createdAt int64
	event, reference, source, actor   string
	content                           []byte
	legs                              []byte
}

// entryForm is the columns of an entries row that its hash covers.
type entryForm struct {
	code, owner                                      string
	account, seq, voucher, line, date, amount, after int64
	item                                             []byte
}

// hasher works out hashes of one custody account; for one goroutine.
type hasher struct {
	custody int64
	mac     hash.Hash
	key     [sha256.Size]byte
	scratch []byte
	leafing []byte
}

func (b *Book) newHasher() *hasher {
	return &hasher{custody: b.id, mac: hmac.New(sha256.New, b.salt[:])}
}

// voucherKey returns the secret from which a voucher's salts follow.
func (h *hasher) voucherKey(voucher int64, reference string) [sha256.Size]byte {
	h.scratch = binary.AppendUvarint(h.scratch[:0], uint64(h.custody))
	h.scratch = binary.AppendUvarint(h.scratch, uint64(voucher))
	h.scratch = appendText(h.scratch, reference)
	h.mac.Reset()
	h.mac.Write(h.scratch)
	h.mac.Sum(h.key[:0])
	return h.key
}

// salt returns the salt of a line of the voucher with that key.
func (h *hasher) salt(key *[sha256.Size]byte, line int64) (salt [saltSize]byte) {
	h.scratch = binary.AppendUvarint(append(h.scratch[:0], key[:]...), uint64(line))
	sum := sha256.Sum256(h.scratch)
	copy(salt[:], sum[:])
	return salt
}

// entry returns the hash of an entry of the voucher with that key.
func (h *hasher) entry(key *[sha256.Size]byte, e *entryForm) [sha256.Size]byte {
	return h.entrySalted(h.salt(key, e.line), e)
}

// entrySalted returns the hash of an entry with its salt.
func (h *hasher) entrySalted(salt [saltSize]byte, e *entryForm) [sha256.Size]byte {
	b := append(h.scratch[:0], salt[:]...)
	b = binary.AppendUvarint(b, uint64(h.custody))
	b = binary.AppendUvarint(b, uint64(e.account))
	b = appendText(b, e.code)
	b = appendText(b, e.owner)
	b = binary.AppendUvarint(b, uint64(e.seq))
	b = binary.AppendUvarint(b, uint64(e.voucher))
	b = binary.AppendUvarint(b, uint64(e.line))
	b = binary.AppendUvarint(b, uint64(e.date))
	b = binary.AppendVarint(b, e.amount)
	b = append(binary.AppendUvarint(b, uint64(len(e.item))), e.item...)
	b = binary.AppendVarint(b, e.after)
	h.scratch = b
	return sha256.Sum256(b)
}

// beginLeaf starts a voucher's leaf; addToLeaf follows once per entry.
func (h *hasher) beginLeaf(v *header, entries int) {
	b := append(h.leafing[:0], formVersion)
	b = binary.AppendUvarint(b, uint64(h.custody))
	b = binary.AppendUvarint(b, uint64(v.id))
	b = binary.AppendUvarint(b, uint64(v.date))
	b = binary.AppendUvarint(b, uint64(v.no))
	b = appendText(b, v.event)
	b = appendText(b, v.reference)
	b = append(b, v.content...)
	b = binary.AppendUvarint(b, uint64(v.reverses))
	b = appendText(b, v.source)
	b = appendText(b, v.actor)
	b = binary.AppendVarint(b, v.createdAt)
	b = append(binary.AppendUvarint(b, uint64(len(v.legs))), v.legs...)
	h.leafing = binary.AppendUvarint(b, uint64(entries))
}

func (h *hasher) addToLeaf(entry []byte) { h.leafing = append(h.leafing, entry...) }

func (h *hasher) leaf() translog.Hash { return translog.LeafHash(h.leafing) }
