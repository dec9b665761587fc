-- The role that the account's owner has registered for reading AWS: one at most.
CREATE TABLE cross_account_role (
    sole          BIGINT PRIMARY KEY CHECK (sole = 1),
    arn           TEXT COLLATE "C" NOT NULL,
    registered_at BIGINT NOT NULL,
    valid         BOOLEAN NOT NULL
);
