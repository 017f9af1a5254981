-- Orders that are split by requests (分账请求), written by clearing/requests alone.

-- +goose Up

-- An order whose money waits in 2102 for requests: amount and fee as the night
-- booked it, by which rule, and the day from which its rest is released.
CREATE TABLE split_request_orders (
    custody_id     INTEGER NOT NULL,
    order_no       TEXT NOT NULL,
    channel        TEXT NOT NULL,
    clearing_date  INTEGER NOT NULL,
    member         TEXT NOT NULL,
    order_file_id  INTEGER NOT NULL,
    order_row_no   INTEGER NOT NULL,
    amount_fen     INTEGER NOT NULL CHECK (amount_fen > 0), -- with the channel's fee
    fee_fen        INTEGER NOT NULL CHECK (fee_fen >= 0 AND fee_fen <= amount_fen),
    rule_id        TEXT NOT NULL,
    rule_version   INTEGER NOT NULL,
    since_date     INTEGER NOT NULL, -- accounting date
    thaw_date      INTEGER NOT NULL, -- its rest is released in the night of this date
    closed_date    INTEGER,          -- released; NULL while it waits
    PRIMARY KEY (custody_id, order_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX split_request_orders_open ON split_request_orders (custody_id, thaw_date) WHERE closed_date IS NULL;

-- What took money out of 2102, or brought it back, one row per receiver: given by
-- a request (SPLIT), returned (RETURN, 分账回退, negative), refunded to the customer
-- (REFUND), released to the franchisee (RELEASE, 解冻剩余).
CREATE TABLE split_request_moves (
    custody_id     INTEGER NOT NULL,
    order_no       TEXT NOT NULL,
    move_no        INTEGER NOT NULL,
    receiver       TEXT NOT NULL, -- member; empty: head office, or of REFUND the customer
    kind           TEXT NOT NULL CHECK (kind IN ('SPLIT', 'RETURN', 'REFUND', 'RELEASE')),
    ref            TEXT NOT NULL, -- who asked calls it so; of a refund its number
    move_date      INTEGER NOT NULL,  -- accounting date
    amount_fen     INTEGER NOT NULL,  -- out of 2102
    fee_fen        INTEGER NOT NULL,  -- of the channel: given back by a refund, paid at the release
    PRIMARY KEY (custody_id, order_no, move_no, receiver)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE split_request_moves;
DROP TABLE split_request_orders;
