-- Schedules. A run and the new due_at are written in one transaction, so that
-- each time has one run at most. try_at is when the worker is to look: 0 while
-- there is nothing to do, because of a pause or because no time is left.
CREATE TABLE schedules (
    id         TEXT COLLATE "C" PRIMARY KEY,
    template   TEXT COLLATE "C" NOT NULL REFERENCES templates (id) ON DELETE CASCADE,
    expression TEXT COLLATE "C" NOT NULL,
    zone       TEXT COLLATE "C" NOT NULL,
    start_at   BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    paused     BOOLEAN NOT NULL,
    due_at     BIGINT NOT NULL,
    try_at     BIGINT NOT NULL,
    refused    BOOLEAN NOT NULL,
    last       TEXT NOT NULL,
    UNIQUE (template, expression, zone)
);
CREATE INDEX schedules_try ON schedules (try_at) WHERE try_at > 0;
