-- The clearing day (written by clearing and the packages below it).

-- +goose Up

-- Accounting days (会计日).
CREATE TABLE days (
    custody_id       INTEGER NOT NULL,
    accounting_date  INTEGER NOT NULL,
    state            TEXT    NOT NULL CHECK (state IN ('OPEN', 'CUT', 'RECONCILING', 'BALANCED', 'CLOSED', 'SEALED', 'REOPENED')),
    day_phase        TEXT    NOT NULL CHECK (day_phase IN ('PENDING', 'RUNNING', 'DONE', 'SKIPPED', 'MISSED')),
    result_hash      TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (custody_id, accounting_date)
) STRICT, WITHOUT ROWID;

-- One row per step run: the checkpoint that commits with the work.
CREATE TABLE runs (
    custody_id       INTEGER NOT NULL,
    accounting_date  INTEGER NOT NULL,
    phase            TEXT    NOT NULL CHECK (phase IN ('day', 'night')),
    step             TEXT    NOT NULL,
    scope            TEXT    NOT NULL, -- channel, batch or ''
    round            INTEGER NOT NULL,
    version          INTEGER NOT NULL,
    state            TEXT    NOT NULL CHECK (state IN ('RUNNING', 'DONE', 'SUPERSEDED')),
    inputs_hash      TEXT    NOT NULL,
    n_in             INTEGER NOT NULL,
    n_done           INTEGER NOT NULL,
    n_skipped        INTEGER NOT NULL,
    n_failed         INTEGER NOT NULL,
    cursor           INTEGER NOT NULL, -- how far a step that works in groups has come
    actor            TEXT    NOT NULL,
    started_at       INTEGER NOT NULL,
    finished_at      INTEGER,
    PRIMARY KEY (custody_id, accounting_date, phase, step, scope, round, version)
) STRICT, WITHOUT ROWID;

-- Who runs the clearing now. The operating system's lock decides; the token
-- is checked in every commit, so that a run that lost its lock cannot write.
CREATE TABLE leases (
    custody_id  INTEGER NOT NULL PRIMARY KEY,
    token       INTEGER NOT NULL,
    holder      TEXT    NOT NULL
) STRICT;

-- Files in. A file is visible to the steps only when it is LOADED.
CREATE TABLE files (
    custody_id     INTEGER NOT NULL,
    file_id        INTEGER NOT NULL,
    kind           TEXT    NOT NULL, -- orders, bill, statement, intraday, result, balances
    source         TEXT    NOT NULL, -- channel, account or batch
    business_date  INTEGER NOT NULL,
    state          TEXT    NOT NULL CHECK (state IN ('VALIDATED', 'LOADED', 'REJECTED', 'NO_BILL', 'WAIVED')),
    format         TEXT    NOT NULL,
    name           TEXT    NOT NULL,
    sha256         TEXT    NOT NULL,
    bytes          INTEGER NOT NULL,
    row_count      INTEGER NOT NULL,
    pay_fen        INTEGER NOT NULL,
    refund_fen     INTEGER NOT NULL,
    fee_fen        INTEGER NOT NULL,
    errors         TEXT    NOT NULL DEFAULT '[]', -- JSON
    actor          TEXT    NOT NULL,
    arrived_at     INTEGER NOT NULL,
    PRIMARY KEY (custody_id, file_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX files_in_force ON files (custody_id, kind, source, business_date) WHERE state <> 'REJECTED';
CREATE INDEX files_by_digest ON files (custody_id, sha256);

-- Orders and refunds as head office's shop system reports them (clearing/orders).
-- file_id 0 holds orders adopted from a channel's bill (补单).
CREATE TABLE orders (
    custody_id  INTEGER NOT NULL,
    file_id     INTEGER NOT NULL,
    row_no      INTEGER NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind IN ('PAY', 'REFUND')),
    order_no    TEXT    NOT NULL,
    refund_no   TEXT    NOT NULL,
    member      TEXT    NOT NULL,
    channel     TEXT    NOT NULL,
    amount_fen  INTEGER NOT NULL CHECK (amount_fen > 0),
    trade_time  INTEGER NOT NULL, -- Unix seconds (交易时间)
    PRIMARY KEY (custody_id, file_id, row_no)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX orders_by_number ON orders (custody_id, order_no, refund_no);

-- Rows of channel bills.
CREATE TABLE bill_rows (
    custody_id  INTEGER NOT NULL,
    file_id     INTEGER NOT NULL,
    row_no      INTEGER NOT NULL, -- line of the file
    kind        TEXT    NOT NULL CHECK (kind IN ('PAY', 'REFUND')),
    order_no    TEXT    NOT NULL,
    refund_no   TEXT    NOT NULL,
    channel_no  TEXT    NOT NULL,
    amount_fen  INTEGER NOT NULL,
    fee_fen     INTEGER NOT NULL,
    trade_time  INTEGER NOT NULL,
    PRIMARY KEY (custody_id, file_id, row_no)
) STRICT, WITHOUT ROWID;

-- Matches of our orders with bill rows. Both sides are keys: nothing matches twice.
CREATE TABLE trade_matches (
    custody_id       INTEGER NOT NULL,
    bill_file_id     INTEGER NOT NULL,
    bill_row_no      INTEGER NOT NULL,
    order_file_id    INTEGER NOT NULL,
    order_row_no     INTEGER NOT NULL,
    accounting_date  INTEGER NOT NULL,
    rule             TEXT    NOT NULL,
    PRIMARY KEY (custody_id, bill_file_id, bill_row_no)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX trade_matches_by_order ON trade_matches (custody_id, order_file_id, order_row_no);

-- Orders and refunds that a night left unmatched or unsplit: what 2102 and 1402 consist of.
CREATE TABLE open_orders (
    custody_id     INTEGER NOT NULL,
    order_no       TEXT    NOT NULL,
    refund_no      TEXT    NOT NULL,
    order_file_id  INTEGER NOT NULL,
    order_row_no   INTEGER NOT NULL,
    member         TEXT    NOT NULL,
    channel        TEXT    NOT NULL,
    amount_fen     INTEGER NOT NULL,
    trade_time     INTEGER NOT NULL,
    reason         TEXT    NOT NULL CHECK (reason IN ('POOL', 'ADOPTED')),
    since_date     INTEGER NOT NULL, -- accounting date from which it is open
    cleared_date   INTEGER,          -- accounting date on which it was matched, split or written off
    bill_file_id   INTEGER,          -- where it was found
    bill_row_no    INTEGER,
    PRIMARY KEY (custody_id, order_no, refund_no)
) STRICT, WITHOUT ROWID;

-- One channel on one clearing date (清算日期): the unit of arrival and release.
CREATE TABLE channel_days (
    custody_id      INTEGER NOT NULL,
    channel         TEXT    NOT NULL,
    clearing_date   INTEGER NOT NULL,
    bill_file_id    INTEGER NOT NULL,
    pay_fen         INTEGER NOT NULL,
    refund_fen      INTEGER NOT NULL,
    fee_fen         INTEGER NOT NULL,
    net_fen         INTEGER NOT NULL, -- what the channel pays: pay - refund - fee
    due_date        INTEGER NOT NULL,
    split_date      INTEGER,          -- accounting date on which it was reconciled and split
    arrived_date    INTEGER,          -- accounting date of E3
    bank_line_id    INTEGER,          -- the credit that proved the arrival
    released_date   INTEGER,          -- first release
    held_reason     TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (custody_id, channel, clearing_date)
) STRICT, WITHOUT ROWID;

-- What one member earned of one channel day, gross and net (轧差, 结算单).
CREATE TABLE settlements (
    custody_id      INTEGER NOT NULL,
    clearing_date   INTEGER NOT NULL,
    channel         TEXT    NOT NULL,
    member          TEXT    NOT NULL,
    credit_fen      INTEGER NOT NULL,
    debit_fen       INTEGER NOT NULL,
    released_fen    INTEGER NOT NULL,
    PRIMARY KEY (custody_id, clearing_date, channel, member)
) STRICT, WITHOUT ROWID;

-- Bank statements (对账单) and their lines; a line of an intraday report is
-- confirmed by the end-of-day statement that carries the same bank reference.
CREATE TABLE bank_statements (
    custody_id   INTEGER NOT NULL,
    file_id      INTEGER NOT NULL,
    account_no   TEXT    NOT NULL,
    number       TEXT    NOT NULL,
    from_date    INTEGER NOT NULL,
    to_date      INTEGER NOT NULL,
    opening_fen  INTEGER NOT NULL,
    closing_fen  INTEGER NOT NULL,
    entries      INTEGER NOT NULL,
    PRIMARY KEY (custody_id, file_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE bank_lines (
    custody_id            INTEGER NOT NULL,
    line_id               INTEGER NOT NULL,
    bank_ref              TEXT    NOT NULL, -- the bank's reference, unique for the account
    booking_date          INTEGER NOT NULL,
    value_date            INTEGER NOT NULL, -- 起息日
    amount_fen            INTEGER NOT NULL, -- credit (收入) positive
    reversal              INTEGER NOT NULL CHECK (reversal IN (0, 1)),
    end_to_end_id         TEXT    NOT NULL,
    counterparty_name     TEXT    NOT NULL,
    counterparty_account  TEXT    NOT NULL,
    remark                TEXT    NOT NULL,
    intraday_file_id      INTEGER,
    statement_file_id     INTEGER,
    statement_row_no      INTEGER, -- position within the statement
    use                   TEXT    NOT NULL DEFAULT '', -- OWN_FUNDS, CHANNEL, PAYOUT, RETURN, REVERSAL, UNKNOWN; '' not yet decided
    matched_to            TEXT    NOT NULL DEFAULT '', -- event:reference of the voucher, or line:ID of the other bank line
    matched_date          INTEGER,                     -- accounting date of that match
    PRIMARY KEY (custody_id, line_id),
    UNIQUE (custody_id, bank_ref)
) STRICT, WITHOUT ROWID;

CREATE INDEX bank_lines_by_statement ON bank_lines (custody_id, statement_file_id, statement_row_no);
CREATE INDEX bank_lines_by_match ON bank_lines (custody_id, matched_date);

-- Payouts (出款): settlement of members' withdrawable balances.
CREATE TABLE payouts (
    custody_id     INTEGER NOT NULL,
    serial         TEXT    NOT NULL,
    batch_no       TEXT    NOT NULL,
    seq            INTEGER NOT NULL,
    member         TEXT    NOT NULL,
    account_no     TEXT    NOT NULL,
    account_name   TEXT    NOT NULL,
    cnaps          TEXT    NOT NULL,
    route          TEXT    NOT NULL,
    amount_fen     INTEGER NOT NULL CHECK (amount_fen > 0), -- in the file
    fee_fen        INTEGER NOT NULL,                        -- ours, on top (外扣)
    state          TEXT    NOT NULL CHECK (state IN ('DRAFT', 'APPLIED', 'SENT', 'SUCCESS', 'ANSWERED_F', 'UNKNOWN', 'FAILED', 'RETURNED', 'CANCELLED')),
    applied_date   INTEGER,             -- accounting date of E5a
    answer         TEXT    NOT NULL DEFAULT '', -- S, F, U
    answer_code    TEXT    NOT NULL DEFAULT '',
    answer_reason  TEXT    NOT NULL DEFAULT '',
    bank_ref       TEXT    NOT NULL DEFAULT '',
    settled_date   INTEGER,             -- accounting date of E5b or E5c
    debit_line_id  INTEGER,             -- its debit on the statement
    returned_date  INTEGER,             -- accounting date of E5d
    credited_date  INTEGER,             -- accounting date of E5e
    PRIMARY KEY (custody_id, serial)
) STRICT, WITHOUT ROWID;
CREATE INDEX payouts_by_batch ON payouts (custody_id, batch_no, seq);
CREATE INDEX payouts_by_settlement ON payouts (custody_id, settled_date);
CREATE INDEX payouts_undebited ON payouts (custody_id, settled_date) WHERE debit_line_id IS NULL;

CREATE TABLE batches (
    custody_id       INTEGER NOT NULL,
    batch_no         TEXT    NOT NULL,
    accounting_date  INTEGER NOT NULL, -- the day on which it was drawn up
    file_date        INTEGER NOT NULL, -- the day in the header; later after re-dating
    round            INTEGER NOT NULL,
    state            TEXT    NOT NULL CHECK (state IN ('DRAFT', 'CHECKED', 'APPROVED', 'REJECTED', 'SENT', 'ANSWERED', 'RECONCILED', 'EXPIRED')),
    row_count        INTEGER NOT NULL,
    total_fen        INTEGER NOT NULL,
    file_name        TEXT    NOT NULL DEFAULT '',
    file_sha256      TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (custody_id, batch_no)
) STRICT, WITHOUT ROWID;

-- Maker and checker (经办/复核) for everything that needs two people.
CREATE TABLE approvals (
    custody_id   INTEGER NOT NULL,
    approval_id  TEXT    NOT NULL,
    kind         TEXT    NOT NULL, -- batch, exception, binding, waiver
    subject      TEXT    NOT NULL,
    content      TEXT    NOT NULL, -- JSON of exactly what is approved
    content_hash TEXT    NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('PENDING', 'APPROVED', 'REJECTED')),
    maker        TEXT    NOT NULL,
    made_at      INTEGER NOT NULL,
    checker      TEXT,
    checked_at   INTEGER,
    reason       TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (custody_id, approval_id),
    CHECK (checker IS NULL OR checker <> maker),
    CHECK ((state = 'PENDING') = (checker IS NULL))
) STRICT, WITHOUT ROWID;

-- Differences with an owner (差错).
CREATE TABLE exceptions (
    custody_id       INTEGER NOT NULL,
    exception_id     TEXT    NOT NULL, -- accounting date and number: 20260213-002
    kind             TEXT    NOT NULL,
    subject          TEXT    NOT NULL, -- order, refund, serial or bank reference
    state            TEXT    NOT NULL CHECK (state IN ('OPEN', 'IN_POOL', 'AUTO_CLEARED', 'ASSIGNED', 'PROPOSED', 'APPROVED', 'POSTED', 'CLOSED')),
    opened_date      INTEGER NOT NULL,
    closed_date      INTEGER,
    channel          TEXT    NOT NULL,
    clearing_date    INTEGER NOT NULL, -- 0 where there is none
    member           TEXT    NOT NULL,
    amount_fen       INTEGER NOT NULL,
    ours             TEXT    NOT NULL, -- what we have
    theirs           TEXT    NOT NULL, -- what the other side has
    owner            TEXT    NOT NULL,
    due_date         INTEGER NOT NULL,
    template         TEXT    NOT NULL DEFAULT '', -- proposed handling
    handling         TEXT    NOT NULL DEFAULT '{}', -- JSON of the proposal
    PRIMARY KEY (custody_id, exception_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX exceptions_by_subject ON exceptions (custody_id, kind, subject, opened_date);

-- Every effect outside the database, recorded before it happens.
CREATE TABLE outbox (
    custody_id       INTEGER NOT NULL,
    outbox_id        INTEGER NOT NULL,
    accounting_date  INTEGER NOT NULL,
    kind             TEXT    NOT NULL, -- payout-file, seal
    subject          TEXT    NOT NULL,
    file_name        TEXT    NOT NULL,
    sha256           TEXT    NOT NULL,
    state            TEXT    NOT NULL CHECK (state IN ('PENDING', 'WRITTEN', 'SENT')),
    created_at       INTEGER NOT NULL,
    PRIMARY KEY (custody_id, outbox_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX outbox_by_subject ON outbox (custody_id, kind, subject);

-- People (clearing/people); shared by all custody accounts.
CREATE TABLE users (
    name     TEXT NOT NULL PRIMARY KEY,
    os_user  TEXT NOT NULL DEFAULT '',
    roles    TEXT NOT NULL, -- separated by spaces: operator maker checker auditor scheduler
    status   TEXT NOT NULL CHECK (status IN ('ACTIVE', 'DISABLED'))
) STRICT, WITHOUT ROWID;

-- Split rules (分账规则); content is the rule as JSON.
CREATE TABLE split_rules (
    custody_id      INTEGER NOT NULL,
    rule_id         TEXT    NOT NULL,
    version         INTEGER NOT NULL,
    effective_date  INTEGER NOT NULL,
    content         TEXT    NOT NULL,
    PRIMARY KEY (custody_id, rule_id, version)
) STRICT, WITHOUT ROWID;

-- The bank's list of sub-account balances (R8).
CREATE TABLE bank_balances (
    custody_id     INTEGER NOT NULL,
    file_id        INTEGER NOT NULL,
    member         TEXT    NOT NULL,
    available_fen  INTEGER NOT NULL,
    cash_fen       INTEGER NOT NULL,
    frozen_fen     INTEGER NOT NULL,
    PRIMARY KEY (custody_id, file_id, member)
) STRICT, WITHOUT ROWID;

-- Closing checks R1 to R11 with what they found.
CREATE TABLE checks (
    custody_id       INTEGER NOT NULL,
    accounting_date  INTEGER NOT NULL,
    check_id         TEXT    NOT NULL,
    state            TEXT    NOT NULL CHECK (state IN ('passed', 'failed', 'waived', 'not_expected')),
    difference_fen   INTEGER NOT NULL,
    detail           TEXT    NOT NULL, -- JSON
    PRIMARY KEY (custody_id, accounting_date, check_id)
) STRICT, WITHOUT ROWID;

-- Seals: what was signed when a day was closed.
CREATE TABLE seals (
    custody_id       INTEGER NOT NULL,
    accounting_date  INTEGER NOT NULL,
    content          TEXT    NOT NULL, -- JSON, exactly the bytes that were signed
    algorithm        TEXT    NOT NULL,
    key_id           TEXT    NOT NULL,
    signature        TEXT    NOT NULL, -- hex
    PRIMARY KEY (custody_id, accounting_date)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE seals;
DROP TABLE checks;
DROP TABLE bank_balances;
DROP TABLE split_rules;
DROP TABLE users;
DROP TABLE outbox;
DROP TABLE exceptions;
DROP TABLE approvals;
DROP TABLE batches;
DROP TABLE payouts;
DROP TABLE bank_lines;
DROP TABLE bank_statements;
DROP TABLE settlements;
DROP TABLE channel_days;
DROP TABLE open_orders;
DROP TABLE trade_matches;
DROP TABLE bill_rows;
DROP TABLE orders;
DROP TABLE files;
DROP TABLE leases;
DROP TABLE runs;
DROP TABLE days;
