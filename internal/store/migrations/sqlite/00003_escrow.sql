-- Escrow orders (clearing/escrow).

-- +goose Up

-- One row per escrow order (担保交易). While it is PAID_HELD, SHIPPED or DISPUTED
-- its amount stands in 2101 under its number.
CREATE TABLE escrow_orders (
    custody_id     INTEGER NOT NULL,
    order_no       TEXT NOT NULL,
    member         TEXT NOT NULL, -- the merchant
    amount_fen     INTEGER NOT NULL CHECK (amount_fen > 0),
    state          TEXT NOT NULL CHECK (state IN ('WAIT_PAY', 'PAID_HELD', 'SHIPPED', 'DISPUTED', 'REFUNDING', 'REFUNDED',
                       'PART_REFUND', 'PART_REFUNDED', 'CONFIRMED', 'AUTO_CONFIRMED', 'SETTLED', 'CLOSED')),
    channel        TEXT NOT NULL, -- '' until it is paid, and where a balance paid
    clearing_date  INTEGER NOT NULL, -- of the payment, 0 where there is none
    payer          TEXT NOT NULL, -- the member whose balance paid, or ''
    logistics_no   TEXT NOT NULL,
    auto_date      INTEGER NOT NULL, -- confirmed by itself from this date on; 0 while no timer runs
    refund_no      TEXT NOT NULL,
    refund_fen     INTEGER NOT NULL,
    PRIMARY KEY (custody_id, order_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX escrow_orders_by_state ON escrow_orders (custody_id, state, auto_date);

-- +goose Down
DROP TABLE escrow_orders;
