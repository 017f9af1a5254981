-- Regions of franchisees (written by subaccounts alone): a level of split rules.

-- +goose Up

-- The region (区域) above a franchisee, itself a member that receives. A
-- franchisee without a row has none.
CREATE TABLE member_regions (
    custody_id  INTEGER NOT NULL,
    member      TEXT    NOT NULL,
    region      TEXT    NOT NULL,
    PRIMARY KEY (custody_id, member)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE member_regions;
