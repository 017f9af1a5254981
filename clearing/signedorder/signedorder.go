// Package signedorder reads electronic payment orders (电子支付指令, once 电子支票):
// a member or head office asks in a file for payments, and a detached signature
// beside the file proves who asked.
//
// Whoever can put a file before us must not reach more of the program than he
// has to. So the signature over the exact bytes is looked at first and by itself,
// and only what a registered key signed is read at all:
//
//	key, err := signedorder.FindKey(ctx, tx, custodyID, signature.KeyID)
//	err = signature.VerifyFile(key.Public, raw) // before anything else
//	list, err := signedorder.Parse(raw)
//	err = list[0].Timely(now)                   // then its time
//	added, err := signedorder.Add(...)          // then whether it was seen before
//	amount, err := list[0].Check(custody)       // then what it says
package signedorder

import (
	"bytes"
	"encoding/json"
	"regexp"
	"time"
	"unicode/utf8"

	"custody/internal/fault"
	"custody/internal/money"
)

// Format is what a file of orders says it is, so that no other document that was
// signed with the same key can be taken for one.
const Format = "custody-payment-orders/1"

// HeadOffice is the owner, and the payer, that is no member (总部).
const HeadOffice = "HQ"

// Limits of a file of orders.
const (
	// OrdersMax is what one file holds: a payroll of a large shop, a thousandth of
	// what a batch of payouts takes.
	OrdersMax = 1000
	// FileMax is OrdersMax orders of 1,000 bytes each and the frame: an order has
	// some 350 bytes of keys and quotes, 64 of numbers, and 500 of names and purpose.
	FileMax = OrdersMax*1000 + 1000
	// textMax is a name or purpose in bytes: 60 Chinese characters, more than a
	// payment system takes.
	textMax = 180
	// validMax is how long an order may be good for: a cheque's ten days, and the
	// longest holidays of a year on top.
	validMax = 20 * 24 * time.Hour
	// skew is how far the clock of whoever signs may be ahead of ours.
	skew = 5 * time.Minute
)

// Payee is who is to be paid. Exactly one of CNAPS (联行号) and SuperBank
// (超级网银号) is set.
type Payee struct {
	Name      string `json:"name"`
	Account   string `json:"account"`
	CNAPS     string `json:"cnaps,omitempty"`
	SuperBank string `json:"super_bank,omitempty"`
}

// Order is one payment order, as text: what it says is checked only when its time
// has come and it was not seen before.
type Order struct {
	ID        string          `json:"id"`
	Nonce     string          `json:"nonce"`
	Custody   string          `json:"custody"`
	Payer     string          `json:"payer"` // member, or HQ
	Payee     Payee           `json:"payee"`
	Amount    string          `json:"amount,omitempty"`     // yuan, or
	AmountFen json.RawMessage `json:"amount_fen,omitempty"` // fen
	Purpose   string          `json:"purpose,omitempty"`
	IssuedAt  string          `json:"issued_at"`  // RFC 3339 with its offset
	ExpiresAt string          `json:"expires_at"` // good until and without this instant
	Line      int             `json:"-"`          // of the file, where it begins
}

// Parse reads a file of orders, whole or not at all: signedorder.syntax, which says
// where, signedorder.size, signedorder.count. Keys are taken exactly as written and once
// each, so that nobody else can read another order out of the same bytes.
func Parse(raw []byte) ([]Order, error) {
	if len(raw) > FileMax {
		return nil, fault.Invalid("signedorder.size", FileMax)
	}
	if !utf8.Valid(raw) || !json.Valid(raw) {
		return nil, fault.Invalid("signedorder.syntax")
	}
	file, err := readObject(raw, "", "format", "orders")
	if err != nil {
		return nil, err
	}
	format, err := file.text("format")
	if err != nil {
		return nil, err
	}
	if format != Format {
		return nil, fault.Invalid("signedorder.format", Format).On("format", format)
	}
	items, offsets, ok := readItems(file.value("orders"))
	if !ok {
		return nil, fault.Invalid("signedorder.syntax").On("orders", "")
	}
	// Counting lines from the beginning for each order costs at most OrdersMax times
	// FileMax bytes: 1 GB, a tenth of a second of memchr.
	if len(items) == 0 || len(items) > OrdersMax {
		return nil, fault.Invalid("signedorder.count", OrdersMax)
	}
	orders := make([]Order, len(items))
	for i, item := range items {
		line := 1 + bytes.Count(raw[:file.offsets["orders"]+offsets[i]], []byte("\n"))
		if orders[i], err = parseOrder(item); err != nil {
			return nil, fault.Of(err).AtLine(line)
		}
		orders[i].Line = line
	}
	return orders, nil
}

func parseOrder(raw json.RawMessage) (o Order, err error) {
	fields, err := readObject(raw, "orders.", "id", "nonce", "custody", "payer", "payee", "amount", "amount_fen", "purpose", "issued_at", "expires_at")
	if err != nil {
		return o, err
	}
	payee, err := readObject(fields.value("payee"), "payee.", "name", "account", "cnaps", "super_bank")
	if err != nil {
		return o, err
	}
	o.AmountFen = fields.values["amount_fen"]
	for _, f := range []struct {
		of   object
		name string
		into *string
	}{
		{fields, "id", &o.ID}, {fields, "nonce", &o.Nonce}, {fields, "custody", &o.Custody}, {fields, "payer", &o.Payer},
		{fields, "amount", &o.Amount}, {fields, "purpose", &o.Purpose}, {fields, "issued_at", &o.IssuedAt}, {fields, "expires_at", &o.ExpiresAt},
		{payee, "name", &o.Payee.Name}, {payee, "account", &o.Payee.Account}, {payee, "cnaps", &o.Payee.CNAPS}, {payee, "super_bank", &o.Payee.SuperBank},
	} {
		if *f.into, err = f.of.text(f.name); err != nil {
			return o, err
		}
	}
	return o, nil
}

