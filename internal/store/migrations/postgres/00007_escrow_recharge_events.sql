-- Escrow orders in the night, recharge cards, event log.

-- +goose Up

-- 1 where the money of the row is held for an escrow order (担保交易).
ALTER TABLE orders ADD COLUMN escrow BIGINT NOT NULL DEFAULT 0;
CREATE INDEX orders_escrow ON orders (custody_id, file_id) WHERE escrow = 1;

-- When the money of an escrow order was where; 0 while it was not.
ALTER TABLE escrow_orders ADD COLUMN held_date BIGINT NOT NULL DEFAULT 0; -- accounting date on which it came into 2101
ALTER TABLE escrow_orders ADD COLUMN ended_date BIGINT NOT NULL DEFAULT 0; -- on which it left 2101
ALTER TABLE escrow_orders ADD COLUMN back_date BIGINT NOT NULL DEFAULT 0; -- on which its refund left 2202

-- Top-ups by prepaid telecom card (充值卡, written by clearing/recharge). The PIN
-- is kept as a keyed hash alone: once there, it is used for ever.
CREATE TABLE recharges (
    custody_id      BIGINT NOT NULL,
    reference       TEXT COLLATE "C" NOT NULL, -- ours; the operator knows the movement by it
    member          TEXT COLLATE "C" NOT NULL,
    operator        TEXT COLLATE "C" NOT NULL,
    platform        TEXT COLLATE "C" NOT NULL, -- national or provincial, by the card's prefix
    province        TEXT COLLATE "C" NOT NULL,
    card_prefix     TEXT COLLATE "C" NOT NULL,
    pin_hash        TEXT COLLATE "C" NOT NULL, -- HMAC-SHA-256 in hex
    face_fen        BIGINT NOT NULL CHECK (face_fen > 0),
    state           TEXT COLLATE "C" NOT NULL CHECK (state IN ('RECEIVED', 'AUTH', 'AUTH_FAIL', 'DEBIT_UNKNOWN', 'DEBITED', 'FAILED', 'CREDITED', 'REVERSED')),
    operator_no     TEXT COLLATE "C" NOT NULL, -- the operator's number of the debit
    member_ppm      BIGINT NOT NULL,
    operator_ppm    BIGINT NOT NULL,
    ratio_version   BIGINT NOT NULL,
    requested_date  BIGINT NOT NULL, -- accounting date
    clearing_date   BIGINT NOT NULL, -- of the operator's settlement, 0 before the debit
    credited_date   BIGINT NOT NULL, -- accounting date of E10a
    tries           BIGINT NOT NULL, -- queries so far
    next_query_at   BIGINT NOT NULL, -- Unix milliseconds; 0 where nothing is asked
    answer          TEXT COLLATE "C" NOT NULL, -- the operator's last code
    PRIMARY KEY (custody_id, reference)
);
CREATE UNIQUE INDEX recharges_by_pin ON recharges (custody_id, pin_hash);
CREATE INDEX recharges_by_state ON recharges (custody_id, state);
CREATE INDEX recharges_by_clearing ON recharges (custody_id, operator, clearing_date);

-- Event log (事件, written by clearing/events): what others are told. One row per
-- change of state that is out of the ordinary; the count is that of the last event.
CREATE TABLE event_heads (
    custody_id  BIGINT NOT NULL PRIMARY KEY,
    events      BIGINT NOT NULL
);

CREATE TABLE event_log (
    custody_id       BIGINT NOT NULL,
    event_id         BIGINT NOT NULL, -- from 1, no gaps
    accounting_date  BIGINT NOT NULL,
    kind             TEXT COLLATE "C" NOT NULL,
    subject          TEXT COLLATE "C" NOT NULL,
    from_state       TEXT COLLATE "C" NOT NULL,
    to_state         TEXT COLLATE "C" NOT NULL,
    payload          TEXT COLLATE "C" NOT NULL, -- JSON without secrets
    PRIMARY KEY (custody_id, event_id)
);
CREATE INDEX event_log_by_date ON event_log (custody_id, accounting_date, event_id);

-- +goose Down
DROP TABLE event_log;
DROP TABLE event_heads;
DROP TABLE recharges;
ALTER TABLE escrow_orders DROP COLUMN back_date;
ALTER TABLE escrow_orders DROP COLUMN ended_date;
ALTER TABLE escrow_orders DROP COLUMN held_date;
DROP INDEX orders_escrow;
ALTER TABLE orders DROP COLUMN escrow;
