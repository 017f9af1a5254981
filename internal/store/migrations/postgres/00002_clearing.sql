-- The clearing day (written by clearing and the packages below it).

-- +goose Up

-- Accounting days (会计日).
CREATE TABLE days (
    custody_id       BIGINT NOT NULL,
    accounting_date  BIGINT NOT NULL,
    state            TEXT COLLATE "C" NOT NULL CHECK (state IN ('OPEN', 'CUT', 'RECONCILING', 'BALANCED', 'CLOSED', 'SEALED', 'REOPENED')),
    day_phase        TEXT COLLATE "C" NOT NULL CHECK (day_phase IN ('PENDING', 'RUNNING', 'DONE', 'SKIPPED', 'MISSED')),
    result_hash      TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (custody_id, accounting_date)
);

-- One row per step run: the checkpoint that commits with the work.
CREATE TABLE runs (
    custody_id       BIGINT NOT NULL,
    accounting_date  BIGINT NOT NULL,
    phase            TEXT COLLATE "C" NOT NULL CHECK (phase IN ('day', 'night')),
    step             TEXT COLLATE "C" NOT NULL,
    scope            TEXT COLLATE "C" NOT NULL, -- channel, batch or ''
    round            BIGINT NOT NULL,
    version          BIGINT NOT NULL,
    state            TEXT COLLATE "C" NOT NULL CHECK (state IN ('RUNNING', 'DONE', 'SUPERSEDED')),
    inputs_hash      TEXT COLLATE "C" NOT NULL,
    n_in             BIGINT NOT NULL,
    n_done           BIGINT NOT NULL,
    n_skipped        BIGINT NOT NULL,
    n_failed         BIGINT NOT NULL,
    cursor           BIGINT NOT NULL, -- how far a step that works in groups has come
    actor            TEXT COLLATE "C" NOT NULL,
    started_at       BIGINT NOT NULL,
    finished_at      BIGINT,
    PRIMARY KEY (custody_id, accounting_date, phase, step, scope, round, version)
);

-- Who runs the clearing now. The operating system's lock decides; the token
-- is checked in every commit, so that a run that lost its lock cannot write.
CREATE TABLE leases (
    custody_id  BIGINT NOT NULL PRIMARY KEY,
    token       BIGINT NOT NULL,
    holder      TEXT COLLATE "C" NOT NULL
);

-- Files in. A file is visible to the steps only when it is LOADED.
CREATE TABLE files (
    custody_id     BIGINT NOT NULL,
    file_id        BIGINT NOT NULL,
    kind           TEXT COLLATE "C" NOT NULL, -- orders, bill, statement, intraday, result, balances
    source         TEXT COLLATE "C" NOT NULL, -- channel, account or batch
    business_date  BIGINT NOT NULL,
    state          TEXT COLLATE "C" NOT NULL CHECK (state IN ('VALIDATED', 'LOADED', 'REJECTED', 'NO_BILL', 'WAIVED')),
    format         TEXT COLLATE "C" NOT NULL,
    name           TEXT COLLATE "C" NOT NULL,
    sha256         TEXT COLLATE "C" NOT NULL,
    bytes          BIGINT NOT NULL,
    row_count      BIGINT NOT NULL,
    pay_fen        BIGINT NOT NULL,
    refund_fen     BIGINT NOT NULL,
    fee_fen        BIGINT NOT NULL,
    errors         TEXT COLLATE "C" NOT NULL DEFAULT '[]', -- JSON
    actor          TEXT COLLATE "C" NOT NULL,
    arrived_at     BIGINT NOT NULL,
    PRIMARY KEY (custody_id, file_id)
);
CREATE UNIQUE INDEX files_in_force ON files (custody_id, kind, source, business_date) WHERE state <> 'REJECTED';
CREATE INDEX files_by_digest ON files (custody_id, sha256);

