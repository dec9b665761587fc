-- A re-match is a run that collects nothing: it judges what other runs have
-- collected. Its hosts name the run whose telemetry that is, by its id, which
-- stays when that run is deleted; last_at is then when that telemetry had come.
ALTER TABLE runs ADD COLUMN rematch BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE run_agents ADD COLUMN source TEXT COLLATE "C" NOT NULL DEFAULT '';

-- Schedules may start re-matches.
ALTER TABLE schedules ADD COLUMN rematch BOOLEAN NOT NULL DEFAULT FALSE;
