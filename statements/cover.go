package statements

import (
	"context"
	"encoding/json"
	"strings"

	"custody/clearing"
	"custody/internal/bizdate"
	"custody/internal/lang"
	"custody/internal/money"
	"custody/internal/store"
)

// fileRow is a source file of the date.
type fileRow struct {
	Kind   string       `db:"kind"`
	Source string       `db:"source"`
	State  string       `db:"state"`
	Name   string       `db:"name"`
	SHA256 string       `db:"sha256"`
	Rows   int          `db:"row_count"`
	Pay    money.Amount `db:"pay_fen"`
	Refund money.Amount `db:"refund_fen"`
	Fee    money.Amount `db:"fee_fen"`
}

// source is where the file came from; the account of a statement is masked.
func (f fileRow) source() string {
	switch f.Kind {
	case "statement", "intraday", "balances":
		return masked(f.Source)
	default:
		return f.Source
	}
}

// writeCover writes the first sheet (封面).
func (r *report) writeCover(ctx context.Context, tx *store.Tx) error {
	s, err := r.open(form{code: "cover", pages: 1, widths: []int{16, 23, 32, 9, 16, 16, 14, 40}})
	if err != nil {
		return err
	}
	s.heading(r.text("title.workbook"), r.text("subtitle.workbook"))
	s.fact("custody", r.custody.Code+"  "+r.custody.Name)
	s.fact("account_no", masked(r.custody.Account))
	s.fact("accounting_date", r.in.Date.String())
	s.fact("state", r.named("state", r.in.State))
	s.fact("result_hash", orDash(r.in.ResultHash))
	if r.in.Config.Clock == clearing.Replay {
		s.fact("clock", r.text("clock.replay"))
	}
	rules, err := r.ruleTexts(ctx, tx)
	if err != nil {
		return err
	}
	s.fact("release", r.text("release", r.in.Config.Release.Days))
	for _, rule := range rules {
		s.fact("rule", rule)
	}
	s.fact("limits", r.text("limits", r.in.Config.Limits.PoolDays, r.in.Config.Limits.TransitDays))
	s.fact("channels", r.channelTexts())
	s.fact("payout", r.text("payout.terms", r.in.Config.Payout.FeeFen().Grouped(), r.in.Config.Payout.MinimumFen().Grouped(), r.in.Config.Payout.Route))
	s.skip(1)
	r.coverChecks(s)
	s.skip(1)
	if err := r.coverFiles(ctx, tx, s); err != nil {
		return err
	}
	s.signatures()
	row := s.tall(28, s.span(lookNote, r.text("disclaimer"))...)
	s.merge(row, 1, s.width)
	return s.close()
}

// fact writes a name and its value over the rest of the row.
func (s *sheet) fact(code, value string) {
	cells := s.span(lookText, "")
	cells[0] = s.cell(lookLabel, s.text("fact."+code))
	cells[1] = s.str(value)
	row := s.tall(18, cells...)
	s.merge(row, 2, s.width)
}

func orDash(s string) string {
	if s == "" {
		return "—"
	}
	return s
}

// ruleTexts returns the split rules in force on the date, as the books keep
// them; custody.yaml's where the books have none yet.
func (r *report) ruleTexts(ctx context.Context, tx *store.Tx) ([]string, error) {
	var rules []clearing.RuleConfig
	err := tx.Each(ctx, "SELECT rule_id, effective_date, content FROM split_rules WHERE custody_id = ? AND effective_date <= ? ORDER BY rule_id, version",
		[]any{r.in.Custody, r.in.Date}, func(scan func(...any) error) error {
			var rule clearing.RuleConfig
			var effective bizdate.Date
			var content, id string
			if err := scan(&id, &effective, &content); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(content), &rule); err != nil {
				return err
			}
			rule.ID, rule.Effective = id, effective.String()
			if n := len(rules); n > 0 && rules[n-1].ID == id { // a later version of the same rule
				rules = rules[:n-1]
			}
			rules = append(rules, rule)
			return nil
		})
	if err != nil {
		return nil, err
	}
	if len(rules) == 0 {
		rules = r.in.Config.Rules
	}
	out := make([]string, len(rules))
	for i, x := range rules {
		if len(x.Levels) > 0 {
			out[i] = r.text("rule-levels", x.ID, x.Effective, r.levelTexts(x), r.named("bearer", x.FeeBearer))
			continue
		}
		out[i] = r.text("rule", x.ID, x.Effective, money.Percent(x.HeadOfficePPM), money.Percent(x.PartnerPPM), r.named("bearer", x.FeeBearer))
	}
	return out, nil
}

// levelTexts lists who receives at what rate, in the order of the levels.
func (r *report) levelTexts(c clearing.RuleConfig) string {
	parts := make([]string, len(c.Levels))
	for i, l := range c.Levels {
		who := strings.TrimPrefix(l.To, "member:")
		if who == l.To {
			who = r.named("party", l.To)
		}
		parts[i] = who + " " + money.Percent(l.PPM)
	}
	return strings.Join(parts, ", ")
}

