-- Archives of sealed days (written by clearing alone).

-- +goose Up

-- One row per archive file: what was moved out, and its seal. The file lies in
-- archive/ beside the database.
CREATE TABLE archives (
    custody_id  INTEGER NOT NULL,
    archive_id  INTEGER NOT NULL,
    until_date  INTEGER NOT NULL, -- last accounting date in it
    file_name   TEXT NOT NULL,
    content     TEXT NOT NULL, -- JSON, exactly the bytes that were signed
    algorithm   TEXT NOT NULL,
    key_id      TEXT NOT NULL,
    signature   TEXT NOT NULL, -- hex
    PRIMARY KEY (custody_id, archive_id)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE archives;
