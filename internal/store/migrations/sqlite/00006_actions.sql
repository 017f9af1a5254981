-- What people decide about members: states of accounts (subaccounts),
-- parameters with effective dates and tax withheld (clearing).

-- +goose Up

-- State of a member's account beyond its status (子账户状态); no row: the status says it all.
CREATE TABLE member_states (
    custody_id  INTEGER NOT NULL,
    code        TEXT    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('NORMAL', 'STOPPED', 'FROZEN', 'DORMANT', 'TO_CLOSE', 'CLOSED')),
    since_date  INTEGER NOT NULL, -- accounting date
    reason      TEXT    NOT NULL,
    PRIMARY KEY (custody_id, code)
) STRICT, WITHOUT ROWID;

-- Parameters that two people set (参数); the latest version that is in effect holds.
CREATE TABLE parameters (
    custody_id      INTEGER NOT NULL,
    kind            TEXT    NOT NULL CHECK (kind IN ('payer', 'tax', 'person', 'credit-limit')),
    subject         TEXT    NOT NULL, -- payer's account or name, member; '' for all
    version         INTEGER NOT NULL, -- from 1
    effective_date  INTEGER NOT NULL,
    content         TEXT    NOT NULL, -- JSON, as approved
    approval_id     TEXT    NOT NULL,
    PRIMARY KEY (custody_id, kind, subject, version)
) STRICT, WITHOUT ROWID;

-- Tax withheld from members who are persons (代扣个人所得税).
CREATE TABLE withholdings (
    custody_id       INTEGER NOT NULL,
    reference        TEXT    NOT NULL, -- of the voucher that withheld it
    member           TEXT    NOT NULL,
    accounting_date  INTEGER NOT NULL,
    gross_fen        INTEGER NOT NULL CHECK (gross_fen > 0),
    withheld_fen     INTEGER NOT NULL CHECK (withheld_fen >= 0),
    rule_version     INTEGER NOT NULL, -- of the parameter 'tax'
    PRIMARY KEY (custody_id, reference)
) STRICT, WITHOUT ROWID;
CREATE INDEX withholdings_by_member ON withholdings (custody_id, member, accounting_date);

-- +goose Down

DROP TABLE withholdings;
DROP TABLE parameters;
DROP TABLE member_states;
