-- Collections beyond the plain payment: fees that are taken later, and what an
-- order file says of a payment beside its amount.

-- +goose Up

-- The day on which a bank line took the fee of a channel that pays gross (手续费后收).
ALTER TABLE channel_days ADD COLUMN fee_paid_date INTEGER;

-- What an order file says of a payment beside its amount (clearing/orders): the
-- part that a coupon paid (COUPON, 优惠券), that it was voided on its day (REVERSED,
-- 撤销), or that it was not paid as far as we know (CLOSED, FAILED, UNKNOWN).
CREATE TABLE order_marks (
    custody_id  INTEGER NOT NULL,
    file_id     INTEGER NOT NULL,
    row_no      INTEGER NOT NULL,
    mark        TEXT NOT NULL CHECK (mark IN ('COUPON', 'REVERSED', 'CLOSED', 'FAILED', 'UNKNOWN')),
    order_no    TEXT NOT NULL,
    member      TEXT NOT NULL,
    channel     TEXT NOT NULL,
    amount_fen  INTEGER NOT NULL CHECK (amount_fen > 0), -- of COUPON the coupon's, else the order's
    PRIMARY KEY (custody_id, file_id, row_no, mark)
) STRICT, WITHOUT ROWID;
CREATE INDEX order_marks_by_number ON order_marks (custody_id, order_no);

-- +goose Down
DROP TABLE order_marks;
ALTER TABLE channel_days DROP COLUMN fee_paid_date;