-- Orders and refunds as head office's shop system reports them (clearing/orders).
-- file_id 0 holds orders adopted from a channel's bill (补单).
CREATE TABLE orders (
    custody_id  BIGINT NOT NULL,
    file_id     BIGINT NOT NULL,
    row_no      BIGINT NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL CHECK (kind IN ('PAY', 'REFUND')),
    order_no    TEXT COLLATE "C" NOT NULL,
    refund_no   TEXT COLLATE "C" NOT NULL,
    member      TEXT COLLATE "C" NOT NULL,
    channel     TEXT COLLATE "C" NOT NULL,
    amount_fen  BIGINT NOT NULL CHECK (amount_fen > 0),
    trade_time  BIGINT NOT NULL, -- Unix seconds (交易时间)
    PRIMARY KEY (custody_id, file_id, row_no)
);
CREATE UNIQUE INDEX orders_by_number ON orders (custody_id, order_no, refund_no);

-- Rows of channel bills.
CREATE TABLE bill_rows (
    custody_id  BIGINT NOT NULL,
    file_id     BIGINT NOT NULL,
    row_no      BIGINT NOT NULL, -- line of the file
    kind        TEXT COLLATE "C" NOT NULL CHECK (kind IN ('PAY', 'REFUND')),
    order_no    TEXT COLLATE "C" NOT NULL,
    refund_no   TEXT COLLATE "C" NOT NULL,
    channel_no  TEXT COLLATE "C" NOT NULL,
    amount_fen  BIGINT NOT NULL,
    fee_fen     BIGINT NOT NULL,
    trade_time  BIGINT NOT NULL,
    PRIMARY KEY (custody_id, file_id, row_no)
);

-- Matches of our orders with bill rows. Both sides are keys: nothing matches twice.
CREATE TABLE trade_matches (
    custody_id       BIGINT NOT NULL,
    bill_file_id     BIGINT NOT NULL,
    bill_row_no      BIGINT NOT NULL,
    order_file_id    BIGINT NOT NULL,
    order_row_no     BIGINT NOT NULL,
    accounting_date  BIGINT NOT NULL,
    rule             TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (custody_id, bill_file_id, bill_row_no)
);
CREATE UNIQUE INDEX trade_matches_by_order ON trade_matches (custody_id, order_file_id, order_row_no);

-- Orders and refunds that a night left unmatched or unsplit: what 2102 and 1402 consist of.
CREATE TABLE open_orders (
    custody_id     BIGINT NOT NULL,
    order_no       TEXT COLLATE "C" NOT NULL,
    refund_no      TEXT COLLATE "C" NOT NULL,
    order_file_id  BIGINT NOT NULL,
    order_row_no   BIGINT NOT NULL,
    member         TEXT COLLATE "C" NOT NULL,
    channel        TEXT COLLATE "C" NOT NULL,
    amount_fen     BIGINT NOT NULL,
    trade_time     BIGINT NOT NULL,
    reason         TEXT COLLATE "C" NOT NULL CHECK (reason IN ('POOL', 'ADOPTED')),
    since_date     BIGINT NOT NULL, -- accounting date from which it is open
    cleared_date   BIGINT,          -- accounting date on which it was matched, split or written off
    bill_file_id   BIGINT,          -- where it was found
    bill_row_no    BIGINT,
    PRIMARY KEY (custody_id, order_no, refund_no)
);

-- One channel on one clearing date (清算日期): the unit of arrival and release.
CREATE TABLE channel_days (
    custody_id      BIGINT NOT NULL,
    channel         TEXT COLLATE "C" NOT NULL,
    clearing_date   BIGINT NOT NULL,
    bill_file_id    BIGINT NOT NULL,
    pay_fen         BIGINT NOT NULL,
    refund_fen      BIGINT NOT NULL,
    fee_fen         BIGINT NOT NULL,
    net_fen         BIGINT NOT NULL, -- what the channel pays: pay - refund - fee
    due_date        BIGINT NOT NULL,
    split_date      BIGINT,          -- accounting date on which it was reconciled and split
    arrived_date    BIGINT,          -- accounting date of E3
    bank_line_id    BIGINT,          -- the credit that proved the arrival
    released_date   BIGINT,          -- first release
    held_reason     TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (custody_id, channel, clearing_date)
);

