-- Previews of the exclusions that a run of a template would have. A preview that
-- is being made has completed_at 0: a template has one of those at most.
CREATE TABLE previews (
    token        TEXT COLLATE "C" PRIMARY KEY,
    template     TEXT COLLATE "C" NOT NULL REFERENCES templates (id) ON DELETE CASCADE,
    created_at   BIGINT NOT NULL,
    completed_at BIGINT NOT NULL
);
CREATE INDEX previews_template ON previews (template, created_at);
CREATE INDEX previews_created ON previews (created_at);
CREATE UNIQUE INDEX previews_making ON previews (template) WHERE completed_at = 0;

CREATE TABLE preview_exclusions (
    preview TEXT COLLATE "C" NOT NULL REFERENCES previews (token) ON DELETE CASCADE,
    id      TEXT COLLATE "C" NOT NULL,
    doc     TEXT NOT NULL,
    PRIMARY KEY (preview, id)
);

-- How many findings and exclusions a run has, once its evaluation is over, so that
-- they can be summed up from an index.
ALTER TABLE runs ADD COLUMN findings BIGINT NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN exclusions BIGINT NOT NULL DEFAULT 0;
UPDATE runs SET findings = (SELECT count(*) FROM findings f WHERE f.run = runs.no),
    exclusions = (SELECT count(*) FROM exclusions e WHERE e.run = runs.no) WHERE shown;
CREATE INDEX runs_counted ON runs (template, state, findings);
CREATE INDEX runs_last_shown ON runs (template, no) WHERE shown;

-- For the agents that have a tag.
CREATE INDEX agent_tags_tag ON agent_tags (key, value, agent);
