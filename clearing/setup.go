package clearing

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"custody/clearing/people"
	"custody/internal/bizdate"
	"custody/internal/clock"
	"custody/internal/fault"
	"custody/internal/signing"
	"custody/internal/store"
	"custody/subaccounts"
)

// OpenOptions say which home and database to open.
type OpenOptions struct {
	Home    string
	DSN     string // empty: custody.db in the home
	Custody string // empty: the one that custody.yaml names
	Clock   clock.Clock
	Random  io.Reader // for keys that are made at first use
}

// folders of a home.
var folders = []string{"inbox", "outbox", "vault", "reports", "seals", "keys"}

func (o OpenOptions) dsn() string {
	if o.DSN != "" {
		return o.DSN
	}
	return filepath.Join(o.Home, "custody.db")
}

// Open opens an initialised home.
func Open(ctx context.Context, o OpenOptions) (*Engine, error) {
	config, err := LoadConfig(filepath.Join(o.Home, "custody.yaml"))
	if err != nil {
		return nil, err
	}
	if !store.Exists(o.dsn()) {
		return nil, fault.Invalid("home.init", o.Home).On("--home", o.Home)
	}
	return open(ctx, o, config)
}

func open(ctx context.Context, o OpenOptions, config *Config) (*Engine, error) {
	if o.Custody != "" && o.Custody != config.Code {
		return nil, fault.Invalid("home.custody", config.Code).On("--custody", o.Custody)
	}
	days, err := loadCalendar(o.Home)
	if err != nil {
		return nil, err
	}
	keys := filepath.Join(o.Home, "keys")
	key, err := signing.LoadOrCreateAs(keys, "seal", config.Signing.algorithm(), o.Random)
	if err != nil {
		return nil, err
	}
	secret, err := signing.LoadOrCreateSecret(filepath.Join(keys, "salt"), len([32]byte{}), o.Random)
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, o.dsn())
	if err != nil {
		return nil, err
	}
	e := &Engine{DB: db, Config: config, Calendar: days, Home: o.Home, Clock: o.Clock, Key: key, random: o.Random}
	err = db.Tx(ctx, func(tx *store.Tx) error {
		e.Book, err = subaccounts.Open(ctx, tx, config.Code, [32]byte(secret))
		if fault.CodeOf(err) == "ledger.custody_unknown" {
			var id int64
			if id, err = subaccounts.NextID(ctx, tx); err != nil {
				return err
			}
			if err = subaccounts.Create(ctx, tx, id, config.Code, config.Name, config.Account); err == nil {
				e.Book, err = subaccounts.Open(ctx, tx, config.Code, [32]byte(secret))
			}
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	e.Book.Guard(db)
	return e, nil
}

// Close closes the database.
func (e *Engine) Close() error { return e.DB.Close() }

// setupActor stands in the audit log for what custody.yaml brings at init.
const setupActor = "init"

// Init makes a home out of custody.yaml and members.csv: folders, keys,
// database, custody account, users, split rules, members with their bound
// accounts. A home that is there already is left as it is.
func Init(ctx context.Context, o OpenOptions) (*Engine, bool, error) {
	config, err := LoadConfig(filepath.Join(o.Home, "custody.yaml"))
	if err != nil {
		return nil, false, err
	}
	for _, name := range folders {
		if err := os.MkdirAll(filepath.Join(o.Home, name), 0o700); err != nil {
			return nil, false, fault.Invalid("home.folder", name).Because(err)
		}
	}
	e, err := open(ctx, o, config)
	if err != nil {
		return nil, false, err
	}
	rules, err := e.Rules(ctx)
	if err == nil && len(rules) == 0 {
		return e, true, errors.Join(e.setup(ctx), nil)
	}
	return e, false, err
}

// setup fills the empty books in one transaction.
func (e *Engine) setup(ctx context.Context) error {
	at := e.Clock.Now()
	return e.DB.Tx(ctx, func(tx *store.Tx) error {
		for _, u := range e.Config.Users {
			err := people.Add(ctx, tx, e.Book.ID(), setupActor, at, people.User{Name: u.Name, OSUser: u.OSUser, Roles: strings.Join(u.Roles, " ")})
			if err != nil {
				return err
			}
		}
		if err := e.addRules(ctx, tx, at); err != nil {
			return err
		}
		path := filepath.Join(e.Home, "members.csv")
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if _, err := e.importMembers(ctx, tx, setupActor, at, path); err != nil {
			return err
		}
		for _, r := range e.Config.Rules {
			if err := firstErr(e.checkReceivers(ctx, tx, r), e.checkScope(ctx, tx, r)); err != nil {
				return err
			}
		}
		return e.checkPartners(ctx, tx)
	})
}

// checkPartners refuses members whose partner is nobody: their share would
// have no account.
func (e *Engine) checkPartners(ctx context.Context, tx *store.Tx) error {
	members, err := e.Book.Members(ctx, tx)
	if err != nil {
		return err
	}
	partners := map[string]bool{"": true}
	for _, m := range members {
		partners[m.Code] = m.Kind == subaccounts.Partner
	}
	for _, m := range members {
		if !partners[m.Partner] {
			return fault.Invalid("member.partner", m.Code).In("members.csv").On("partner", m.Partner)
		}
	}
	return nil
}

// addRules takes over the rules of custody.yaml.
func (e *Engine) addRules(ctx context.Context, tx *store.Tx, at time.Time) error {
	versions := map[string]int{}
	var before []RuleVersion
	for _, r := range e.Config.Rules {
		if len(r.Levels) > 0 {
			contract := r.contract(e.Config.Limits)
			r.Contract = &contract
		}
		versions[r.ID]++
		draft := RuleDraft{Version: versions[r.ID], Rule: r}
		if err := e.checkOthers(before, draft, false); err != nil {
			return err
		}
		effective, err := bizdate.Parse(r.Effective)
		if err != nil {
			return err
		}
		before = append(before, RuleVersion{SplitRule: SplitRule{ID: r.ID, Version: draft.Version, Effective: effective}, Rule: r})
		if err := e.addRule(ctx, tx, at, setupActor, "rule.add", draft); err != nil {
			return err
		}
	}
	return nil
}

// addRule writes a version that holds from its effective date on.
func (e *Engine) addRule(ctx context.Context, tx *store.Tx, at time.Time, actor, action string, d RuleDraft) error {
	raw, err := json.Marshal(d.Rule)
	if err != nil {
		return err
	}
	effective, err := bizdate.Parse(d.Rule.Effective)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "INSERT INTO split_rules (custody_id, rule_id, version, effective_date, content) VALUES (?, ?, ?, ?, ?)",
		e.Book.ID(), d.Rule.ID, d.Version, effective, string(raw))
	if err != nil {
		return err
	}
	return auditedRules.Record(ctx, tx, e.Book.ID(), at, actor, action, []any{d.Rule.ID, d.Version}, d.Rule)
}

// memberColumns are those of members.csv; regionColumn may follow them.
var memberColumns = []string{"code", "name", "kind", "partner", "account", "account_name", "bank", "cnaps"}

const regionColumn = "region"

// maxMembers bounds members.csv: a chain of 100,000 shops has as many rows.
const maxMembers = 200_000

// ImportMembers adds the members of a CSV file that are not there yet, with
// their bound accounts. It returns how many it added.
func (e *Engine) ImportMembers(ctx context.Context, actor, path string) (n int, err error) {
	err = e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Members); err != nil {
			return err
		}
		if n, err = e.importMembers(ctx, tx, actor, e.Clock.Now(), path); err != nil {
			return err
		}
		return e.checkPartners(ctx, tx)
	})
	return n, err
}