-- What one member earned of one channel day, gross and net (轧差, 结算单).
CREATE TABLE settlements (
    custody_id      BIGINT NOT NULL,
    clearing_date   BIGINT NOT NULL,
    channel         TEXT COLLATE "C" NOT NULL,
    member          TEXT COLLATE "C" NOT NULL,
    credit_fen      BIGINT NOT NULL,
    debit_fen       BIGINT NOT NULL,
    released_fen    BIGINT NOT NULL,
    PRIMARY KEY (custody_id, clearing_date, channel, member)
);

-- Bank statements (对账单) and their lines; a line of an intraday report is
-- confirmed by the end-of-day statement that carries the same bank reference.
CREATE TABLE bank_statements (
    custody_id   BIGINT NOT NULL,
    file_id      BIGINT NOT NULL,
    account_no   TEXT COLLATE "C" NOT NULL,
    number       TEXT COLLATE "C" NOT NULL,
    from_date    BIGINT NOT NULL,
    to_date      BIGINT NOT NULL,
    opening_fen  BIGINT NOT NULL,
    closing_fen  BIGINT NOT NULL,
    entries      BIGINT NOT NULL,
    PRIMARY KEY (custody_id, file_id)
);

CREATE TABLE bank_lines (
    custody_id            BIGINT NOT NULL,
    line_id               BIGINT NOT NULL,
    bank_ref              TEXT COLLATE "C" NOT NULL, -- the bank's reference, unique for the account
    booking_date          BIGINT NOT NULL,
    value_date            BIGINT NOT NULL, -- 起息日
    amount_fen            BIGINT NOT NULL, -- credit (收入) positive
    reversal              BIGINT NOT NULL CHECK (reversal IN (0, 1)),
    end_to_end_id         TEXT COLLATE "C" NOT NULL,
    counterparty_name     TEXT COLLATE "C" NOT NULL,
    counterparty_account  TEXT COLLATE "C" NOT NULL,
    remark                TEXT COLLATE "C" NOT NULL,
    intraday_file_id      BIGINT,
    statement_file_id     BIGINT,
    statement_row_no      BIGINT, -- position within the statement
    use                   TEXT COLLATE "C" NOT NULL DEFAULT '', -- OWN_FUNDS, CHANNEL, PAYOUT, RETURN, REVERSAL, UNKNOWN; '' not yet decided
    matched_to            TEXT COLLATE "C" NOT NULL DEFAULT '', -- event:reference of the voucher, or line:ID of the other bank line
    matched_date          BIGINT,                     -- accounting date of that match
    PRIMARY KEY (custody_id, line_id),
    UNIQUE (custody_id, bank_ref)
);

CREATE INDEX bank_lines_by_statement ON bank_lines (custody_id, statement_file_id, statement_row_no);
CREATE INDEX bank_lines_by_match ON bank_lines (custody_id, matched_date);

