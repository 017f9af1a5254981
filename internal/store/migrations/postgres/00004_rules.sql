-- Regions of franchisees (written by subaccounts alone): a level of split rules.

-- +goose Up

-- The region (区域) above a franchisee, itself a member that receives. A
-- franchisee without a row has none.
CREATE TABLE member_regions (
    custody_id  BIGINT NOT NULL,
    member      TEXT COLLATE "C" NOT NULL,
    region      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (custody_id, member)
);

-- +goose Down
DROP TABLE member_regions;
