-- Electronic payment orders that carry a signature, and the keys that may sign
-- them (written by clearing/signedorder alone).

-- +goose Up

-- One row per public key that two people registered. A key belongs to one owner
-- for ever; a revoked one signs nothing any more.
CREATE TABLE order_keys (
    custody_id   BIGINT NOT NULL,
    key_id       TEXT COLLATE "C" NOT NULL, -- first 16 hex digits of the key's SHA-256
    name         TEXT COLLATE "C" NOT NULL,
    owner        TEXT COLLATE "C" NOT NULL, -- member, or HQ
    algorithm    TEXT COLLATE "C" NOT NULL,
    public_key   TEXT COLLATE "C" NOT NULL, -- PEM
    state        TEXT COLLATE "C" NOT NULL CHECK (state IN ('ACTIVE', 'REVOKED')),
    approval_id  TEXT COLLATE "C" NOT NULL,
    reason       TEXT COLLATE "C" NOT NULL, -- of the revocation
    PRIMARY KEY (custody_id, key_id),
    UNIQUE (custody_id, name)
);

-- One row per order whose signature held and whose time had come. An order is
-- decided once: its number and its nonce serve its owner no second time.
CREATE TABLE signed_orders (
    custody_id     BIGINT NOT NULL,
    owner          TEXT COLLATE "C" NOT NULL, -- of the key: member, or HQ
    order_id       TEXT COLLATE "C" NOT NULL,
    nonce          TEXT COLLATE "C" NOT NULL,
    key_id         TEXT COLLATE "C" NOT NULL,
    file_sha256    TEXT COLLATE "C" NOT NULL, -- of the file that brought it, kept in the vault
    outcome        TEXT COLLATE "C" NOT NULL CHECK (outcome IN ('APPLIED', 'SUBMITTED', 'REFUSED')),
    reference      TEXT COLLATE "C" NOT NULL, -- of the withdrawal or the approval, '' where refused
    refusal        TEXT COLLATE "C" NOT NULL, -- code of the refusal
    decided_date   BIGINT NOT NULL, -- the day that was collecting
    actor          TEXT COLLATE "C" NOT NULL, -- who brought it in
    PRIMARY KEY (custody_id, owner, order_id),
    UNIQUE (custody_id, owner, nonce)
);

-- +goose Down
DROP TABLE signed_orders;
DROP TABLE order_keys;