-- Payouts (出款): settlement of members' withdrawable balances.
CREATE TABLE payouts (
    custody_id     BIGINT NOT NULL,
    serial         TEXT COLLATE "C" NOT NULL,
    batch_no       TEXT COLLATE "C" NOT NULL,
    seq            BIGINT NOT NULL,
    member         TEXT COLLATE "C" NOT NULL,
    account_no     TEXT COLLATE "C" NOT NULL,
    account_name   TEXT COLLATE "C" NOT NULL,
    cnaps          TEXT COLLATE "C" NOT NULL,
    route          TEXT COLLATE "C" NOT NULL,
    amount_fen     BIGINT NOT NULL CHECK (amount_fen > 0), -- in the file
    fee_fen        BIGINT NOT NULL,                        -- ours, on top (外扣)
    state          TEXT COLLATE "C" NOT NULL CHECK (state IN ('DRAFT', 'APPLIED', 'SENT', 'SUCCESS', 'ANSWERED_F', 'UNKNOWN', 'FAILED', 'RETURNED', 'CANCELLED')),
    applied_date   BIGINT,             -- accounting date of E5a
    answer         TEXT COLLATE "C" NOT NULL DEFAULT '', -- S, F, U
    answer_code    TEXT COLLATE "C" NOT NULL DEFAULT '',
    answer_reason  TEXT COLLATE "C" NOT NULL DEFAULT '',
    bank_ref       TEXT COLLATE "C" NOT NULL DEFAULT '',
    settled_date   BIGINT,             -- accounting date of E5b or E5c
    debit_line_id  BIGINT,             -- its debit on the statement
    returned_date  BIGINT,             -- accounting date of E5d
    credited_date  BIGINT,             -- accounting date of E5e
    PRIMARY KEY (custody_id, serial)
);
CREATE INDEX payouts_by_batch ON payouts (custody_id, batch_no, seq);
CREATE INDEX payouts_by_settlement ON payouts (custody_id, settled_date);
CREATE INDEX payouts_undebited ON payouts (custody_id, settled_date) WHERE debit_line_id IS NULL;

CREATE TABLE batches (
    custody_id       BIGINT NOT NULL,
    batch_no         TEXT COLLATE "C" NOT NULL,
    accounting_date  BIGINT NOT NULL, -- the day on which it was drawn up
    file_date        BIGINT NOT NULL, -- the day in the header; later after re-dating
    round            BIGINT NOT NULL,
    state            TEXT COLLATE "C" NOT NULL CHECK (state IN ('DRAFT', 'CHECKED', 'APPROVED', 'REJECTED', 'SENT', 'ANSWERED', 'RECONCILED', 'EXPIRED')),
    row_count        BIGINT NOT NULL,
    total_fen        BIGINT NOT NULL,
    file_name        TEXT COLLATE "C" NOT NULL DEFAULT '',
    file_sha256      TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (custody_id, batch_no)
);

-- Maker and checker (经办/复核) for everything that needs two people.
CREATE TABLE approvals (
    custody_id   BIGINT NOT NULL,
    approval_id  TEXT COLLATE "C" NOT NULL,
    kind         TEXT COLLATE "C" NOT NULL, -- batch, exception, binding, waiver
    subject      TEXT COLLATE "C" NOT NULL,
    content      TEXT COLLATE "C" NOT NULL, -- JSON of exactly what is approved
    content_hash TEXT COLLATE "C" NOT NULL,
    state        TEXT COLLATE "C" NOT NULL CHECK (state IN ('PENDING', 'APPROVED', 'REJECTED')),
    maker        TEXT COLLATE "C" NOT NULL,
    made_at      BIGINT NOT NULL,
    checker      TEXT COLLATE "C",
    checked_at   BIGINT,
    reason       TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (custody_id, approval_id),
    CHECK (checker IS NULL OR checker <> maker),
    CHECK ((state = 'PENDING') = (checker IS NULL))
);

-- Differences with an owner (差错).
CREATE TABLE exceptions (
    custody_id       BIGINT NOT NULL,
    exception_id     TEXT COLLATE "C" NOT NULL, -- accounting date and number: 20260213-002
    kind             TEXT COLLATE "C" NOT NULL,
    subject          TEXT COLLATE "C" NOT NULL, -- order, refund, serial or bank reference
    state            TEXT COLLATE "C" NOT NULL CHECK (state IN ('OPEN', 'IN_POOL', 'AUTO_CLEARED', 'ASSIGNED', 'PROPOSED', 'APPROVED', 'POSTED', 'CLOSED')),
    opened_date      BIGINT NOT NULL,
    closed_date      BIGINT,
    channel          TEXT COLLATE "C" NOT NULL,
    clearing_date    BIGINT NOT NULL, -- 0 where there is none
    member           TEXT COLLATE "C" NOT NULL,
    amount_fen       BIGINT NOT NULL,
    ours             TEXT COLLATE "C" NOT NULL, -- what we have
    theirs           TEXT COLLATE "C" NOT NULL, -- what the other side has
    owner            TEXT COLLATE "C" NOT NULL,
    due_date         BIGINT NOT NULL,
    template         TEXT COLLATE "C" NOT NULL DEFAULT '', -- proposed handling
    handling         TEXT COLLATE "C" NOT NULL DEFAULT '{}', -- JSON of the proposal
    PRIMARY KEY (custody_id, exception_id)
);
CREATE UNIQUE INDEX exceptions_by_subject ON exceptions (custody_id, kind, subject, opened_date);

