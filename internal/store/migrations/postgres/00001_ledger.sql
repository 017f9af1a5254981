-- The ledger (written by subaccounts alone) and the audit log (internal/audit).
-- Dates are yyyymmdd integers, moments Unix milliseconds, amounts integer fen.
-- Every key begins with custody_id, so that a distributed engine can shard by it.
-- Texts compare by their bytes on every engine, hence COLLATE "C".

-- +goose Up

-- One row per custody account (存管专户): identity and the heads of its sequences.
CREATE TABLE custodies (
    custody_id      BIGINT NOT NULL PRIMARY KEY,
    code            TEXT COLLATE "C" NOT NULL, -- unique: subaccounts sees to it, since a sharded engine cannot
    name            TEXT COLLATE "C" NOT NULL,
    account_no      TEXT COLLATE "C" NOT NULL,
    voucher_count   BIGINT NOT NULL DEFAULT 0, -- size of the voucher log
    account_count   BIGINT NOT NULL DEFAULT 0  -- last account_id given out
);
CREATE INDEX custodies_by_code ON custodies (code);

-- Franchisees (加盟商) and channel partners (渠道合作方).
CREATE TABLE members (
    custody_id  BIGINT NOT NULL,
    code        TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL CHECK (kind IN ('FRANCHISEE', 'PARTNER')),
    partner     TEXT COLLATE "C" NOT NULL DEFAULT '', -- the partner who shares in a franchisee's orders
    status      TEXT COLLATE "C" NOT NULL CHECK (status IN ('NORMAL', 'STOPPED', 'FROZEN', 'CLOSED')),
    PRIMARY KEY (custody_id, code)
);

-- Bound bank accounts (绑定账户); the highest version of a member is in force.
CREATE TABLE bindings (
    custody_id    BIGINT NOT NULL,
    member        TEXT COLLATE "C" NOT NULL,
    version       BIGINT NOT NULL,
    account_no    TEXT COLLATE "C" NOT NULL,
    account_name  TEXT COLLATE "C" NOT NULL,
    bank_name     TEXT COLLATE "C" NOT NULL,
    cnaps         TEXT COLLATE "C" NOT NULL,
    status        TEXT COLLATE "C" NOT NULL CHECK (status IN ('PENDING', 'VERIFIED', 'BLOCKED', 'UNBOUND')),
    PRIMARY KEY (custody_id, member, version)
);

-- Accounts of the chart × owner: 2001.A is code 2001, owner A.
CREATE TABLE accounts (
    custody_id   BIGINT NOT NULL,
    account_id   BIGINT NOT NULL,
    code         TEXT COLLATE "C" NOT NULL,
    owner        TEXT COLLATE "C" NOT NULL, -- member, channel or '' for head office
    balance_fen  BIGINT NOT NULL, -- live, signed: debit positive
    last_seq     BIGINT NOT NULL, -- entries so far
    PRIMARY KEY (custody_id, account_id),
    UNIQUE (custody_id, code, owner)
);

-- Open items of an account: channel × clearing date, exception, payout serial.
-- An item that reaches zero vanishes.
CREATE TABLE items (
    custody_id   BIGINT NOT NULL,
    account_id   BIGINT NOT NULL,
    item         TEXT COLLATE "C" NOT NULL,
    balance_fen  BIGINT NOT NULL, -- live, signed: debit positive
    PRIMARY KEY (custody_id, account_id, item)
);
CREATE INDEX items_by_item ON items (custody_id, item);

-- Vouchers (凭证), append-only. voucher_id is the position in the log, from 1.
CREATE TABLE vouchers (
    custody_id       BIGINT NOT NULL,
    voucher_id       BIGINT NOT NULL,
    accounting_date  BIGINT NOT NULL, -- 会计日
    voucher_no       BIGINT NOT NULL, -- per accounting date, from 1, no gaps
    event            TEXT COLLATE "C" NOT NULL, -- E1, E2, ...
    reference        TEXT COLLATE "C" NOT NULL, -- unique forever within custody and event
    content_hash     BYTEA NOT NULL, -- of event, reference, date and legs
    reverses_id      BIGINT NOT NULL, -- the voucher that this one reverses in red (红字冲正), or 0
    source           TEXT COLLATE "C" NOT NULL, -- file row, instruction or step run
    actor            TEXT COLLATE "C" NOT NULL,
    created_at       BIGINT NOT NULL,
    legs             TEXT COLLATE "C" NOT NULL, -- account_id:seq of its entries, in line order
    leaf_hash        BYTEA NOT NULL, -- leaf of the voucher log
    PRIMARY KEY (custody_id, voucher_id)
);
CREATE UNIQUE INDEX vouchers_by_reference ON vouchers (custody_id, event, reference);
CREATE UNIQUE INDEX vouchers_by_number ON vouchers (custody_id, accounting_date, voucher_no);

