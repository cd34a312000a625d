-- name: rescue_stalled
-- One statement under row locks: of two rescuers one takes a job, and never one that a live worker took meanwhile.
WITH stalled AS (
    SELECT job.id
    FROM procrastinate_jobs AS job
    LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
    WHERE job.status = 'doing'
      AND (worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => %(seconds)s))
    FOR UPDATE OF job SKIP LOCKED
)
SELECT stalled.id, procrastinate_retry_job_v2(stalled.id, now(), NULL, NULL, NULL)
FROM stalled

-- name: try_to_look
SELECT pg_try_advisory_xact_lock(%(key)s) AS alone

-- name: notifications_without_job
-- EXCEPT, for it is linear whatever the planner believes: an anti join of 10,000 with 10,000 took 15 s before ANALYZE.
SELECT id, aansluiting_id, verzoeknummer
FROM notification
WHERE state = 'received' AND id = ANY(ARRAY(
    SELECT id::text
    FROM notification
    WHERE state = 'received' AND received_at < now() - make_interval(secs => %(seconds)s)
    EXCEPT
    SELECT args ->> 'notification_id'
    FROM procrastinate_jobs
    WHERE task_name = 'fetch' AND status IN ('todo', 'doing')
)::bigint[])
ORDER BY id
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED

-- name: verzoeken_without_job
SELECT id, aansluiting_id, verzoeknummer
FROM verzoek
WHERE state = 'fetched' AND id = ANY(ARRAY(
    SELECT id::text
    FROM verzoek
    WHERE state = 'fetched' AND fetched_at < now() - make_interval(secs => %(seconds)s)
    EXCEPT
    SELECT args ->> 'verzoek_id'
    FROM procrastinate_jobs
    WHERE task_name IN ('deliver', 'deliver_target') AND status IN ('todo', 'doing')
)::bigint[])
ORDER BY id
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED
