-- Escrow orders (clearing/escrow).

-- +goose Up

-- One row per escrow order (担保交易). While it is PAID_HELD, SHIPPED or DISPUTED
-- its amount stands in 2101 under its number.
CREATE TABLE escrow_orders (
    custody_id     BIGINT NOT NULL,
    order_no       TEXT COLLATE "C" NOT NULL,
    member         TEXT COLLATE "C" NOT NULL, -- the merchant
    amount_fen     BIGINT NOT NULL CHECK (amount_fen > 0),
    state          TEXT COLLATE "C" NOT NULL CHECK (state IN ('WAIT_PAY', 'PAID_HELD', 'SHIPPED', 'DISPUTED', 'REFUNDING', 'REFUNDED',
                       'PART_REFUND', 'PART_REFUNDED', 'CONFIRMED', 'AUTO_CONFIRMED', 'SETTLED', 'CLOSED')),
    channel        TEXT COLLATE "C" NOT NULL, -- '' until it is paid, and where a balance paid
    clearing_date  BIGINT NOT NULL, -- of the payment, 0 where there is none
    payer          TEXT COLLATE "C" NOT NULL, -- the member whose balance paid, or ''
    logistics_no   TEXT COLLATE "C" NOT NULL,
    auto_date      BIGINT NOT NULL, -- confirmed by itself from this date on; 0 while no timer runs
    refund_no      TEXT COLLATE "C" NOT NULL,
    refund_fen     BIGINT NOT NULL,
    PRIMARY KEY (custody_id, order_no)
);
CREATE INDEX escrow_orders_by_state ON escrow_orders (custody_id, state, auto_date);

-- +goose Down
DROP TABLE escrow_orders;
