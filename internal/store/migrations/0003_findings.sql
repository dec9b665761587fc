-- Findings. Every index ends with the order of the lists (run, id), so that a
-- page is read from the index of one filter and stops when it is full.
CREATE TABLE findings (
    run         BIGINT NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
    id          TEXT COLLATE "C" NOT NULL,
    agent       TEXT COLLATE "C" NOT NULL,
    package     TEXT COLLATE "C" NOT NULL,
    package_arn TEXT COLLATE "C" NOT NULL,
    asg         TEXT COLLATE "C" NOT NULL,
    rule        TEXT COLLATE "C" NOT NULL,
    severity    BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    doc         TEXT NOT NULL,
    PRIMARY KEY (run, id)
);
CREATE INDEX findings_worst ON findings (run, severity, id);
CREATE INDEX findings_agent ON findings (agent, run, id);
CREATE INDEX findings_rule ON findings (rule, run, id);
CREATE INDEX findings_severity ON findings (severity, run, id);
CREATE INDEX findings_package ON findings (package_arn, severity, run, id);
CREATE INDEX findings_asg_package ON findings (asg, package_arn, run, id) WHERE asg <> '';
CREATE INDEX findings_asg ON findings (asg, severity, run, id) WHERE asg <> '';

-- The attributes of findings, as 63 bits of a hash of kind, key and value.
CREATE TABLE finding_attributes (
    hash BIGINT NOT NULL,
    run  BIGINT NOT NULL,
    id   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (hash, run, id),
    FOREIGN KEY (run, id) REFERENCES findings (run, id) ON DELETE CASCADE
);
CREATE INDEX finding_attributes_finding ON finding_attributes (run, id);

CREATE TABLE exclusions (
    run     BIGINT NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
    id      TEXT COLLATE "C" NOT NULL,
    agent   TEXT COLLATE "C" NOT NULL,
    package TEXT COLLATE "C" NOT NULL,
    doc     TEXT NOT NULL,
    PRIMARY KEY (run, id)
);
CREATE INDEX exclusions_of ON exclusions (run, agent, package);