func (e *Engine) importMembers(ctx context.Context, tx *store.Tx, actor string, at time.Time, path string) (int, error) {
	name := filepath.Base(path)
	f, err := os.Open(path)
	if err != nil {
		return 0, fault.Invalid("file.read", name).In(name).Because(err)
	}
	defer f.Close()
	r := csv.NewReader(skipMark(io.LimitReader(f, maxConfigBytes*64)))
	header, err := r.Read() // every row has as many fields
	if err != nil || !slices.Equal(header, memberColumns) && !slices.Equal(header, append(slices.Clone(memberColumns), regionColumn)) {
		return 0, fault.Invalid("member.header", strings.Join(memberColumns, ",")).In(name).AtLine(1).Because(err)
	}
	regions := map[string]string{} // set last: a region may stand below its franchisees
	added := 0
	for {
		row, err := r.Read()
		line, _ := r.FieldPos(0)
		switch {
		case errors.Is(err, io.EOF):
			return added, e.setRegions(ctx, tx, actor, at, name, regions)
		case err != nil:
			return added, fault.Invalid("member.row").In(name).AtLine(line).Because(err)
		case added >= maxMembers:
			return added, fault.Invalid("member.limit", maxMembers).In(name).AtLine(line)
		}
		isNew, err := e.addMemberRow(ctx, tx, actor, at, row)
		if fl := fault.Of(err); fl != nil {
			return added, fl.In(name).AtLine(line)
		}
		if err != nil {
			return added, err
		}
		if isNew {
			added++
			if len(row) > len(memberColumns) && row[len(memberColumns)] != "" {
				regions[row[0]] = row[len(memberColumns)]
			}
		}
	}
}

