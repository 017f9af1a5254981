package clearing_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"custody/clearing"
	"custody/clearing/payout"
	"custody/clearing/signedorder"
	"custody/internal/clock"
	"custody/internal/fault"
	"custody/internal/pgtest"
	"custody/internal/signing"
)

// signer is a key outside of the house and what it signs.
type signer struct {
	key signing.Key
	dir string
}

func newSigner(t *testing.T, a signing.Algorithm) signer {
	t.Helper()
	dir := t.TempDir()
	key, err := signing.LoadOrCreateAs(dir, "key", a, clock.Rand())
	if err != nil {
		t.Fatal(err)
	}
	return signer{key, dir}
}

// file writes a file and its signature and returns its path.
func (g signer) file(t *testing.T, name string, raw []byte) string {
	t.Helper()
	path := filepath.Join(g.dir, name)
	signature, err := g.key.Detach(raw).Encode()
	if err != nil {
		t.Fatal(err)
	}
	for p, b := range map[string][]byte{path: raw, path + ".sig": signature} {
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// signedOrder is an order of A over 100.00 that holds, with changes.
func signedOrder(id string, changes ...string) string {
	order := strings.NewReplacer(changes...).Replace(`{"id": "ID", "nonce": "nonce-ID", "custody": "HQ01", "payer": "A",
  "payee": {"name": "加盟商甲", "account": "6222000000000001", "cnaps": "102100000030"}, "amount": "100.00", "purpose": "货款",
  "issued_at": "2026-02-13T09:00:00+08:00", "expires_at": "2026-02-14T09:00:00+08:00"}`)
	return strings.ReplaceAll(order, "ID", id)
}

func orderFile(orders ...string) []byte {
	return []byte(`{"format": "custody-payment-orders/1", "orders": [` + strings.Join(orders, ",\n") + "]}\n")
}

// orderScene has money of A, B, C and P and a key of A's.
func orderScene(t *testing.T, dsn string, changes ...string) (*scene, signer) {
	t.Helper()
	s := newSceneAt(t, dsn, changes...)
	s.released()
	g := newSigner(t, signing.Ed25519)
	s.register(g, "a-key", "A")
	return s, g
}

// register lets a key sign, by two people.
func (s *scene) register(g signer, name, owner string) {
	s.t.Helper()
	id, _, err := s.engine.AddOrderKey(s.ctx, "maker1", name, owner, g.pem(s.t))
	if err != nil {
		s.t.Fatal(err)
	}
	s.approve(id)
}

func (g signer) pem(t *testing.T) []byte {
	t.Helper()
	raw, err := g.key.Public().PEM()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func (s *scene) bring(path string) (*clearing.SignedOrders, error) {
	return s.engine.ImportSignedOrders(s.ctx, "maker1", path, path+".sig")
}

// TestTheSignatureComesFirst: whatever else is wrong with a file, a bad signature
// is what is said, because nothing of the file was read; and so on down the order.
func TestTheSignatureComesFirst(t *testing.T) {
	s, g := orderScene(t, pgtest.Server(t))
	stranger := newSigner(t, signing.SM2)
	gone := newSigner(t, signing.SM2)
	s.register(gone, "gone", "B")
	if _, err := s.engine.RevokeOrderKey(s.ctx, "maker1", "gone", "lost"); err != nil {
		t.Fatal(err)
	}
	expired := strings.NewReplacer("02-14T09", "02-13T12")
	good := string(orderFile(signedOrder("G1")))
	for _, c := range []struct {
		name, raw string
		by        signer
		spoil     bool // the file after it was signed
		code      string
	}{
		{"too large, and not signed", strings.Repeat("x", signedorder.FileMax+1), g, true, "signedorder.size"},
		{"malformed, and changed after signing", `{"format": nonsense`, g, true, "signing.signature"},
		{"expired, and changed after signing", expired.Replace(good), g, true, "signing.signature"},
		{"malformed, by a stranger", `{"format": nonsense`, stranger, false, "signedorder.key-unknown"},
		{"malformed, by a revoked key", `{"format": nonsense`, gone, false, "signedorder.key-revoked"},
		{"malformed, signed", `{"format": nonsense`, g, false, "signedorder.syntax"},
		{"another document, signed", `{"format": "seal/1", "orders": []}`, g, false, "signedorder.format"},
		{"expired, of another custody, without an amount", string(orderFile(signedOrder("X1", "02-14T09", "02-13T12", "HQ01", "HQ09", `"100.00"`, `""`))), g, false, "signedorder.expired"},
		{"of another custody, without an amount", string(orderFile(signedOrder("X2", "HQ01", "HQ09", `"100.00"`, `""`))), g, false, "signedorder.custody"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := c.by.file(t, "orders.json", []byte(c.raw))
			if c.spoil {
				if err := os.WriteFile(path, []byte(c.raw+" "), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := s.bring(path)
			wantCode(t, err, c.code)
		})
	}
	s.want(map[string]string{"2201": "0.00", "2001.A": "924.00"})
	if list, err := s.engine.SignedOrders(s.ctx); err != nil || len(list) != 1 || list[0].ID != "X2" {
		t.Errorf("only what was read to the end is remembered: %+v %v", list, err)
	}
}

// TestSignedOrderRefused: each refusal of what an order says, and nothing is left
// of it but that it was seen.
func TestSignedOrderRefused(t *testing.T) {
	s, g := orderScene(t, pgtest.Server(t), `account_faults: ["1004"]}`, limits)
	cKey := newSigner(t, signing.Ed25519)
	s.register(cKey, "c-key", "C")
	bKey := newSigner(t, signing.Ed25519)
	s.register(bKey, "b-key", "B")
	for i, c := range []struct {
		name    string
		by      signer
		changes []string
		code    string
	}{
		{"another's account", g, []string{`"payer": "A"`, `"payer": "B"`}, "signedorder.owner"},
		{"head office's account", g, []string{`"payer": "A"`, `"payer": "HQ"`}, "signedorder.owner"},
		{"to another account", g, []string{"0000000001", "0000000002"}, "signedorder.stranger"},
		{"to another name", g, []string{"加盟商甲", "加盟商乙"}, "signedorder.stranger"},
		{"to another bank", g, []string{"102100000030", "105100000017"}, "signedorder.stranger"},
		{"to the corporate account", g, []string{"6222000000000001", "1100999900001111222"}, "payment.corporate"},
		{"too little", g, []string{"100.00", "9.99"}, "withdraw.least"},
		{"above the limit", g, []string{"100.00", "300.01"}, "withdraw.item"},
		{"of the blacklist", cKey, []string{`"payer": "A"`, `"payer": "C"`, "0000000001", "0000000003", "甲", "丙"}, "withdraw.blacklist"},
		{"more than there is", bKey, []string{`"payer": "A"`, `"payer": "B"`, "0000000001", "0000000002", "甲", "乙", "100.00", "184.80"}, "ledger.overdrawn"},
		{"no fen", g, []string{`"amount": "100.00"`, `"amount_fen": 0`}, "signedorder.amount"},
		{"two amounts", g, []string{`"amount": "100.00"`, `"amount": "100.00", "amount_fen": 10000`}, "signedorder.amount"},
		{"fen with a fraction", g, []string{`"amount": "100.00"`, `"amount_fen": 10000.0`}, "signedorder.amount"},
		{"a bank too many", g, []string{`"cnaps"`, `"super_bank": "102100000030", "cnaps"`}, "signedorder.bank"},
		{"a purpose that breaks the bank's file", g, []string{"货款", `a|b`}, "signedorder.purpose"},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := "R" + string(rune('a'+i))
			path := c.by.file(t, "r.json", orderFile(signedOrder(id, c.changes...)))
			_, err := s.bring(path)
			wantCode(t, err, c.code)
			_, err = s.bring(path) // a refused order is not tried again
			wantCode(t, err, "signedorder.replay")
		})
	}
	s.want(map[string]string{"2201": "0.00", "2001.A": "924.00", "2001.B": "184.80"})
	s.invariants()
}

// TestSignedWithdrawal: an order of a member's own key is a withdrawal; of a batch
// the bad one stops no other and is named by its line; what was seen is seen
// after a restart too, under another number or another nonce alike.
func TestSignedWithdrawal(t *testing.T) {
	pgtest.Each(t, func(t *testing.T, dsn string) {
		s, g := orderScene(t, dsn)
		path := g.file(t, "orders.json", orderFile(signedOrder("N1"), signedOrder("N2", `"amount": "100.00"`, `"amount_fen": 0`), signedOrder("N3", `"amount": "100.00"`, `"amount_fen": 2500`)))
		report, err := s.bring(path)
		if f := fault.Of(err); f == nil || f.Code != "signedorder.amount" || f.Line != 4 || f.File != "orders.json" {
			t.Errorf("%v", err)
		}
		if report == nil || report.Done != 2 || report.Refused != 1 || report.Owner != "A" {
			t.Fatalf("%+v", report)
		}
		wantList(t, "E5a", s.posted("2026-02-13", "E5a"), []string{"E5a Cr 2201.A 101.00; Dr 2001.A 101.00", "E5a Cr 2201.A 26.00; Dr 2001.A 26.00"})
		o, found, err := s.engine.PaymentOrder(s.ctx, payout.Withdrawal, "SO.A.N1")
		if err != nil || !found || o.Purpose != "货款" || o.Amount != 100_00 {
			t.Errorf("%+v %v", o, err)
		}
		again, err := clearing.Open(s.ctx, clearing.OpenOptions{Home: s.home, DSN: dsn, Clock: clock.Fixed(day("2026-02-12").At(10, 0)), Random: clock.Rand()})
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		for name, order := range map[string]string{
			"the same": signedOrder("N1"), "another number": signedOrder("N9", "nonce-ID", "nonce-N1"), "another nonce": signedOrder("N1", "nonce-ID", "nonce-N9"),
			"with nothing in it that holds": signedOrder("N1", "HQ01", "HQ09", "100.00", "x"),
		} {
			_, err := again.ImportSignedOrders(s.ctx, "maker1", g.file(t, "again.json", orderFile(order)), filepath.Join(g.dir, "again.json.sig"))
			if fault.CodeOf(err) != "signedorder.replay" {
				t.Errorf("%s: %v", name, err)
			}
		}
		s.want(map[string]string{"2201.A": "127.00"})
		s.invariants()
	})
}

// TestOneOrderTwiceAtOnce: of imports that run at the same time one wins.
func TestOneOrderTwiceAtOnce(t *testing.T) {
	pgtest.Each(t, func(t *testing.T, dsn string) {
		s, g := orderScene(t, dsn)
		path := g.file(t, "orders.json", orderFile(signedOrder("N1")))
		errs := make([]error, 6)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() { _, errs[i] = s.bring(path) })
		}
		all.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if fault.CodeOf(err) != "signedorder.replay" {
				t.Error(err)
			}
		}
		if won != 1 {
			t.Errorf("%d imports won", won)
		}
		s.want(map[string]string{"2201.A": "101.00"})
		s.invariants()
	})
}

