-- The ledger (written by subaccounts alone) and the audit log (internal/audit).
-- Dates are yyyymmdd integers, moments Unix milliseconds, amounts integer fen.
-- Every key begins with custody_id, so that a distributed engine can shard by it.

-- +goose Up

-- One row per custody account (存管专户): identity and the heads of its sequences.
CREATE TABLE custodies (
    custody_id      INTEGER NOT NULL PRIMARY KEY,
    code            TEXT    NOT NULL UNIQUE,
    name            TEXT    NOT NULL,
    account_no      TEXT    NOT NULL,
    voucher_count   INTEGER NOT NULL DEFAULT 0, -- size of the voucher log
    account_count   INTEGER NOT NULL DEFAULT 0  -- last account_id given out
) STRICT;

-- Franchisees (加盟商) and channel partners (渠道合作方).
CREATE TABLE members (
    custody_id  INTEGER NOT NULL,
    code        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind IN ('FRANCHISEE', 'PARTNER')),
    partner     TEXT    NOT NULL DEFAULT '', -- the partner who shares in a franchisee's orders
    status      TEXT    NOT NULL CHECK (status IN ('NORMAL', 'STOPPED', 'FROZEN', 'CLOSED')),
    PRIMARY KEY (custody_id, code)
) STRICT, WITHOUT ROWID;

-- Bound bank accounts (绑定账户); the highest version of a member is in force.
CREATE TABLE bindings (
    custody_id    INTEGER NOT NULL,
    member        TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    account_no    TEXT    NOT NULL,
    account_name  TEXT    NOT NULL,
    bank_name     TEXT    NOT NULL,
    cnaps         TEXT    NOT NULL,
    status        TEXT    NOT NULL CHECK (status IN ('PENDING', 'VERIFIED', 'BLOCKED', 'UNBOUND')),
    PRIMARY KEY (custody_id, member, version)
) STRICT, WITHOUT ROWID;

-- Accounts of the chart × owner: 2001.A is code 2001, owner A.
CREATE TABLE accounts (
    custody_id   INTEGER NOT NULL,
    account_id   INTEGER NOT NULL,
    code         TEXT    NOT NULL,
    owner        TEXT    NOT NULL, -- member, channel or '' for head office
    balance_fen  INTEGER NOT NULL, -- live, signed: debit positive
    last_seq     INTEGER NOT NULL, -- entries so far
    PRIMARY KEY (custody_id, account_id),
    UNIQUE (custody_id, code, owner)
) STRICT, WITHOUT ROWID;