-- Entries (分录), clustered by account: a statement is one range.
CREATE TABLE entries (
    custody_id         BIGINT NOT NULL,
    account_id         BIGINT NOT NULL,
    seq                BIGINT NOT NULL, -- per account, from 1, in posting order
    voucher_id         BIGINT NOT NULL,
    line               BIGINT NOT NULL, -- of the voucher, from 1
    accounting_date    BIGINT NOT NULL,
    amount_fen         BIGINT NOT NULL, -- signed: debit positive, credit negative
    item               TEXT COLLATE "C" NOT NULL, -- open item, '' where the account has none
    balance_after_fen  BIGINT NOT NULL, -- of the account, live, in posting order
    PRIMARY KEY (custody_id, account_id, seq)
);

-- Debits and credits of a touched account per accounting date. Opening and
-- closing are NULL while the date is open and fixed when it is closed.
CREATE TABLE day_balances (
    custody_id       BIGINT NOT NULL,
    accounting_date  BIGINT NOT NULL,
    account_id       BIGINT NOT NULL,
    debit_fen        BIGINT NOT NULL,
    credit_fen       BIGINT NOT NULL,
    opening_fen      BIGINT, -- signed: debit positive
    closing_fen      BIGINT,
    PRIMARY KEY (custody_id, accounting_date, account_id)
);
CREATE UNIQUE INDEX day_balances_by_account ON day_balances (custody_id, account_id, accounting_date);

-- Accounting dates that the ledger knows: a closed one takes no entry.
CREATE TABLE ledger_days (
    custody_id       BIGINT NOT NULL,
    accounting_date  BIGINT NOT NULL,
    closed           BIGINT NOT NULL CHECK (closed IN (0, 1)),
    vouchers         BIGINT NOT NULL, -- last voucher_no of the date
    debit_fen        BIGINT NOT NULL,
    credit_fen       BIGINT NOT NULL,
    PRIMARY KEY (custody_id, accounting_date)
);

-- Full inner nodes of the voucher log: level 1 covers 256 leaves, level 2 65,536.
CREATE TABLE voucher_log_nodes (
    custody_id  BIGINT NOT NULL,
    level       BIGINT NOT NULL,
    node        BIGINT NOT NULL,
    hash        BYTEA NOT NULL,
    PRIMARY KEY (custody_id, level, node)
);

-- Every change of people, rules, members, bindings, approvals and days.
-- digest is that of the subject's row after the change: verify compares it.
CREATE TABLE audit_events (
    custody_id  BIGINT NOT NULL,
    event_id    BIGINT NOT NULL, -- position in the log, from 1
    at          BIGINT NOT NULL,
    actor       TEXT COLLATE "C" NOT NULL,
    action      TEXT COLLATE "C" NOT NULL,
    subject     TEXT COLLATE "C" NOT NULL, -- table of the subject
    key         TEXT COLLATE "C" NOT NULL, -- its key within the custody account
    digest      BYTEA NOT NULL,
    detail      TEXT COLLATE "C" NOT NULL, -- JSON
    leaf_hash   BYTEA NOT NULL,
    PRIMARY KEY (custody_id, event_id)
);
CREATE INDEX audit_events_by_subject ON audit_events (custody_id, subject, key, event_id);

-- Size of the audit log: a cut tail shows.
CREATE TABLE audit_heads (
    custody_id  BIGINT NOT NULL PRIMARY KEY,
    events      BIGINT NOT NULL
);

CREATE TABLE audit_log_nodes (
    custody_id  BIGINT NOT NULL,
    level       BIGINT NOT NULL,
    node        BIGINT NOT NULL,
    hash        BYTEA NOT NULL,
    PRIMARY KEY (custody_id, level, node)
);

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
