-- Runs are numbered in the order in which they were created. What belongs to a
-- run refers to it by number; lists go by number, so that what is added while
-- someone pages through a list comes at its end.
CREATE TABLE runs (
    no                BIGINT PRIMARY KEY,
    id                TEXT COLLATE "C" NOT NULL UNIQUE,
    target            TEXT COLLATE "C" NOT NULL REFERENCES targets (id) ON DELETE CASCADE,
    template          TEXT COLLATE "C" NOT NULL REFERENCES templates (id) ON DELETE CASCADE,
    name              TEXT COLLATE "C" NOT NULL,
    state             TEXT COLLATE "C" NOT NULL,
    final             BOOLEAN NOT NULL,
    shown             BOOLEAN NOT NULL,
    duration          BIGINT NOT NULL,
    packages          TEXT NOT NULL,
    attributes        TEXT NOT NULL,
    created_at        BIGINT NOT NULL,
    started_at        BIGINT NOT NULL,
    completed_at      BIGINT NOT NULL,
    state_changed_at  BIGINT NOT NULL,
    data_collected    BOOLEAN NOT NULL,
    changes           TEXT NOT NULL,
    finding_counts    TEXT NOT NULL,
    stop              TEXT NOT NULL,
    telemetry_gone_at BIGINT NOT NULL,
    UNIQUE (template, name)
);
CREATE INDEX runs_target ON runs (target);
CREATE INDEX runs_open ON runs (no) WHERE NOT final;
CREATE INDEX runs_hidden ON runs (no) WHERE NOT shown;
CREATE INDEX runs_created ON runs (created_at, no);
CREATE INDEX runs_completed ON runs (completed_at, no);
CREATE INDEX runs_retention ON runs (completed_at) WHERE telemetry_gone_at = 0;

-- The data key of a run, wrapped. It is overwritten with zeros to destroy the
-- telemetry; the row stays when the run is deleted, so that no number comes twice.
CREATE TABLE run_keys (
    run     BIGINT PRIMARY KEY,
    wrapped BYTEA NOT NULL
);

CREATE TABLE run_agents (
    run       BIGINT NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
    agent     TEXT COLLATE "C" NOT NULL,
    state     TEXT COLLATE "C" NOT NULL,
    health    TEXT COLLATE "C" NOT NULL,
    code      TEXT COLLATE "C" NOT NULL,
    segments  BIGINT NOT NULL,
    expected  BIGINT NOT NULL,
    last_at   BIGINT NOT NULL,
    evaluated BOOLEAN NOT NULL,
    doc       TEXT NOT NULL,
    PRIMARY KEY (run, agent)
);
CREATE INDEX run_agents_agent ON run_agents (agent, run);

CREATE TABLE telemetry (
    run   BIGINT NOT NULL,
    agent TEXT COLLATE "C" NOT NULL,
    type  TEXT COLLATE "C" NOT NULL,
    count BIGINT NOT NULL,
    size  BIGINT NOT NULL,
    PRIMARY KEY (run, agent, type),
    FOREIGN KEY (run, agent) REFERENCES run_agents (run, agent) ON DELETE CASCADE
);

CREATE TABLE segments (
    run         BIGINT NOT NULL,
    agent       TEXT COLLATE "C" NOT NULL,
    sequence    BIGINT NOT NULL,
    sensor      TEXT NOT NULL,
    blob        TEXT COLLATE "C" NOT NULL,
    digest      BYTEA NOT NULL,
    size        BIGINT NOT NULL,
    decoded     BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (run, agent, sequence),
    FOREIGN KEY (run, agent) REFERENCES run_agents (run, agent) ON DELETE CASCADE
);

-- Blobs of runs that were deleted, until they are deleted too.
CREATE TABLE doomed (
    blob TEXT COLLATE "C" PRIMARY KEY
);

CREATE TABLE results (
    run     BIGINT NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
    agent   TEXT COLLATE "C" NOT NULL,
    package TEXT COLLATE "C" NOT NULL,
    results BYTEA NOT NULL,
    PRIMARY KEY (run, agent, package)
);