-- Open items of an account: channel × clearing date, exception, payout serial.
-- An item that reaches zero vanishes.
CREATE TABLE items (
    custody_id   INTEGER NOT NULL,
    account_id   INTEGER NOT NULL,
    item         TEXT    NOT NULL,
    balance_fen  INTEGER NOT NULL, -- live, signed: debit positive
    PRIMARY KEY (custody_id, account_id, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX items_by_item ON items (custody_id, item);

-- Vouchers (凭证), append-only. voucher_id is the position in the log, from 1.
CREATE TABLE vouchers (
    custody_id       INTEGER NOT NULL,
    voucher_id       INTEGER NOT NULL,
    accounting_date  INTEGER NOT NULL, -- 会计日
    voucher_no       INTEGER NOT NULL, -- per accounting date, from 1, no gaps
    event            TEXT    NOT NULL, -- E1, E2, ...
    reference        TEXT    NOT NULL, -- unique forever within custody and event
    content_hash     BLOB    NOT NULL, -- of event, reference, date and legs
    reverses_id      INTEGER NOT NULL, -- the voucher that this one reverses in red (红字冲正), or 0
    source           TEXT    NOT NULL, -- file row, instruction or step run
    actor            TEXT    NOT NULL,
    created_at       INTEGER NOT NULL,
    legs             TEXT    NOT NULL, -- account_id:seq of its entries, in line order
    leaf_hash        BLOB    NOT NULL, -- leaf of the voucher log
    PRIMARY KEY (custody_id, voucher_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX vouchers_by_reference ON vouchers (custody_id, event, reference);
CREATE UNIQUE INDEX vouchers_by_number ON vouchers (custody_id, accounting_date, voucher_no);

-- Entries (分录), clustered by account: a statement is one range.
CREATE TABLE entries (
    custody_id         INTEGER NOT NULL,
    account_id         INTEGER NOT NULL,
    seq                INTEGER NOT NULL, -- per account, from 1, in posting order
    voucher_id         INTEGER NOT NULL,
    line               INTEGER NOT NULL, -- of the voucher, from 1
    accounting_date    INTEGER NOT NULL,
    amount_fen         INTEGER NOT NULL, -- signed: debit positive, credit negative
    item               TEXT    NOT NULL, -- open item, '' where the account has none
    balance_after_fen  INTEGER NOT NULL, -- of the account, live, in posting order
    PRIMARY KEY (custody_id, account_id, seq)
) STRICT, WITHOUT ROWID;

-- Debits and credits of a touched account per accounting date. Opening and
-- closing are NULL while the date is open and fixed when it is closed.
CREATE TABLE day_balances (
    custody_id       INTEGER NOT NULL,
    accounting_date  INTEGER NOT NULL,
    account_id       INTEGER NOT NULL,
    debit_fen        INTEGER NOT NULL,
    credit_fen       INTEGER NOT NULL,
    opening_fen      INTEGER, -- signed: debit positive
    closing_fen      INTEGER,
    PRIMARY KEY (custody_id, accounting_date, account_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX day_balances_by_account ON day_balances (custody_id, account_id, accounting_date);

-- Accounting dates that the ledger knows: a closed one takes no entry.
CREATE TABLE ledger_days (
    custody_id       INTEGER NOT NULL,
    accounting_date  INTEGER NOT NULL,
    closed           INTEGER NOT NULL CHECK (closed IN (0, 1)),
    vouchers         INTEGER NOT NULL, -- last voucher_no of the date
    debit_fen        INTEGER NOT NULL,
    credit_fen       INTEGER NOT NULL,
    PRIMARY KEY (custody_id, accounting_date)
) STRICT, WITHOUT ROWID;

-- Full inner nodes of the voucher log: level 1 covers 256 leaves, level 2 65,536.
CREATE TABLE voucher_log_nodes (
    custody_id  INTEGER NOT NULL,
    level       INTEGER NOT NULL,
    node        INTEGER NOT NULL,
    hash        BLOB    NOT NULL,
    PRIMARY KEY (custody_id, level, node)
) STRICT, WITHOUT ROWID;

-- Every change of people, rules, members, bindings, approvals and days.
-- digest is that of the subject's row after the change: verify compares it.
CREATE TABLE audit_events (
    custody_id  INTEGER NOT NULL,
    event_id    INTEGER NOT NULL, -- position in the log, from 1
    at          INTEGER NOT NULL,
    actor       TEXT    NOT NULL,
    action      TEXT    NOT NULL,
    subject     TEXT    NOT NULL, -- table of the subject
    key         TEXT    NOT NULL, -- its key within the custody account
    digest      BLOB    NOT NULL,
    detail      TEXT    NOT NULL, -- JSON
    leaf_hash   BLOB    NOT NULL,
    PRIMARY KEY (custody_id, event_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_events_by_subject ON audit_events (custody_id, subject, key, event_id);

-- Size of the audit log: a cut tail shows.
CREATE TABLE audit_heads (
    custody_id  INTEGER NOT NULL PRIMARY KEY,
    events      INTEGER NOT NULL
) STRICT;

CREATE TABLE audit_log_nodes (
    custody_id  INTEGER NOT NULL,
    level       INTEGER NOT NULL,
    node        INTEGER NOT NULL,
    hash        BLOB    NOT NULL,
    PRIMARY KEY (custody_id, level, node)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE audit_log_nodes;
DROP TABLE audit_heads;
DROP TABLE audit_events;
DROP TABLE voucher_log_nodes;
DROP TABLE ledger_days;
DROP TABLE day_balances;
DROP TABLE entries;
DROP TABLE vouchers;
DROP TABLE items;
DROP TABLE accounts;
DROP TABLE bindings;
DROP TABLE members;
DROP TABLE custodies;
