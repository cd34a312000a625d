-- name: lock
-- One at a time may look at the versions of a verzoeknummer and decide what follows; it ends with the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('line:' || %(aansluiting_id)s::text || ':' || %(verzoeknummer)s::text, 0))

-- name: lock_after_notification
-- The same lock, after the row of the notification: the inner query is done before the outer one takes the lock.
WITH notification AS MATERIALIZED (
    SELECT id, aansluiting_id, received_at, state, stopped FROM notification WHERE id = %(id)s FOR UPDATE
)
SELECT
    notification.*,
    pg_advisory_xact_lock(
        hashtextextended('line:' || notification.aansluiting_id || ':' || %(verzoeknummer)s::text, 0)
    )
FROM notification

-- name: lock_of_verzoek
-- The same lock, for the verzoeknummer of this version.
SELECT
    aansluiting_id, verzoeknummer,
    pg_advisory_xact_lock(hashtextextended('line:' || aansluiting_id || ':' || verzoeknummer, 0))
FROM verzoek
WHERE id = %(id)s

-- name: versions
-- `expected` does not count the notification that is being settled.
SELECT
    verzoek.id, verzoek.aansluiting_id, verzoek.verzoeknummer, verzoek.volgnummer, verzoek.doel, verzoek.state,
    verzoek.action, verzoek.case_reference, verzoek.rule_reason, verzoek.rule_advice, verzoek.stopped,
    EXISTS (
        SELECT FROM notification
        WHERE notification.verzoek_id = verzoek.id AND notification.state <> 'fetched'
          AND notification.id <> %(settled)s
    ) AS expected,
    EXISTS (
        SELECT FROM verzoek_file WHERE verzoek_file.verzoek_id = verzoek.id AND verzoek_file.fetched_at IS NULL
    ) AS incomplete
FROM verzoek
WHERE verzoek.aansluiting_id = %(aansluiting_id)s AND verzoek.verzoeknummer = %(verzoeknummer)s
ORDER BY verzoek.volgnummer
FOR UPDATE OF verzoek

-- name: known
-- Always a row, for what stands beside the versions; without volgnummer when there is none yet.
SELECT
    aansluiting.organisatie_oin,
    EXISTS (
        SELECT FROM case_link
        WHERE case_link.aansluiting_id = aansluiting.id AND lower(case_link.verzoeknummer) = lower(%(verzoeknummer)s)
    ) AS linked,
    verzoek.id, verzoek.volgnummer, verzoek.doel, verzoek.state, verzoek.action, verzoek.case_reference,
    ARRAY(
        SELECT document_id FROM verzoek_file WHERE verzoek_id = verzoek.id AND kind = 'bijlage'
    ) AS document_ids
FROM aansluiting
LEFT JOIN verzoek ON verzoek.aansluiting_id = aansluiting.id AND verzoek.verzoeknummer = %(verzoeknummer)s
WHERE aansluiting.id = %(aansluiting_id)s
ORDER BY verzoek.volgnummer

-- name: step
-- With the job that it needs (a null `task`: none) and its place in the timeline.
WITH moved AS (
    UPDATE verzoek
    SET state = %(state)s, action = %(action)s, reason = %(reason)s, advice = %(advice)s,
        fetched_at = coalesce(fetched_at, %(now)s), stopped = stopped AND %(state)s = 'parked'
    WHERE id = %(id)s
), told AS (
    INSERT INTO step (aansluiting_id, name, at, detail, verzoek_id)
    VALUES (%(aansluiting_id)s, %(name)s, %(now)s, %(detail)s, %(id)s)
)
SELECT procrastinate_defer_jobs_v1(ARRAY[
    ROW(%(task)s, %(task)s, %(priority)s, %(lock)s, NULL, jsonb_build_object('verzoek_id', %(id)s::bigint), NULL)
]::procrastinate_job_to_defer_v1[])
WHERE %(task)s::text IS NOT NULL

-- name: linked
SELECT id
FROM case_link
WHERE aansluiting_id = %(aansluiting_id)s AND lower(verzoeknummer) = lower(%(verzoeknummer)s)
LIMIT 1

-- name: delivered
-- What was told first stays: a repeated delivery is the same delivery.
WITH moved AS (
    UPDATE verzoek
    SET state = %(state)s, case_reference = coalesce(case_reference, %(case_reference)s),
        delivered_at = coalesce(delivered_at, %(now)s), stopped = false, reason = NULL, advice = NULL
    WHERE id = %(id)s
)
INSERT INTO step (aansluiting_id, name, at, detail, verzoek_id)
VALUES (%(aansluiting_id)s, 'delivered', %(now)s, '', %(id)s)
