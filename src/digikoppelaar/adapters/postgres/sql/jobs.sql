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

-- name: deliveries_without_job
-- Also of a verzoek that is parked for another target: that one waits for a person, this one does not.
SELECT id, verzoek_id
FROM delivery
WHERE state = 'waiting' AND id = ANY(ARRAY(
    SELECT delivery.id::text
    FROM delivery
    JOIN verzoek ON verzoek.id = delivery.verzoek_id
    WHERE delivery.state = 'waiting' AND delivery.planned_at < now() - make_interval(secs => %(seconds)s)
      AND (verzoek.state = 'fetched' OR verzoek.state = 'parked' AND EXISTS (
          SELECT FROM delivery AS other WHERE other.verzoek_id = verzoek.id AND other.state = 'parked'
      ))
    EXCEPT
    SELECT args ->> 'delivery_id'
    FROM procrastinate_jobs
    WHERE task_name = 'deliver_target' AND status IN ('todo', 'doing')
    EXCEPT
    SELECT delivery.id::text
    FROM procrastinate_jobs
    JOIN delivery ON delivery.verzoek_id = (args ->> 'verzoek_id')::bigint
    WHERE task_name = 'deliver' AND status IN ('todo', 'doing')
)::bigint[])
ORDER BY id
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED
