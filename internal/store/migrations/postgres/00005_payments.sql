-- Payments out of the custody account (clearing/payout) and who is paid
-- (subaccounts, clearing).

-- +goose Up

ALTER TABLE payouts ADD COLUMN kind TEXT COLLATE "C" NOT NULL DEFAULT 'SETTLEMENT' CHECK (kind IN ('SETTLEMENT', 'WITHDRAWAL', 'HEAD_OFFICE',
    'RETURN_TO_PAYER', 'REFUND_BY_HAND', 'COURT', 'MICRO'));
ALTER TABLE payouts ADD COLUMN request TEXT COLLATE "C" NOT NULL DEFAULT '';    -- reference of the payment order, '' for a settlement
ALTER TABLE payouts ADD COLUMN bank_name TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE payouts ADD COLUMN super_bank TEXT COLLATE "C" NOT NULL DEFAULT ''; -- 超级网银号
ALTER TABLE payouts ADD COLUMN purpose TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE payouts ADD COLUMN route_reason TEXT COLLATE "C" NOT NULL DEFAULT ''; -- JSON: why this route and no other
CREATE INDEX payouts_by_request ON payouts (custody_id, request) WHERE request <> '';

-- Payments that were asked for, by a member or by two people (出款指令). Their
-- money stands in 2201 under the reference from applied_date until ended_date.
CREATE TABLE payment_orders (
    custody_id     BIGINT NOT NULL,
    kind           TEXT COLLATE "C" NOT NULL CHECK (kind IN ('WITHDRAWAL', 'HEAD_OFFICE', 'RETURN_TO_PAYER', 'REFUND_BY_HAND', 'COURT', 'MICRO')),
    reference      TEXT COLLATE "C" NOT NULL,
    owner          TEXT COLLATE "C" NOT NULL, -- of 2201: member, HQ, UNK, REFUND, COURT
    payee_name     TEXT COLLATE "C" NOT NULL,
    payee_account  TEXT COLLATE "C" NOT NULL,
    bank_name      TEXT COLLATE "C" NOT NULL,
    cnaps          TEXT COLLATE "C" NOT NULL,
    super_bank     TEXT COLLATE "C" NOT NULL,
    amount_fen     BIGINT NOT NULL CHECK (amount_fen > 0),
    fee_fen        BIGINT NOT NULL CHECK (fee_fen >= 0),
    purpose        TEXT COLLATE "C" NOT NULL,
    approval_id    TEXT COLLATE "C" NOT NULL, -- '' where the owner himself asks
    actor          TEXT COLLATE "C" NOT NULL,
    state          TEXT COLLATE "C" NOT NULL CHECK (state IN ('APPLIED', 'BATCHED', 'ENDED', 'CANCELLED')),
    applied_date   BIGINT NOT NULL,
    ended_date     BIGINT,          -- accounting date on which its money left 2201
    serial         TEXT COLLATE "C" NOT NULL DEFAULT '', -- of the payout that carries it
    PRIMARY KEY (custody_id, kind, reference)
);
CREATE INDEX payment_orders_by_state ON payment_orders (custody_id, state);
CREATE INDEX payment_orders_by_owner ON payment_orders (custody_id, owner, applied_date);

CREATE TABLE batches_new (
    custody_id       BIGINT NOT NULL,
    batch_no         TEXT COLLATE "C" NOT NULL,
    accounting_date  BIGINT NOT NULL, -- the day on which it was drawn up
    file_date        BIGINT NOT NULL, -- the day in the header; later after re-dating
    round            BIGINT NOT NULL,
    state            TEXT COLLATE "C" NOT NULL CHECK (state IN ('DRAFT', 'CHECKED', 'APPROVED', 'REJECTED', 'SENT', 'FILE_REJECTED', 'ANSWERED', 'RECONCILED', 'EXPIRED')),
    row_count        BIGINT NOT NULL,
    total_fen        BIGINT NOT NULL,
    file_name        TEXT COLLATE "C" NOT NULL DEFAULT '',
    file_sha256      TEXT COLLATE "C" NOT NULL DEFAULT '',
    bank_code        TEXT COLLATE "C" NOT NULL DEFAULT '', -- why the bank refused the whole file
    sends            BIGINT NOT NULL DEFAULT 0,  -- how often the file was sent again
    PRIMARY KEY (custody_id, batch_no)
);
INSERT INTO batches_new (custody_id, batch_no, accounting_date, file_date, round, state, row_count, total_fen, file_name, file_sha256)
    SELECT custody_id, batch_no, accounting_date, file_date, round, state, row_count, total_fen, file_name, file_sha256 FROM batches;
DROP TABLE batches;
ALTER TABLE batches_new RENAME TO batches;

-- Who a member is in law (实名). Written by subaccounts. The number is checked when
-- it is given and kept masked alone.
CREATE TABLE identities (
    custody_id   BIGINT NOT NULL,
    member       TEXT COLLATE "C" NOT NULL,
    legal_kind   TEXT COLLATE "C" NOT NULL CHECK (legal_kind IN ('COMPANY', 'PERSON')),
    legal_name   TEXT COLLATE "C" NOT NULL,
    id_masked    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (custody_id, member)
);

-- Verifications of bound accounts: by a micro-payment (小额打款), or by two people
-- where attempt is 0. Written by clearing.
CREATE TABLE verifications (
    custody_id   BIGINT NOT NULL,
    member       TEXT COLLATE "C" NOT NULL,
    version      BIGINT NOT NULL, -- of the binding
    attempt      BIGINT NOT NULL, -- payment number for that binding, from 1
    reference    TEXT COLLATE "C" NOT NULL, -- of the payment order
    amount_fen   BIGINT NOT NULL,
    state        TEXT COLLATE "C" NOT NULL CHECK (state IN ('APPLIED', 'MICRO_SENT', 'VERIFIED', 'EXPIRED', 'LOCKED', 'UNBOUND')),
    wrong        BIGINT NOT NULL,
    sent_at      BIGINT NOT NULL, -- Unix seconds
    locked_date  BIGINT,
    verified_date BIGINT,
    PRIMARY KEY (custody_id, member, version, attempt)
);

-- +goose Down
DROP TABLE verifications;
DROP TABLE identities;
DROP TABLE payment_orders;
DROP INDEX payouts_by_request;