func (r *report) channelTexts() string {
	texts := make([]string, len(r.in.Config.Channels))
	for i, ch := range r.in.Config.Channels {
		texts[i] = r.text("channel", ch.Code, ch.Name, money.Percent(ch.FeePPM), r.named("paydays", ch.PayDays))
	}
	return strings.Join(texts, r.text("list"))
}

// coverChecks writes the closing checks (日终检查) with state and difference.
func (r *report) coverChecks(s *sheet) {
	s.section("title.checks")
	cells := s.span(lookHead, "")
	for i, c := range map[int]string{0: "check", 1: "check_name", 4: "difference", 5: "check_state", 6: "check_note"} {
		cells[i] = s.cell(lookHead, s.text("col."+c))
	}
	row := s.tall(20, cells...)
	s.mergeCheck(row)
	for _, c := range r.in.Checks {
		cells := s.span(lookText, "")
		cells[0], cells[1] = s.cell(lookLink, c.ID), s.str(r.named("check", c.ID))
		cells[4], cells[5] = s.amount(c.Difference), s.checkState(c)
		cells[6] = s.str(r.named("check_note", c.State))
		row := s.add(cells...)
		s.mergeCheck(row)
		if target, ok := r.checkRow(c.ID); ok {
			s.link(1, row, r.checks.name, target)
		}
	}
	if len(r.in.Checks) == 0 {
		s.merge(s.none(), 1, s.width)
	}
}

func (s *sheet) mergeCheck(row int) {
	s.merge(row, 2, 4)
	s.merge(row, 7, 8)
}

// checkState shows a check as passed only where it compared something.
func (s *sheet) checkState(c clearing.CheckView) any {
	look := lookCentre
	switch {
	case !c.OK:
		look = lookBad
	case c.State == "passed":
		look = lookGood
	}
	return s.cell(look, s.named("check_state", c.State))
}

// coverFiles lists the source files of the date with totals and digest.
func (r *report) coverFiles(ctx context.Context, tx *store.Tx, s *sheet) error {
	var files []fileRow
	err := tx.Select(ctx, &files, `SELECT kind, source, state, name, sha256, row_count, pay_fen, refund_fen, fee_fen
		FROM files WHERE custody_id = ? AND business_date = ? AND state <> 'REJECTED' ORDER BY kind, source, file_id`, r.in.Custody, r.in.Date)
	if err != nil {
		return err
	}
	s.section("title.files")
	s.head("file_kind", "file_source", "file_name", "rows", "pay", "refund", "fee", "sha256")
	for _, f := range files {
		name := f.Name
		if f.State != "LOADED" {
			name = strings.TrimSpace(name + " " + r.named("file_state", f.State))
		}
		s.tall(26, s.cell(lookCentre, r.named("file_kind", f.Kind)), s.cell(lookWrap, f.source()), s.cell(lookWrap, name), s.count(f.Rows),
			s.amount(f.Pay), s.amount(f.Refund), s.amount(f.Fee), s.cell(lookHash, f.SHA256))
	}
	if len(files) == 0 {
		s.merge(s.none(), 1, s.width)
	}
	return nil
}

// writeChecks writes what each closing check compared.
func (r *report) writeChecks(context.Context, *store.Tx) error {
	s, err := r.open(form{code: "checks", frozen: 3, widths: []int{9, 56, 14, 20, 60}})
	if err != nil {
		return err
	}
	r.checks = s
	s.heading(r.text("title.checks"), r.below)
	s.head("check", "check_item", "check_state", "amount", "check_note")
	for _, c := range r.in.Checks {
		s.tall(18, s.cell(lookTotalText, c.ID), s.cell(lookTotalText, r.named("check", c.ID)), s.checkState(c),
			s.cell(lookTotal, number(c.Difference)), s.cell(lookTotalText, r.text("col.difference")))
		for _, d := range c.Detail {
			label := d.Label
			if lang.Has(label) {
				label = lang.Text(r.lang, label)
			}
			amount := s.amount(d.Amount)
			if d.Note != "" {
				amount = s.flow(d.Amount) // a line that only counts has no amount
			}
			s.add(s.str(""), s.cell(lookWrap, label), s.str(""), amount, s.cell(lookWrap, d.Note))
		}
	}
	if len(r.in.Checks) == 0 {
		s.none()
	}
	return s.close()
}

// checkRow is the row of a check on the sheet of checks: its rows are the
// checks in order, each followed by its detail.
func (r *report) checkRow(id string) (int, bool) {
	row := 4
	for _, c := range r.in.Checks {
		if c.ID == id {
			return row, true
		}
		row += 1 + len(c.Detail)
	}
	return 0, false
}
