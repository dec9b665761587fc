-- Reports that somebody has asked for: one of each type and format of a run. The
-- document is an object, sealed under a key of its own. The object's name is here
-- before the object is there, so that none is forgotten.
CREATE TABLE reports (
    id           TEXT COLLATE "C" PRIMARY KEY,
    run          BIGINT NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
    type         TEXT COLLATE "C" NOT NULL,
    format       TEXT COLLATE "C" NOT NULL,
    status       TEXT COLLATE "C" NOT NULL,
    blob         TEXT COLLATE "C" NOT NULL UNIQUE,
    size         BIGINT NOT NULL,
    requested_at BIGINT NOT NULL,
    done_at      BIGINT NOT NULL,
    key_no       BIGINT NOT NULL,
    UNIQUE (run, type, format)
);
CREATE INDEX reports_done ON reports (done_at);

-- The keys of reports, wrapped. As in run_keys, rows are added at the end, keep
-- their size, and stay when they are overwritten with zeros: a row that moves
-- would leave its bytes behind.
CREATE TABLE report_keys (
    no      BIGINT PRIMARY KEY,
    wrapped BYTEA NOT NULL
);
