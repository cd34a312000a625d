-- Beside procrastinate's own schema, which the step runs first.

-- Without it the search for a job whose lock is free walks the whole queue: 10,000 waiting jobs crawl.
CREATE INDEX procrastinate_jobs_lock_id ON procrastinate_jobs (lock, id) WHERE status IN ('todo', 'doing');

-- The planner takes that index only when it knows that the queue is long, so let it know soon after a peak.
ALTER TABLE procrastinate_jobs SET (
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 500,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000
);
-- The look for what waits without a job walks only what waits, not everything that ever came in.
CREATE INDEX notification_waiting ON notification (id) WHERE state = 'received';
CREATE INDEX verzoek_waiting ON verzoek (id) WHERE state = 'fetched';