// setRegions records the regions that a file gives its new members.
func (e *Engine) setRegions(ctx context.Context, tx *store.Tx, actor string, at time.Time, file string, regions map[string]string) error {
	for _, code := range slices.Sorted(maps.Keys(regions)) {
		err := e.Book.SetRegion(ctx, tx, actor, at, code, regions[code])
		if f := fault.Of(err); f != nil {
			return f.In(file)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addMemberRow adds one member; in a home that is being made its account
// counts as verified, later it waits for a checker.
func (e *Engine) addMemberRow(ctx context.Context, tx *store.Tx, actor string, at time.Time, row []string) (bool, error) {
	m := subaccounts.Member{Code: row[0], Name: row[1], Kind: row[2], Partner: row[3], Status: subaccounts.StatusNormal}
	_, found, err := e.Book.GetMember(ctx, tx, m.Code)
	if err != nil || found {
		return false, err
	}
	if err := e.Book.AddMember(ctx, tx, actor, at, m); err != nil || row[4] == "" {
		return true, err
	}
	b := subaccounts.Binding{Member: m.Code, AccountNo: row[4], AccountName: row[5], BankName: row[6], CNAPS: row[7]}
	if actor != setupActor {
		_, err := e.bind(ctx, tx, actor, at, b)
		return true, err
	}
	if err := firstErr(checkBinding(b), e.checkOwner(ctx, tx, b)); err != nil {
		return false, err
	}
	if _, err := e.Book.Bind(ctx, tx, actor, at, b); err != nil {
		return false, err
	}
	return true, e.Book.VerifyBinding(ctx, tx, actor, at, m.Code)
}

// skipMark skips the byte order mark that spreadsheets write.
func skipMark(src io.Reader) io.Reader {
	r := bufio.NewReader(src)
	if mark, err := r.Peek(3); err == nil && string(mark) == "\uFEFF" {
		_, _ = r.Discard(3)
	}
	return r
}

// AddMember adds one member, below a region where one is given, and with a bound
// account that waits for a checker where one is given.
func (e *Engine) AddMember(ctx context.Context, actor string, m subaccounts.Member, region string, b *subaccounts.Binding) error {
	return e.AddLegalMember(ctx, actor, m, region, subaccounts.Identity{}, b)
}

// AddLegalMember is AddMember with who the member is in law (实名), where that has a
// name: all or nothing but for the bound account, which is submitted after.
func (e *Engine) AddLegalMember(ctx context.Context, actor string, m subaccounts.Member, region string, i subaccounts.Identity, b *subaccounts.Binding) error {
	at := e.Clock.Now()
	err := e.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := people.Require(ctx, tx, actor, people.Members); err != nil {
			return err
		}
		if err := e.Book.AddMember(ctx, tx, actor, at, m); err != nil {
			return err
		}
		if region != "" {
			if err := e.Book.SetRegion(ctx, tx, actor, at, m.Code, region); err != nil {
				return err
			}
		}
		if i.Name == "" {
			return nil
		}
		i.Member = m.Code
		return e.setIdentity(ctx, tx, actor, i)
	})
	if err != nil || b == nil {
		return err
	}
	b.Member = m.Code
	_, err = e.Bind(ctx, actor, *b)
	return err
}
