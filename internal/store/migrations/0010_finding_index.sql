-- Lists of findings are answered from an index of each run, which is made once,
-- when its evaluation is over and its findings are shown: see findingindex.go. Lines
-- that start with "--sqlite" or "--postgres" are for that database alone.
DROP INDEX findings_agent;
DROP INDEX findings_rule;
DROP INDEX findings_severity;
DROP INDEX findings_package;
DROP INDEX findings_asg_package;
DROP INDEX findings_asg;
DROP TABLE finding_attributes;

-- A doc is compressed now: see findingdoc.go.
--postgres ALTER TABLE findings ALTER COLUMN doc TYPE BYTEA USING convert_to(doc, 'UTF8');
--postgres ALTER TABLE findings ALTER COLUMN doc SET STORAGE EXTERNAL;

-- What the index of a run is to be made of, until it is made: the findings of a
-- rules package on an agent.
CREATE TABLE finding_parts (
    run     BIGINT NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
    agent   TEXT COLLATE "C" NOT NULL,
    package TEXT COLLATE "C" NOT NULL,
    data    BYTEA NOT NULL,
    PRIMARY KEY (run, agent, package)
);

-- The runs whose findings are shown, with how many they are and when the first and
-- the last of them was made.
CREATE TABLE finding_indexes (
    run      BIGINT PRIMARY KEY REFERENCES runs (no) ON DELETE CASCADE,
    findings BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at  BIGINT NOT NULL
);

-- The ids of a run's findings in the order of the lists, and when they were made.
-- The chunks of a run are numbered from the run's number times 65536.
CREATE TABLE finding_chunks (
    chunk BIGINT PRIMARY KEY,
    run   BIGINT NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
    ids   BYTEA NOT NULL,
    times BYTEA NOT NULL
);
CREATE INDEX finding_chunks_run ON finding_chunks (run);

-- Which findings of a run have a property. The rows of a bucket, which a filter
-- looks at, lie side by side.
CREATE TABLE finding_postings (
    bucket BIGINT NOT NULL,
    run    BIGINT NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
    data   BYTEA NOT NULL,
    PRIMARY KEY (bucket, run)
)
--sqlite WITHOUT ROWID
;
CREATE INDEX finding_postings_run ON finding_postings (run);
