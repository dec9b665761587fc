-- Users, groups, and the policies that say what they may do. Managed policies have
-- no row in policies: they are part of the program.
CREATE TABLE users (
    name       TEXT COLLATE "C" PRIMARY KEY,
    folded     TEXT COLLATE "C" NOT NULL UNIQUE, -- in lower case: no two names differ in case only
    id         TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE user_groups (
    name       TEXT COLLATE "C" PRIMARY KEY,
    folded     TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE group_members (
    user_group TEXT COLLATE "C" NOT NULL REFERENCES user_groups (name) ON DELETE CASCADE,
    member     TEXT COLLATE "C" NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    PRIMARY KEY (member, user_group)
);
CREATE INDEX group_members_group ON group_members (user_group, member);

CREATE TABLE policies (
    name       TEXT COLLATE "C" PRIMARY KEY,
    folded     TEXT COLLATE "C" NOT NULL UNIQUE,
    document   TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE user_policies (
    principal TEXT COLLATE "C" NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    policy    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (principal, policy)
);
CREATE INDEX user_policies_policy ON user_policies (policy, principal);

CREATE TABLE group_policies (
    principal TEXT COLLATE "C" NOT NULL REFERENCES user_groups (name) ON DELETE CASCADE,
    policy    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (principal, policy)
);
CREATE INDEX group_policies_policy ON group_policies (policy, principal);

CREATE INDEX access_keys_owner ON access_keys (owner, id);
ALTER TABLE access_keys ADD COLUMN last_used_at BIGINT NOT NULL DEFAULT 0;

-- Counts the changes to what users may do. It is read with every access key, so
-- that what a replica remembers of policies is never older than the last change.
CREATE TABLE identity_version (
    one     BIGINT PRIMARY KEY,
    version BIGINT NOT NULL
);
INSERT INTO identity_version (one, version) VALUES (1, 1);
