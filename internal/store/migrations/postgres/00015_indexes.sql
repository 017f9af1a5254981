-- Indexes for what a night asks: what is open, or of the day. With them no step
-- reads the days that are closed.

-- +goose Up
CREATE INDEX channel_days_by_arrival ON channel_days (custody_id, arrived_date);
CREATE INDEX channel_days_unpaid ON channel_days (custody_id, channel) WHERE fee_paid_date IS NULL AND fee_fen <> 0;
CREATE INDEX channel_days_by_line ON channel_days (custody_id, bank_line_id);
CREATE INDEX bank_lines_by_booking ON bank_lines (custody_id, booking_date);
CREATE INDEX bank_lines_open ON bank_lines (custody_id, booking_date) WHERE matched_to = '';
CREATE INDEX bank_statements_by_date ON bank_statements (custody_id, to_date);
CREATE INDEX batches_by_state ON batches (custody_id, state, batch_no);
CREATE INDEX batches_by_date ON batches (custody_id, file_date, batch_no);
CREATE INDEX batches_by_day ON batches (custody_id, accounting_date, round);
CREATE INDEX days_open ON days (custody_id, accounting_date) WHERE state NOT IN ('CLOSED', 'SEALED');
CREATE INDEX ledger_days_open ON ledger_days (custody_id, accounting_date) WHERE closed = 0;
CREATE INDEX payouts_returned ON payouts (custody_id, credited_date) WHERE state = 'RETURNED';
CREATE INDEX payment_orders_by_end ON payment_orders (custody_id, ended_date);
CREATE INDEX payment_orders_by_date ON payment_orders (custody_id, applied_date);
CREATE INDEX exceptions_by_date ON exceptions (custody_id, opened_date);
CREATE INDEX exceptions_by_close ON exceptions (custody_id, closed_date);
CREATE INDEX exceptions_about ON exceptions (custody_id, subject);
CREATE INDEX open_orders_by_clearing ON open_orders (custody_id, cleared_date);
CREATE INDEX open_lines_by_clearing ON open_lines (custody_id, side, cleared_date);
CREATE INDEX open_lines_by_date ON open_lines (custody_id, side, since_date);
CREATE INDEX outbox_pending ON outbox (custody_id, kind) WHERE state = 'PENDING';
CREATE INDEX outbox_by_date ON outbox (custody_id, accounting_date);
CREATE INDEX outbox_by_kind ON outbox (custody_id, kind, outbox_id);
CREATE INDEX approvals_by_state ON approvals (custody_id, state);
CREATE INDEX approvals_about ON approvals (custody_id, kind, subject);
CREATE INDEX proofs_failed ON proofs (custody_id, accounting_date) WHERE difference_fen <> 0;
CREATE INDEX files_rejected ON files (custody_id, business_date) WHERE state = 'REJECTED';
CREATE INDEX escrow_orders_by_end ON escrow_orders (custody_id, ended_date);
CREATE INDEX escrow_orders_by_refund ON escrow_orders (custody_id, back_date) WHERE refund_no <> '';
CREATE INDEX escrow_orders_by_clearing ON escrow_orders (custody_id, channel, clearing_date);

-- +goose Down
DROP INDEX escrow_orders_by_clearing;
DROP INDEX escrow_orders_by_refund;
DROP INDEX escrow_orders_by_end;
DROP INDEX files_rejected;
DROP INDEX proofs_failed;
DROP INDEX approvals_about;
DROP INDEX approvals_by_state;
DROP INDEX outbox_by_kind;
DROP INDEX outbox_by_date;
DROP INDEX outbox_pending;
DROP INDEX open_lines_by_date;
DROP INDEX open_lines_by_clearing;
DROP INDEX open_orders_by_clearing;
DROP INDEX exceptions_about;
DROP INDEX exceptions_by_close;
DROP INDEX exceptions_by_date;
DROP INDEX payment_orders_by_date;
DROP INDEX payment_orders_by_end;
DROP INDEX payouts_returned;
DROP INDEX ledger_days_open;
DROP INDEX days_open;
DROP INDEX batches_by_day;
DROP INDEX batches_by_date;
DROP INDEX batches_by_state;
DROP INDEX bank_statements_by_date;
DROP INDEX bank_lines_open;
DROP INDEX bank_lines_by_booking;
DROP INDEX channel_days_by_line;
DROP INDEX channel_days_unpaid;
DROP INDEX channel_days_by_arrival;
