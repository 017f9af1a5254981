-- Tax withheld from payouts to members who are persons (代扣个人所得税).

-- +goose Up

-- What of a payout stays behind as tax, and by which version of the rule (0: by none).
ALTER TABLE payouts ADD COLUMN withheld_fen BIGINT NOT NULL DEFAULT 0 CHECK (withheld_fen >= 0);
ALTER TABLE payouts ADD COLUMN tax_version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE payment_orders ADD COLUMN withheld_fen BIGINT NOT NULL DEFAULT 0 CHECK (withheld_fen >= 0);
ALTER TABLE payment_orders ADD COLUMN tax_version BIGINT NOT NULL DEFAULT 0;

-- What became of what was withheld: given back with its payout, or remitted (both
-- accounting dates, 0 while it stands in 2201.TAX).
ALTER TABLE withholdings ADD COLUMN back_date BIGINT NOT NULL DEFAULT 0;
ALTER TABLE withholdings ADD COLUMN remitted_date BIGINT NOT NULL DEFAULT 0;
ALTER TABLE withholdings ADD COLUMN remittance TEXT COLLATE "C" NOT NULL DEFAULT ''; -- reference of the remittance

-- +goose Down
ALTER TABLE withholdings DROP COLUMN remittance;
ALTER TABLE withholdings DROP COLUMN remitted_date;
ALTER TABLE withholdings DROP COLUMN back_date;
ALTER TABLE payment_orders DROP COLUMN tax_version;
ALTER TABLE payment_orders DROP COLUMN withheld_fen;
ALTER TABLE payouts DROP COLUMN tax_version;
ALTER TABLE payouts DROP COLUMN withheld_fen;
