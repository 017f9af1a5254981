-- Matches of every pair of sides, what is still open, sign-offs, proofs and the
-- versions of a day (clearing and clearing/matches; trade matches are orders' own).

-- +goose Up

-- One row per match (对账匹配). A match that was taken back stays, SUPERSEDED.
CREATE TABLE matches (
    custody_id       BIGINT NOT NULL,
    match_id         TEXT COLLATE "C"    NOT NULL, -- M20260213-00007: accounting date and number
    side             TEXT COLLATE "C"    NOT NULL CHECK (side IN ('BOOK', 'RESULT', 'BALANCES', 'CHANNEL')),
    accounting_date  BIGINT NOT NULL, -- from which it counts
    rule             TEXT COLLATE "C"    NOT NULL,
    version          BIGINT NOT NULL, -- of the matching rules
    evidence         TEXT COLLATE "C"    NOT NULL, -- the fields in which the lines agree: bank_ref+amount
    alternatives     BIGINT NOT NULL, -- readings that fit, this one included
    difference_fen   BIGINT NOT NULL,
    state            TEXT COLLATE "C"    NOT NULL CHECK (state IN ('CONFIRMED', 'SUPERSEDED')),
    actor            TEXT COLLATE "C"    NOT NULL,
    superseded_date  BIGINT,          -- accounting date from which it no longer counts
    superseded_by    TEXT COLLATE "C"    NOT NULL DEFAULT '',
    reason           TEXT COLLATE "C"    NOT NULL DEFAULT '',
    PRIMARY KEY (custody_id, match_id)
);
CREATE INDEX matches_by_date ON matches (custody_id, accounting_date, side);

-- The lines of a match. While it counts, no other match of its pair of sides can
-- hold one of them: that is what the unique index says.
CREATE TABLE match_lines (
    custody_id  BIGINT NOT NULL,
    match_id    TEXT COLLATE "C"    NOT NULL,
    part        TEXT COLLATE "C"    NOT NULL CHECK (part IN ('OURS', 'THEIRS')),
    line        TEXT COLLATE "C"    NOT NULL, -- business key: event:reference, bank reference, serial, member@date, channel.date
    side        TEXT COLLATE "C"    NOT NULL,
    amount_fen  BIGINT NOT NULL,
    line_date   BIGINT NOT NULL,
    live        BIGINT NOT NULL CHECK (live IN (0, 1)),
    PRIMARY KEY (custody_id, match_id, part, line)
);
CREATE UNIQUE INDEX match_lines_once ON match_lines (custody_id, side, part, line) WHERE live = 1;

-- Lines that a night left without partner, until a later one or a person finds it.
CREATE TABLE open_lines (
    custody_id    BIGINT NOT NULL,
    side          TEXT COLLATE "C"    NOT NULL,
    part          TEXT COLLATE "C"    NOT NULL CHECK (part IN ('OURS', 'THEIRS')),
    line          TEXT COLLATE "C"    NOT NULL,
    since_date    BIGINT NOT NULL,
    cleared_date  BIGINT,
    amount_fen    BIGINT NOT NULL,
    line_date     BIGINT NOT NULL,
    held          BIGINT NOT NULL CHECK (held IN (0, 1)), -- a person took its match back: no rule matches it again
    PRIMARY KEY (custody_id, side, part, line, since_date)
);
CREATE UNIQUE INDEX open_lines_once ON open_lines (custody_id, side, part, line) WHERE cleared_date IS NULL;

-- Readings that are not the only one: a person may confirm them, no rule does.
CREATE TABLE match_suggestions (
    custody_id       BIGINT NOT NULL,
    suggestion_id    TEXT COLLATE "C"    NOT NULL, -- S20260213-001
    side             TEXT COLLATE "C"    NOT NULL,
    accounting_date  BIGINT NOT NULL,
    rule             TEXT COLLATE "C"    NOT NULL,
    version          BIGINT NOT NULL,
    evidence         TEXT COLLATE "C"    NOT NULL,
    alternatives     BIGINT NOT NULL,
    difference_fen   BIGINT NOT NULL,
    ours             TEXT COLLATE "C"    NOT NULL, -- JSON: keys of our lines
    theirs           TEXT COLLATE "C"    NOT NULL,
    PRIMARY KEY (custody_id, suggestion_id)
);
CREATE INDEX match_suggestions_by_date ON match_suggestions (custody_id, accounting_date);

ALTER TABLE trade_matches ADD COLUMN rule_version BIGINT NOT NULL DEFAULT 1;

-- Matches of orders and bill rows that were taken back, with what was posted.
CREATE TABLE undone_trades (
    custody_id       BIGINT NOT NULL,
    bill_file_id     BIGINT NOT NULL,
    bill_row_no      BIGINT NOT NULL,
    undone_no        BIGINT NOT NULL, -- a row may be matched and taken back again
    order_file_id    BIGINT NOT NULL,
    order_row_no     BIGINT NOT NULL,
    accounting_date  BIGINT NOT NULL,
    rule             TEXT COLLATE "C"    NOT NULL,
    rule_version     BIGINT NOT NULL,
    undone_date      BIGINT NOT NULL,
    undone_by        TEXT COLLATE "C"    NOT NULL,
    reason           TEXT COLLATE "C"    NOT NULL,
    PRIMARY KEY (custody_id, bill_file_id, bill_row_no, undone_no)
);

-- Sign-off (签字) of a day's bank reconciliation by preparer and reviewer. One
-- that a reopening made fall keeps its row.
CREATE TABLE signoffs (
    custody_id       BIGINT NOT NULL,
    accounting_date  BIGINT NOT NULL,
    version          BIGINT NOT NULL,
    role             TEXT COLLATE "C"    NOT NULL CHECK (role IN ('PREPARER', 'REVIEWER')),
    user_name        TEXT COLLATE "C"    NOT NULL,
    signed_at        BIGINT NOT NULL,
    content_hash     TEXT COLLATE "C"    NOT NULL, -- of the reconciliation as it was signed
    fallen           BIGINT NOT NULL DEFAULT 0 CHECK (fallen IN (0, 1)),
    PRIMARY KEY (custody_id, accounting_date, version, role)
);
CREATE UNIQUE INDEX signoffs_by_person ON signoffs (custody_id, accounting_date, version, user_name);

-- What a day had come to before it was reopened.
CREATE TABLE day_versions (
    custody_id       BIGINT NOT NULL,
    accounting_date  BIGINT NOT NULL,
    version          BIGINT NOT NULL, -- from 1
    result_hash      TEXT COLLATE "C"    NOT NULL,
    seal             TEXT COLLATE "C"    NOT NULL, -- JSON, as it was signed
    algorithm        TEXT COLLATE "C"    NOT NULL,
    key_id           TEXT COLLATE "C"    NOT NULL,
    signature        TEXT COLLATE "C"    NOT NULL,
    approval_id      TEXT COLLATE "C"    NOT NULL, -- of the reopening
    reopened_at      BIGINT NOT NULL,
    PRIMARY KEY (custody_id, accounting_date, version)
);

-- The four proofs of a night, and what a failed one is about.
CREATE TABLE proofs (
    custody_id       BIGINT NOT NULL,
    accounting_date  BIGINT NOT NULL,
    proof            TEXT COLLATE "C"    NOT NULL CHECK (proof IN ('ROLL_FORWARD', 'BANK_BOOK', 'CUSTODY', 'RUN_TOTALS')),
    scope            TEXT COLLATE "C"    NOT NULL, -- '' is the whole; else member:CODE or channel:CODE
    difference_fen   BIGINT NOT NULL,
    PRIMARY KEY (custody_id, accounting_date, proof, scope)
);

-- How much a user may write off; NULL is without a limit of his own.
ALTER TABLE users ADD COLUMN write_off_limit_fen BIGINT;

-- +goose Down
ALTER TABLE users DROP COLUMN write_off_limit_fen;
DROP TABLE proofs;
DROP TABLE day_versions;
DROP TABLE signoffs;
DROP TABLE undone_trades;
ALTER TABLE trade_matches DROP COLUMN rule_version;
DROP TABLE match_suggestions;
DROP TABLE open_lines;
DROP TABLE match_lines;
DROP TABLE matches;
