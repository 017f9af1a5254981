// Package identity checks the numbers and names by which a payee is known, before
// any money is sent: most wrong payouts begin with one mistyped digit.
//
//	err := identity.CNAPS("102100099996")           // 联行号
//	err = identity.CardNumber("6222020000000000000") // personal cards only
//	err = identity.SameName("示例（上海）贸易有限公司", "示例(上海)贸易有限公司")
//
// A check digit finds a typing mistake, never a fraud: that an account is its
// owner's is proved by the bank (小额打款). Corporate accounts (对公户) have no check
// digit of a common kind, so [CardNumber] must not be used on them.
package identity

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"custody/internal/fault"
)

// CNAPS checks a bank's number in the national clearing system (大小额行号,
// 联行号): 12 digits, the last by ISO 7064 MOD 11,10. Errors: identity.cnaps_form,
// identity.cnaps_check.
func CNAPS(code string) error {
	if len(code) != 12 || !digits(code) {
		return fault.Invalid("identity.cnaps_form").On("cnaps", code)
	}
	product := 10
	for _, c := range code[:11] {
		sum := (product + int(c-'0')) % 10
		if sum == 0 {
			sum = 10
		}
		product = sum * 2 % 11
	}
	if (product+int(code[11]-'0'))%10 != 1 {
		return fault.Invalid("identity.cnaps_check").On("cnaps", code)
	}
	return nil
}

// usccCharset is the characters of a unified social credit code in the order of
// their values (GB 32100-2015): no I, O, S, V, Z.
const usccCharset = "0123456789ABCDEFGHJKLMNPQRTUWXY"

// USCC checks a unified social credit code (统一社会信用代码): 18 characters, the
// last by the weights 3^i mod 31 of GB 32100-2015. Errors: identity.uscc_form,
// identity.uscc_check.
func USCC(code string) error {
	if len(code) != 18 {
		return fault.Invalid("identity.uscc_form").On("uscc", code)
	}
	sum, weight := 0, 1
	for i := range 18 {
		value := strings.IndexByte(usccCharset, code[i])
		if value < 0 {
			return fault.Invalid("identity.uscc_form").On("uscc", code)
		}
		if i == 17 {
			weight = 1
		}
		sum += value * weight
		weight = weight * 3 % 31
	}
	if sum%31 != 0 {
		return fault.Invalid("identity.uscc_check").On("uscc", code)
	}
	return nil
}

// idWeights are 2^(17-i) mod 11 of GB 11643-1999.
var idWeights = [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}

// IDCard checks a resident identity number (居民身份证号): 18 characters, the last,
// a digit or X, by ISO 7064 MOD 11-2. Errors: identity.card_form, identity.card_check.
// The number is not shown in them: it is personal data.
func IDCard(number string) error {
	if len(number) != 18 || !digits(number[:17]) || !digits(number[17:]) && number[17] != 'X' {
		return fault.Invalid("identity.card_form")
	}
	sum := 0
	for i, w := range idWeights {
		sum += int(number[i]-'0') * w
	}
	if "10X98765432"[sum%11] != number[17] {
		return fault.Invalid("identity.card_check")
	}
	return nil
}

// Lengths of a bank card's number: 16 to 19 digits are usual, 12 the shortest
// that ISO/IEC 7812 knows in use.
const (
	cardMin = 12
	cardMax = 19
)

// CardNumber checks the number of a personal bank card by Luhn's rule (ISO/IEC
// 7812-1). Never use it on a corporate account. Errors: identity.luhn_form,
// identity.luhn_check.
func CardNumber(number string) error {
	if len(number) < cardMin || len(number) > cardMax || !digits(number) {
		return fault.Invalid("identity.luhn_form", cardMin, cardMax).On("account", number)
	}
	sum := 0
	for i := range len(number) {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	if sum%10 != 0 {
		return fault.Invalid("identity.luhn_check").On("account", number)
	}
	return nil
}

// SameName refuses an account whose holder is not its member (同名): bound accounts
// are paid to their owner alone. Width, case, spaces and the dots in foreign and
// minority names do not count. Errors: identity.name.
func SameName(owner, holder string) error {
	if o := plainName(owner); o == "" || o != plainName(holder) {
		return fault.Invalid("identity.name", owner, holder)
	}
	return nil
}

// plainName folds the ways in which one name is written: full and half width,
// case, spaces, the many middle dots.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || strings.ContainsRune("·•・‧∙.", r):
			return -1
		case r == '〔' || r == '【':
			return '('
		case r == '〕' || r == '】':
			return ')'
		}
		return unicode.ToUpper(r)
	}, norm.NFKC.String(name))
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
