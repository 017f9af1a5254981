-- Payments out of the custody account (clearing/payout) and who is paid
-- (subaccounts, clearing).

-- +goose Up

ALTER TABLE payouts ADD COLUMN kind TEXT NOT NULL DEFAULT 'SETTLEMENT' CHECK (kind IN ('SETTLEMENT', 'WITHDRAWAL', 'HEAD_OFFICE',
    'RETURN_TO_PAYER', 'REFUND_BY_HAND', 'COURT', 'MICRO'));
ALTER TABLE payouts ADD COLUMN request TEXT NOT NULL DEFAULT '';    -- reference of the payment order, '' for a settlement
ALTER TABLE payouts ADD COLUMN bank_name TEXT NOT NULL DEFAULT '';
ALTER TABLE payouts ADD COLUMN super_bank TEXT NOT NULL DEFAULT ''; -- 超级网银号
ALTER TABLE payouts ADD COLUMN purpose TEXT NOT NULL DEFAULT '';
ALTER TABLE payouts ADD COLUMN route_reason TEXT NOT NULL DEFAULT ''; -- JSON: why this route and no other
CREATE INDEX payouts_by_request ON payouts (custody_id, request) WHERE request <> '';

-- Payments that were asked for, by a member or by two people (出款指令). Their
-- money stands in 2201 under the reference from applied_date until ended_date.
CREATE TABLE payment_orders (
    custody_id     INTEGER NOT NULL,
    kind           TEXT    NOT NULL CHECK (kind IN ('WITHDRAWAL', 'HEAD_OFFICE', 'RETURN_TO_PAYER', 'REFUND_BY_HAND', 'COURT', 'MICRO')),
    reference      TEXT    NOT NULL,
    owner          TEXT    NOT NULL, -- of 2201: member, HQ, UNK, REFUND, COURT
    payee_name     TEXT    NOT NULL,
    payee_account  TEXT    NOT NULL,
    bank_name      TEXT    NOT NULL,
    cnaps          TEXT    NOT NULL,
    super_bank     TEXT    NOT NULL,
    amount_fen     INTEGER NOT NULL CHECK (amount_fen > 0),
    fee_fen        INTEGER NOT NULL CHECK (fee_fen >= 0),
    purpose        TEXT    NOT NULL,
    approval_id    TEXT    NOT NULL, -- '' where the owner himself asks
    actor          TEXT    NOT NULL,
    state          TEXT    NOT NULL CHECK (state IN ('APPLIED', 'BATCHED', 'ENDED', 'CANCELLED')),
    applied_date   INTEGER NOT NULL,
    ended_date     INTEGER,          -- accounting date on which its money left 2201
    serial         TEXT    NOT NULL DEFAULT '', -- of the payout that carries it
    PRIMARY KEY (custody_id, kind, reference)
) STRICT, WITHOUT ROWID;
CREATE INDEX payment_orders_by_state ON payment_orders (custody_id, state);
CREATE INDEX payment_orders_by_owner ON payment_orders (custody_id, owner, applied_date);

CREATE TABLE batches_new (
    custody_id       INTEGER NOT NULL,
    batch_no         TEXT    NOT NULL,
    accounting_date  INTEGER NOT NULL, -- the day on which it was drawn up
    file_date        INTEGER NOT NULL, -- the day in the header; later after re-dating
    round            INTEGER NOT NULL,
    state            TEXT    NOT NULL CHECK (state IN ('DRAFT', 'CHECKED', 'APPROVED', 'REJECTED', 'SENT', 'FILE_REJECTED', 'ANSWERED', 'RECONCILED', 'EXPIRED')),
    row_count        INTEGER NOT NULL,
    total_fen        INTEGER NOT NULL,
    file_name        TEXT    NOT NULL DEFAULT '',
    file_sha256      TEXT    NOT NULL DEFAULT '',
    bank_code        TEXT    NOT NULL DEFAULT '', -- why the bank refused the whole file
    sends            INTEGER NOT NULL DEFAULT 0,  -- how often the file was sent again
    PRIMARY KEY (custody_id, batch_no)
) STRICT, WITHOUT ROWID;
INSERT INTO batches_new (custody_id, batch_no, accounting_date, file_date, round, state, row_count, total_fen, file_name, file_sha256)
    SELECT custody_id, batch_no, accounting_date, file_date, round, state, row_count, total_fen, file_name, file_sha256 FROM batches;
DROP TABLE batches;
ALTER TABLE batches_new RENAME TO batches;

-- Who a member is in law (实名). Written by subaccounts. The number is checked when
-- it is given and kept masked alone.
CREATE TABLE identities (
    custody_id   INTEGER NOT NULL,
    member       TEXT    NOT NULL,
    legal_kind   TEXT    NOT NULL CHECK (legal_kind IN ('COMPANY', 'PERSON')),
    legal_name   TEXT    NOT NULL,
    id_masked    TEXT    NOT NULL,
    PRIMARY KEY (custody_id, member)
) STRICT, WITHOUT ROWID;

-- Verifications of bound accounts: by a micro-payment (小额打款), or by two people
-- where attempt is 0. Written by clearing.
CREATE TABLE verifications (
    custody_id   INTEGER NOT NULL,
    member       TEXT    NOT NULL,
    version      INTEGER NOT NULL, -- of the binding
    attempt      INTEGER NOT NULL, -- payment number for that binding, from 1
    reference    TEXT    NOT NULL, -- of the payment order
    amount_fen   INTEGER NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('APPLIED', 'MICRO_SENT', 'VERIFIED', 'EXPIRED', 'LOCKED', 'UNBOUND')),
    wrong        INTEGER NOT NULL,
    sent_at      INTEGER NOT NULL, -- Unix seconds
    locked_date  INTEGER,
    verified_date INTEGER,
    PRIMARY KEY (custody_id, member, version, attempt)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE verifications;
DROP TABLE identities;
DROP TABLE payment_orders;
DROP INDEX payouts_by_request;