// TestOrderOfHeadOffice: what head office's key asks for waits for a checker, who
// is too late for an order that has expired and for a key that was revoked.
func TestOrderOfHeadOffice(t *testing.T) {
	pgtest.Each(t, func(t *testing.T, dsn string) {
		s := newSceneAt(t, dsn, `account: "1100999900001111222"`, `account: "1100999900001111222", cnaps: "`+testBank+`"`)
		s.released()
		g := newSigner(t, signing.SM2)
		s.register(g, "finance", "HQ")
		own := []string{`"payer": "A"`, `"payer": "HQ"`, "加盟商甲", "示例连锁总部有限公司", "6222000000000001", "1100999900001111222", "102100000030", testBank, "100.00", "5.00"}
		path := g.file(t, "orders.json", orderFile(signedOrder("M1"), signedOrder("M2", own...), signedOrder("M3", "100.00", "20.00"), signedOrder("M4", "100.00", "30.00")))
		report, err := s.bring(path)
		if err != nil || report.Done != 4 || report.Orders[0].Outcome != signedorder.Submitted {
			t.Fatalf("%+v %v", report, err)
		}
		s.want(map[string]string{"2201": "0.00"})
		_, err = s.engine.Approve(s.ctx, "maker1", "SO.HQ.M1")
		wantCode(t, err, "people.denied")
		s.approve("SO.HQ.M1")
		s.approve("SO.HQ.M2")
		wantList(t, "E8b", s.posted("2026-02-13", "E8b"), []string{"E8b Cr 2201.HQ 5.00; Dr 2301 5.00"})
		if _, err := s.engine.Reject(s.ctx, "checker1", "SO.HQ.M3", "no"); err != nil {
			t.Fatal(err)
		}
		s.want(map[string]string{"2201.A": "101.00", "2201.HQ": "5.00"})
		if _, err := s.engine.RevokeOrderKey(s.ctx, "maker1", "finance", "the person left"); err != nil {
			t.Fatal(err)
		}
		_, err = s.engine.Approve(s.ctx, "checker1", "SO.HQ.M4")
		wantCode(t, err, "signedorder.key-revoked")
		s.invariants()
	})
}

