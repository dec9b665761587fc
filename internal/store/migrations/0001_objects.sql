-- Times are microseconds since 1970 in UTC, 0 where there is none. Key columns
-- compare byte by byte on both databases. A column "doc" holds the members of an
-- object that no query looks at, as JSON.

CREATE TABLE settings (
    name  TEXT COLLATE "C" PRIMARY KEY,
    value BYTEA NOT NULL
);

CREATE TABLE resource_groups (
    id         TEXT COLLATE "C" PRIMARY KEY,
    tags       TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE targets (
    id             TEXT COLLATE "C" PRIMARY KEY,
    name           TEXT COLLATE "C" NOT NULL UNIQUE,
    resource_group TEXT COLLATE "C" REFERENCES resource_groups (id),
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL
);
CREATE INDEX targets_group ON targets (resource_group);

CREATE TABLE templates (
    id         TEXT COLLATE "C" PRIMARY KEY,
    target     TEXT COLLATE "C" NOT NULL REFERENCES targets (id) ON DELETE CASCADE,
    name       TEXT COLLATE "C" NOT NULL,
    duration   BIGINT NOT NULL,
    packages   TEXT NOT NULL,
    attributes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_run   TEXT COLLATE "C" NOT NULL,
    runs       BIGINT NOT NULL,
    UNIQUE (target, name)
);

-- Tags of resources, by ARN; resource is the id at the ARN's end.
CREATE TABLE resource_tags (
    arn      TEXT COLLATE "C" PRIMARY KEY,
    resource TEXT COLLATE "C" NOT NULL,
    tags     TEXT NOT NULL
);
CREATE INDEX resource_tags_resource ON resource_tags (resource);

CREATE TABLE agents (
    id          TEXT COLLATE "C" PRIMARY KEY,
    revoked     BOOLEAN NOT NULL,
    enrolled_at BIGINT NOT NULL,
    doc         TEXT NOT NULL
);

CREATE TABLE agent_tags (
    agent TEXT COLLATE "C" NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    key   TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (agent, key, value)
);

-- What changes with every heartbeat, apart from the rest, so that a heartbeat
-- writes little.
CREATE TABLE sightings (
    agent   TEXT COLLATE "C" PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
    seen_at BIGINT NOT NULL,
    skew    BIGINT NOT NULL
);

CREATE TABLE tokens (
    id         TEXT COLLATE "C" PRIMARY KEY,
    hash       BYTEA NOT NULL UNIQUE,
    tags       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    uses       BIGINT NOT NULL,
    max_uses   BIGINT NOT NULL
);

CREATE TABLE access_keys (
    id         TEXT COLLATE "C" PRIMARY KEY,
    owner      TEXT COLLATE "C" NOT NULL,
    secret     BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    disabled   BOOLEAN NOT NULL
);
