-- What people decide about members: states of accounts (subaccounts),
-- parameters with effective dates and tax withheld (clearing).

-- +goose Up

-- State of a member's account beyond its status (子账户状态); no row: the status says it all.
CREATE TABLE member_states (
    custody_id  BIGINT NOT NULL,
    code        TEXT COLLATE "C" NOT NULL,
    state       TEXT COLLATE "C" NOT NULL CHECK (state IN ('NORMAL', 'STOPPED', 'FROZEN', 'DORMANT', 'TO_CLOSE', 'CLOSED')),
    since_date  BIGINT NOT NULL, -- accounting date
    reason      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (custody_id, code)
);

-- Parameters that two people set (参数); the latest version that is in effect holds.
CREATE TABLE parameters (
    custody_id      BIGINT NOT NULL,
    kind            TEXT COLLATE "C" NOT NULL CHECK (kind IN ('payer', 'tax', 'person', 'credit-limit')),
    subject         TEXT COLLATE "C" NOT NULL, -- payer's account or name, member; '' for all
    version         BIGINT NOT NULL, -- from 1
    effective_date  BIGINT NOT NULL,
    content         TEXT COLLATE "C" NOT NULL, -- JSON, as approved
    approval_id     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (custody_id, kind, subject, version)
);

-- Tax withheld from members who are persons (代扣个人所得税).
CREATE TABLE withholdings (
    custody_id       BIGINT NOT NULL,
    reference        TEXT COLLATE "C" NOT NULL, -- of the voucher that withheld it
    member           TEXT COLLATE "C" NOT NULL,
    accounting_date  BIGINT NOT NULL,
    gross_fen        BIGINT NOT NULL CHECK (gross_fen > 0),
    withheld_fen     BIGINT NOT NULL CHECK (withheld_fen >= 0),
    rule_version     BIGINT NOT NULL, -- of the parameter 'tax'
    PRIMARY KEY (custody_id, reference)
);
CREATE INDEX withholdings_by_member ON withholdings (custody_id, member, accounting_date);

-- +goose Down

DROP TABLE withholdings;
DROP TABLE parameters;
DROP TABLE member_states;
