-- Indexes for what waits: orders that are split by request, and withheld tax.

-- +goose Up
CREATE INDEX split_request_orders_by_close ON split_request_orders (custody_id, closed_date);
CREATE INDEX withholdings_standing ON withholdings (custody_id, remitted_date) WHERE withheld_fen > 0;

-- +goose Down
DROP INDEX withholdings_standing;
DROP INDEX split_request_orders_by_close;