// TestOrderKeys: two people, one owner for ever, no way back.
func TestOrderKeys(t *testing.T) {
	s, g := orderScene(t, pgtest.Server(t))
	other := newSigner(t, signing.Ed25519)
	for _, c := range []struct {
		name, owner string
		pem         []byte
		code        string
	}{
		{"a b", "A", other.pem(t), "signedorder.key-name"},
		{"0123456789abcdef", "A", other.pem(t), "signedorder.key-name"},
		{"x", "Z", other.pem(t), "member.unknown"},
		{"x", "A", []byte("PEM"), "signing.public"},
		{"a-key", "A", other.pem(t), "signedorder.key-known"},
		{"x", "B", g.pem(t), "signedorder.key-known"},
	} {
		_, _, err := s.engine.AddOrderKey(s.ctx, "maker1", c.name, c.owner, c.pem)
		wantCode(t, err, c.code)
	}
	id, _, err := s.engine.AddOrderKey(s.ctx, "maker1", "later", "A", other.pem(t))
	if err != nil {
		t.Fatal(err)
	}
	path := other.file(t, "o.json", orderFile(signedOrder("K1")))
	_, err = s.bring(path)
	wantCode(t, err, "signedorder.key-unknown") // one person is not enough
	s.approve(id)
	_, err = s.engine.RevokeOrderKey(s.ctx, "maker1", "later", " ")
	wantCode(t, err, "signedorder.key-reason")
	if _, err := s.engine.RevokeOrderKey(s.ctx, "maker1", other.key.Public().ID(), "lost"); err != nil {
		t.Fatal(err)
	}
	_, err = s.bring(path)
	wantCode(t, err, "signedorder.key-revoked")
	_, _, err = s.engine.AddOrderKey(s.ctx, "maker1", "back", "A", other.pem(t))
	wantCode(t, err, "signedorder.key-known")
	s.exec("UPDATE order_keys SET state = 'ACTIVE' WHERE name = 'later'")
	report, err := s.engine.Verify(s.ctx, nil)
	if err != nil || report.OK || report.Problems[0].Table != "order_keys" {
		t.Errorf("a key that came back by itself is not found: %+v %v", report, err)
	}
}

