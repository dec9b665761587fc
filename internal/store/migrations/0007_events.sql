-- Who is told of what.
CREATE TABLE event_subscriptions (
    template      TEXT COLLATE "C" NOT NULL REFERENCES templates (id) ON DELETE CASCADE,
    topic         TEXT COLLATE "C" NOT NULL,
    event         TEXT COLLATE "C" NOT NULL,
    subscribed_at BIGINT NOT NULL,
    PRIMARY KEY (template, topic, event)
);

CREATE TABLE webhooks (
    id         TEXT COLLATE "C" PRIMARY KEY,
    topic      TEXT COLLATE "C" NOT NULL,
    secret     BYTEA NOT NULL,
    former     BYTEA NOT NULL, -- the secret before the last rotation, or nothing
    former_end BIGINT NOT NULL, -- until when it signs too
    doc        TEXT NOT NULL
);

-- The outbox: an event and a topic that is to be told of it, written in the
-- transaction in which the event happens. The ids are in the order of time.
CREATE TABLE notifications (
    id         TEXT COLLATE "C" PRIMARY KEY,
    template   TEXT COLLATE "C" NOT NULL REFERENCES templates (id) ON DELETE CASCADE,
    run        BIGINT REFERENCES runs (no) ON DELETE CASCADE,
    topic      TEXT COLLATE "C" NOT NULL,
    event      TEXT COLLATE "C" NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    message    TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    routed     BOOLEAN NOT NULL,
    state      TEXT COLLATE "C" NOT NULL,
    status     TEXT NOT NULL,
    detail     TEXT NOT NULL,
    settled_at BIGINT NOT NULL,
    UNIQUE (run, topic, event, subject)
);
CREATE INDEX notifications_template ON notifications (template);
CREATE INDEX notifications_unrouted ON notifications (id) WHERE NOT routed;
CREATE INDEX notifications_pending ON notifications (created_at) WHERE state = 'pending';
CREATE INDEX notifications_undelivered ON notifications (id) WHERE state IN ('dead', 'unrouted');
CREATE INDEX notifications_settled ON notifications (settled_at) WHERE settled_at > 0;

-- The findings of a run of which a topic is to be told, up to which it was made
-- ready. Notifications are made of them while they are delivered.
CREATE TABLE finding_events (
    run      BIGINT NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
    topic    TEXT COLLATE "C" NOT NULL,
    at       BIGINT NOT NULL,
    after_id TEXT COLLATE "C" NOT NULL,
    state    TEXT COLLATE "C" NOT NULL,
    total    BIGINT NOT NULL,
    made     BIGINT NOT NULL,
    sent     BIGINT NOT NULL,
    PRIMARY KEY (run, topic)
);
CREATE INDEX finding_events_topic ON finding_events (topic, state);

-- A notification on its way to a destination: a webhook, or a topic of SNS.
CREATE TABLE deliveries (
    notification TEXT COLLATE "C" NOT NULL REFERENCES notifications (id) ON DELETE CASCADE,
    destination  TEXT COLLATE "C" NOT NULL,
    state        TEXT COLLATE "C" NOT NULL,
    attempts     BIGINT NOT NULL,
    due_at       BIGINT NOT NULL,
    lease_until  BIGINT NOT NULL, -- who attempts it has it until then
    error        TEXT NOT NULL,
    status       TEXT NOT NULL,
    PRIMARY KEY (notification, destination)
);
CREATE INDEX deliveries_due ON deliveries (destination, notification) WHERE state = 'pending';
