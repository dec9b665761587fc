-- Suppressions: decisions of operators that some findings are none. One that is
-- revoked stays on record. The doc has the rest, and no query looks at it.
CREATE TABLE suppressions (
    id         TEXT COLLATE "C" PRIMARY KEY,
    created_at BIGINT NOT NULL,
    until_at   BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL,
    doc        TEXT NOT NULL
);
CREATE INDEX suppressions_created ON suppressions (created_at, id);
CREATE INDEX suppressions_kept ON suppressions (created_at, id) WHERE revoked_at = 0;

-- The life of the findings of a rules package on an agent: see package ledger. It
-- outlives the runs that it tells of.
CREATE TABLE finding_ledgers (
    agent   TEXT COLLATE "C" NOT NULL,
    package TEXT COLLATE "C" NOT NULL,
    data    BYTEA NOT NULL,
    PRIMARY KEY (agent, package)
);
-- A ledger is replaced again and again, by many transactions at once. Outside of its
-- row, with room beside it, no replacement touches the index, where it would make
-- those of other hosts start again.
--postgres ALTER TABLE finding_ledgers ALTER COLUMN data SET STORAGE EXTERNAL;
--postgres ALTER TABLE finding_ledgers SET (toast_tuple_target = 128, fillfactor = 40);