// TestFilesForTheBankAreSigned: by either algorithm, the file as it is without,
// the same signature again, and nothing where nothing is asked for.
func TestFilesForTheBankAreSigned(t *testing.T) {
	plain := newScene(t)
	plain.sent()
	want := plain.outboxFile(poFirst + ".txt")
	if _, err := os.Stat(filepath.Join(plain.home, "outbox", poFirst+".txt.sig")); !os.IsNotExist(err) {
		t.Errorf("a signature that nobody asked for: %v", err)
	}
	for _, algorithm := range []string{"ed25519", "sm2"} {
		t.Run(algorithm, func(t *testing.T) {
			s := newScene(t, "release: {days: 1}", "release: {days: 1}\nsigning: {algorithm: "+algorithm+"}")
			s.sent()
			raw, signature := s.outboxFile(poFirst+".txt"), s.outboxFile(poFirst+".txt.sig")
			if !bytes.Equal(raw, want) {
				t.Error("the file itself changed")
			}
			key, err := s.engine.InstructionKey()
			if err != nil {
				t.Fatal(err)
			}
			d, err := signing.ParseDetached(signature)
			if err != nil || d.VerifyFile(key.Public(), raw) != nil || !strings.EqualFold(string(d.Algorithm), algorithm) {
				t.Errorf("%+v %v", d, err)
			}
			if _, err := s.engine.Resend(s.ctx, "maker1", poFirst); err != nil {
				t.Fatal(err)
			}
			if got := s.outboxFile(poFirst + ".txt.sig"); !bytes.Equal(got, signature) {
				t.Error("the second signature differs")
			}
			if got := s.engine.Key.Public().Algorithm(); !strings.EqualFold(string(got), algorithm) {
				t.Errorf("the seal's key is of %s", got)
			}
		})
	}
}

