package identity_test

import (
	"testing"

	"pgregory.net/rapid"

	"custody/clearing/identity"
	"custody/internal/fault"
)

// TestNumbers: numbers made for these tests, and published numbers of the
// clearing system, with the mistakes that people make.
func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		name  string
		check func(string) error
		value string
		want  string
	}{
		{"a published number", identity.CNAPS, "102100099996", ""},
		{"another", identity.CNAPS, "103100000026", ""},
		{"another", identity.CNAPS, "105100000017", ""},
		{"another", identity.CNAPS, "308584000013", ""},
		{"one digit wrong", identity.CNAPS, "102100099986", "identity.cnaps_check"},
		{"two digits swapped", identity.CNAPS, "102100099969", "identity.cnaps_check"},
		{"a digit short", identity.CNAPS, "10210009999", "identity.cnaps_form"},
		{"a letter", identity.CNAPS, "10210009999X", "identity.cnaps_form"},
		{"nothing", identity.CNAPS, "", "identity.cnaps_form"},
		{"wide digits", identity.CNAPS, "１０２１", "identity.cnaps_form"},

		{"an example of the standard's kind", identity.USCC, "91350100M000100Y43", ""},
		{"its last character wrong", identity.USCC, "91350100M000100Y44", "identity.uscc_check"},
		{"a letter that is never used", identity.USCC, "91350100I000100Y43", "identity.uscc_form"},
		{"small letters", identity.USCC, "91350100m000100y43", "identity.uscc_form"},
		{"too short", identity.USCC, "91350100M000100Y4", "identity.uscc_form"},

		{"the example of the standard", identity.IDCard, "11010519491231002X", ""},
		{"X for a digit", identity.IDCard, "110105194912310021", "identity.card_check"},
		{"a small x", identity.IDCard, "11010519491231002x", "identity.card_form"},
		{"the old form", identity.IDCard, "110105491231002", "identity.card_form"},

		{"a made-up card", identity.CardNumber, "6222020000000000004", "identity.luhn_check"},
		{"the usual test card", identity.CardNumber, "4111111111111111", ""},
		{"its last digit wrong", identity.CardNumber, "4111111111111112", "identity.luhn_check"},
		{"too short", identity.CardNumber, "41111111111", "identity.luhn_form"},
		{"too long", identity.CardNumber, "41111111111111111111", "identity.luhn_form"},
		{"spaces", identity.CardNumber, "4111 1111 1111 1111", "identity.luhn_form"},
	} {
		t.Run(c.name+" "+c.value, func(t *testing.T) {
			if got := fault.CodeOf(c.check(c.value)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestSameName: the same name in other writing is the same, another name is not.
func TestSameName(t *testing.T) {
	for _, c := range []struct {
		owner, holder string
		same          bool
	}{
		{"示例（南浦）贸易有限公司", "示例(南浦)贸易有限公司", true},
		{"示例 贸易有限公司 ", "示例贸易有限公司", true},
		{"ABC示例有限公司", "ａｂｃ示例有限公司", true},
		{"阿依古丽·示例", "阿依古丽•示例", true},
		{"示例贸易有限公司", "示例贸易有限责任公司", false},
		{"示例贸易有限公司", "示例贸易有限公司北原分公司", false},
		{"示例", "", false},
		{"", "", false},
		{" ", "·", false},
	} {
		if got := identity.SameName(c.owner, c.holder) == nil; got != c.same {
			t.Errorf("%q and %q: same is %v, want %v", c.owner, c.holder, got, c.same)
		}
	}
}

// TestOneWrongDigit: every scheme finds every single wrong character; credit codes
// and identity numbers every swap of neighbours too.
func TestOneWrongDigit(t *testing.T) {
	for _, c := range []struct {
		name, charset string
		check         func(string) error
		valid         string
		swaps         bool
	}{
		{"cnaps", "0123456789", identity.CNAPS, "102100099996", false},
		{"uscc", "0123456789ABCDEFGHJKLMNPQRTUWXY", identity.USCC, "91350100M000100Y43", true},
		{"id card", "0123456789", identity.IDCard, "11010519491231002X", true},
		{"card", "0123456789", identity.CardNumber, "4111111111111111", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i := range c.valid {
				for _, wrong := range c.charset {
					mistyped := []byte(c.valid)
					mistyped[i] = byte(wrong)
					if string(mistyped) != c.valid && c.check(string(mistyped)) == nil {
						t.Errorf("%s passes for %s", mistyped, c.valid)
					}
				}
				if i == 0 || !c.swaps || c.valid[i] == c.valid[i-1] {
					continue
				}
				swapped := []byte(c.valid)
				swapped[i], swapped[i-1] = swapped[i-1], swapped[i]
				if c.check(string(swapped)) == nil {
					t.Errorf("%s passes for %s", swapped, c.valid)
				}
			}
		})
	}
}

// TestOneCheckDigit: of the ten or more numbers with the same beginning exactly
// one passes.
func TestOneCheckDigit(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		for _, c := range []struct {
			name, beginning, last string
			check                 func(string) error
		}{
			{"cnaps", rapid.StringMatching("[0-9]{11}").Draw(rt, "cnaps"), "0123456789", identity.CNAPS},
			{"uscc", rapid.StringMatching("[0-9A-HJ-NPQRTUWXY]{17}").Draw(rt, "uscc"), "0123456789ABCDEFGHJKLMNPQRTUWXY", identity.USCC},
			{"id card", rapid.StringMatching("[0-9]{17}").Draw(rt, "id"), "0123456789X", identity.IDCard},
			{"card", rapid.StringMatching("[0-9]{15,18}").Draw(rt, "card"), "0123456789", identity.CardNumber},
		} {
			passes := 0
			for _, last := range c.last {
				if c.check(c.beginning+string(last)) == nil {
					passes++
				}
			}
			if passes != 1 {
				rt.Fatalf("%s %s: %d check characters pass", c.name, c.beginning, passes)
			}
		}
	})
}