-- Every effect outside the database, recorded before it happens.
CREATE TABLE outbox (
    custody_id       BIGINT NOT NULL,
    outbox_id        BIGINT NOT NULL,
    accounting_date  BIGINT NOT NULL,
    kind             TEXT COLLATE "C" NOT NULL, -- payout-file, seal
    subject          TEXT COLLATE "C" NOT NULL,
    file_name        TEXT COLLATE "C" NOT NULL,
    sha256           TEXT COLLATE "C" NOT NULL,
    state            TEXT COLLATE "C" NOT NULL CHECK (state IN ('PENDING', 'WRITTEN', 'SENT')),
    created_at       BIGINT NOT NULL,
    PRIMARY KEY (custody_id, outbox_id)
);
CREATE UNIQUE INDEX outbox_by_subject ON outbox (custody_id, kind, subject);

-- People (clearing/people); shared by all custody accounts.
CREATE TABLE users (
    name     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    os_user  TEXT COLLATE "C" NOT NULL DEFAULT '',
    roles    TEXT COLLATE "C" NOT NULL, -- separated by spaces: operator maker checker auditor scheduler
    status   TEXT COLLATE "C" NOT NULL CHECK (status IN ('ACTIVE', 'DISABLED'))
);

-- Split rules (分账规则); content is the rule as JSON.
CREATE TABLE split_rules (
    custody_id      BIGINT NOT NULL,
    rule_id         TEXT COLLATE "C" NOT NULL,
    version         BIGINT NOT NULL,
    effective_date  BIGINT NOT NULL,
    content         TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (custody_id, rule_id, version)
);

-- The bank's list of sub-account balances (R8).
CREATE TABLE bank_balances (
    custody_id     BIGINT NOT NULL,
    file_id        BIGINT NOT NULL,
    member         TEXT COLLATE "C" NOT NULL,
    available_fen  BIGINT NOT NULL,
    cash_fen       BIGINT NOT NULL,
    frozen_fen     BIGINT NOT NULL,
    PRIMARY KEY (custody_id, file_id, member)
);

-- Closing checks R1 to R11 with what they found.
CREATE TABLE checks (
    custody_id       BIGINT NOT NULL,
    accounting_date  BIGINT NOT NULL,
    check_id         TEXT COLLATE "C" NOT NULL,
    state            TEXT COLLATE "C" NOT NULL CHECK (state IN ('passed', 'failed', 'waived', 'not_expected')),
    difference_fen   BIGINT NOT NULL,
    detail           TEXT COLLATE "C" NOT NULL, -- JSON
    PRIMARY KEY (custody_id, accounting_date, check_id)
);

-- Seals: what was signed when a day was closed.
CREATE TABLE seals (
    custody_id       BIGINT NOT NULL,
    accounting_date  BIGINT NOT NULL,
    content          TEXT COLLATE "C" NOT NULL, -- JSON, exactly the bytes that were signed
    algorithm        TEXT COLLATE "C" NOT NULL,
    key_id           TEXT COLLATE "C" NOT NULL,
    signature        TEXT COLLATE "C" NOT NULL, -- hex
    PRIMARY KEY (custody_id, accounting_date)
);

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