// TestKilledBetweenSignatureAndFile: the signature is there first; the next run
// writes it again, the same, and the file.
func TestKilledBetweenSignatureAndFile(t *testing.T) {
	for _, algorithm := range []string{"ed25519", "sm2"} {
		t.Run(algorithm, func(t *testing.T) {
			s := newScene(t, "release: {days: 1}", "release: {days: 1}\nsigning: {algorithm: "+algorithm+"}")
			s.first()
			s.report("2026-02-13", workedLine("K1301"))
			s.play("2026-02-13", waiting)
			s.approve(poFirst)
			path := filepath.Join(s.home, "outbox", poFirst+".txt")
			if err := os.MkdirAll(path, 0o700); err != nil { // no file can be written there
				t.Fatal(err)
			}
			s.play("2026-02-13", int(fault.Internal))
			signature := s.outboxFile(poFirst + ".txt.sig")
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			s.play("2026-02-13", waiting)
			if got := s.outboxFile(poFirst + ".txt.sig"); !bytes.Equal(got, signature) {
				t.Error("the signature differs")
			}
			s.holds(poFirst + ".txt")
		})
	}
}

// TestInstructionsAreSigned: what tells the bank of a change of a sub-account is
// signed like what asks it for money.
func TestInstructionsAreSigned(t *testing.T) {
	s := newScene(t, "release: {days: 1}", "release: {days: 1}\nsigning: {}")
	s.released()
	s.decided("E13", transfer("T1", "A", "B", 10_00))
	names := s.instructionFiles()
	if len(names) != 2 {
		t.Fatalf("%q, want an instruction and its signature", names)
	}
	s.holds(strings.TrimSuffix(filepath.Base(names[0]), ".sig"))
}

// holds checks the signature of a file in outbox/.
func (s *scene) holds(name string) {
	s.t.Helper()
	key, err := s.engine.InstructionKey()
	if err != nil {
		s.t.Fatal(err)
	}
	d, err := signing.ParseDetached(s.outboxFile(name + ".sig"))
	if err == nil {
		err = d.VerifyFile(key.Public(), s.outboxFile(name))
	}
	if err != nil {
		s.t.Error(err)
	}
}

func (s *scene) outboxFile(name string) []byte {
	s.t.Helper()
	raw, err := os.ReadFile(filepath.Join(s.home, "outbox", name))
	if err != nil {
		s.t.Fatal(err)
	}
	return raw
}

// TestAnotherAlgorithmThanTheKeys: a key that the bank knows is not replaced unasked.
func TestAnotherAlgorithmThanTheKeys(t *testing.T) {
	s := newScene(t, "release: {days: 1}", "release: {days: 1}\nsigning: {}")
	if _, err := s.engine.InstructionKey(); err != nil {
		t.Fatal(err)
	}
	s.engine.Config.Signing.Algorithm = "sm2"
	_, err := s.engine.InstructionKey()
	wantCode(t, err, "signing.algorithm")
	_, err = clearing.ParseConfig([]byte(strings.Replace(workedConfig, "release:", "signing: {algorithm: rsa}\nrelease:", 1)))
	wantCode(t, err, "config.value")
}

// TestOrderRoundTrip: what is marshalled is read again as it was.
func TestOrderRoundTrip(t *testing.T) {
	list, err := signedorder.Parse(orderFile(signedOrder("N1")))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(list[0])
	if err != nil {
		t.Fatal(err)
	}
	again, err := signedorder.Parse(orderFile(string(raw)))
	if err != nil || again[0].ID != "N1" || again[0].Payee != list[0].Payee || again[0].ExpiresAt != list[0].ExpiresAt {
		t.Errorf("%+v %v", again, err)
	}
}
