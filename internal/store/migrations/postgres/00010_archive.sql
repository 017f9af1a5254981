-- Archives of sealed days (written by clearing alone).

-- +goose Up

-- One row per archive file: what was moved out, and its seal. The file lies in
-- archive/ beside the database.
CREATE TABLE archives (
    custody_id  BIGINT NOT NULL,
    archive_id  BIGINT NOT NULL,
    until_date  BIGINT NOT NULL, -- last accounting date in it
    file_name   TEXT COLLATE "C" NOT NULL,
    content     TEXT COLLATE "C" NOT NULL, -- JSON, exactly the bytes that were signed
    algorithm   TEXT COLLATE "C" NOT NULL,
    key_id      TEXT COLLATE "C" NOT NULL,
    signature   TEXT COLLATE "C" NOT NULL, -- hex
    PRIMARY KEY (custody_id, archive_id)
);

-- +goose Down
DROP TABLE archives;