// Timely refuses an order whose time has not come or is over at an instant:
// signedorder.time where the times cannot be read or do not follow each other,
// signedorder.validity where it is good for too long, signedorder.early, signedorder.expired.
func (o Order) Timely(now time.Time) error {
	issued, err := time.Parse(time.RFC3339, o.IssuedAt)
	if err != nil {
		return fault.Invalid("signedorder.time").On("issued_at", o.IssuedAt)
	}
	expires, err := time.Parse(time.RFC3339, o.ExpiresAt)
	switch {
	case err != nil || !issued.Before(expires):
		return fault.Invalid("signedorder.time").On("expires_at", o.ExpiresAt)
	case expires.Sub(issued) > validMax:
		return fault.Invalid("signedorder.validity", int(validMax/(24*time.Hour))).On("expires_at", o.ExpiresAt)
	case issued.After(now.Add(skew)):
		return fault.Invalid("signedorder.early").On("issued_at", o.IssuedAt)
	case !now.Before(expires):
		return fault.Invalid("signedorder.expired").On("expires_at", o.ExpiresAt)
	}
	return nil
}

// idForm is a number of an order or a nonce: it becomes part of a reference in
// the ledger, in which a point ends the owner.
var idForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

// Named refuses an order by whose number or nonce it could not be known again:
// signedorder.id, signedorder.nonce.
func (o Order) Named() error {
	switch {
	case !idForm.MatchString(o.ID):
		return fault.Invalid("signedorder.id").On("id", o.ID)
	case !idForm.MatchString(o.Nonce) || len(o.Nonce) < nonceMin:
		return fault.Invalid("signedorder.nonce", nonceMin).On("nonce", o.Nonce)
	}
	return nil
}

// nonceMin is the shortest nonce: eight characters of 64 are 48 bits, not drawn
// twice by chance within the orders of one owner.
const nonceMin = 8

// Reference is under what an order's money moves in the ledger.
func Reference(owner, id string) string { return "SO." + owner + "." + id }

// printable is a text without controls and without the separator of bank files.
var printable = regexp.MustCompile(`^[^|\p{C}\x{2028}\x{2029}]*$`)

// accountForm is an account number as banks write it, without spaces.
var accountForm = regexp.MustCompile(`^[0-9A-Za-z-]{5,34}$`)

// Check refuses what cannot be paid as written, and returns the amount in fen:
// signedorder.custody, signedorder.payer, signedorder.payee, signedorder.bank, signedorder.purpose, signedorder.amount.
func (o Order) Check(custody string) (money.Amount, error) {
	cnaps, super := o.Payee.CNAPS != "", o.Payee.SuperBank != ""
	switch {
	case o.Custody != custody:
		return 0, fault.Invalid("signedorder.custody", custody).On("custody", o.Custody)
	case o.Payer == "":
		return 0, fault.Invalid("signedorder.payer").On("payer", o.Payer)
	case o.Payee.Name == "" || len(o.Payee.Name) > textMax || !printable.MatchString(o.Payee.Name):
		return 0, fault.Invalid("signedorder.payee").On("payee.name", o.Payee.Name)
	case !accountForm.MatchString(o.Payee.Account):
		return 0, fault.Invalid("signedorder.payee").On("payee.account", "")
	case cnaps == super:
		return 0, fault.Invalid("signedorder.bank").On("payee.cnaps", o.Payee.CNAPS)
	case cnaps && !bankForm.MatchString(o.Payee.CNAPS):
		return 0, fault.Invalid("signedorder.bank").On("payee.cnaps", o.Payee.CNAPS)
	case super && !bankForm.MatchString(o.Payee.SuperBank):
		return 0, fault.Invalid("signedorder.bank").On("payee.super_bank", o.Payee.SuperBank)
	case len(o.Purpose) > textMax || !printable.MatchString(o.Purpose):
		return 0, fault.Invalid("signedorder.purpose", textMax).On("purpose", o.Purpose)
	}
	return o.amount()
}

// bankForm is a bank's number: 12 digits of CNAPS or of super net banking.
var bankForm = regexp.MustCompile(`^[0-9]{12}$`)

// fenForm is a whole number of fen as JSON writes it: no sign, fraction or exponent.
var fenForm = regexp.MustCompile(`^[1-9][0-9]{0,14}$`)

// amount is in yuan as text or in fen as a number, never both.
func (o Order) amount() (money.Amount, error) {
	yuan := o.Amount
	if len(o.AmountFen) > 0 {
		if yuan != "" || !fenForm.Match(o.AmountFen) {
			return 0, fault.Invalid("signedorder.amount").On("amount_fen", string(o.AmountFen))
		}
		var fen int64
		if err := json.Unmarshal(o.AmountFen, &fen); err != nil {
			return 0, fault.Invalid("signedorder.amount").On("amount_fen", string(o.AmountFen))
		}
		return money.Amount(fen), nil
	}
	a, err := money.ParseYuan(yuan)
	if err != nil || a <= 0 || a > amountMax {
		return 0, fault.Invalid("signedorder.amount").On("amount", yuan)
	}
	return a, nil
}

// amountMax is the largest amount of 15 digits in fen, as fenForm has it.
const amountMax money.Amount = 999_999_999_999_999
