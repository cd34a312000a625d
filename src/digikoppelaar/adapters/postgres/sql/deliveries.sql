-- name: plan
-- What is parked gets a fresh series of attempts, and keeps its steps. The others stay, and are updated to be told of.
WITH verzoek AS MATERIALIZED (
    SELECT id, aansluiting_id FROM verzoek WHERE id = %(verzoek_id)s FOR UPDATE
), dropped AS (
    DELETE FROM delivery
    WHERE verzoek_id = %(verzoek_id)s AND target <> ALL(%(targets)s) AND state <> 'delivered'
), planned AS (
    INSERT INTO delivery (aansluiting_id, verzoek_id, target, state, planned_at)
    SELECT verzoek.aansluiting_id, verzoek.id, target, 'waiting', %(now)s
    FROM verzoek, unnest(%(targets)s::text[]) AS target
    ON CONFLICT (verzoek_id, target) DO UPDATE
    SET state = CASE delivery.state WHEN 'parked' THEN 'waiting' ELSE delivery.state END,
        attempts = CASE delivery.state WHEN 'parked' THEN 0 ELSE delivery.attempts END,
        reason = CASE delivery.state WHEN 'parked' THEN NULL ELSE delivery.reason END,
        advice = CASE delivery.state WHEN 'parked' THEN NULL ELSE delivery.advice END
    RETURNING id, verzoek_id, target, state, attempts, case_reference
)
SELECT
    planned.*,
    coalesce((SELECT jsonb_object_agg(name, outcome) FROM delivery_step WHERE delivery_id = planned.id), '{}') AS steps
FROM planned
ORDER BY array_position(%(targets)s, planned.target)

-- name: on_record
SELECT
    delivery.id, verzoek_id, target, state, attempts, case_reference,
    coalesce((SELECT jsonb_object_agg(name, outcome) FROM delivery_step WHERE delivery_id = delivery.id), '{}') AS steps
FROM delivery
WHERE verzoek_id = %(verzoek_id)s
ORDER BY id

-- name: with_job
SELECT (args ->> 'delivery_id')::bigint AS id
FROM procrastinate_jobs
WHERE task_name = 'deliver_target' AND status IN ('todo', 'doing') AND (args ->> 'verzoek_id')::bigint = %(verzoek_id)s

-- name: delivery
SELECT
    delivery.id, verzoek_id, target, state, attempts, case_reference,
    coalesce((SELECT jsonb_object_agg(name, outcome) FROM delivery_step WHERE delivery_id = delivery.id), '{}') AS steps
FROM delivery
WHERE delivery.id = %(id)s

-- name: case
-- What a person linked counts before what the newest earlier version left there.
SELECT found.case_reference
FROM (
    SELECT link.case_reference, 0 AS rank, 0 AS volgnummer
    FROM verzoek
    JOIN case_link AS link
        ON link.aansluiting_id = verzoek.aansluiting_id
        AND lower(link.verzoeknummer) = lower(verzoek.verzoeknummer) AND link.target = %(target)s
    WHERE verzoek.id = %(verzoek_id)s
    UNION ALL
    SELECT before.case_reference, 1, earlier.volgnummer
    FROM verzoek
    JOIN verzoek AS earlier
        ON earlier.aansluiting_id = verzoek.aansluiting_id AND earlier.verzoeknummer = verzoek.verzoeknummer
        AND earlier.volgnummer < verzoek.volgnummer
    JOIN delivery AS before ON before.verzoek_id = earlier.id AND before.target = %(target)s
    WHERE verzoek.id = %(verzoek_id)s AND before.case_reference IS NOT NULL
) AS found
ORDER BY found.rank, found.volgnummer DESC
LIMIT 1

-- name: started
UPDATE delivery SET attempts = attempts + 1 WHERE id = %(id)s RETURNING attempts

-- name: record
INSERT INTO delivery_step (delivery_id, name, outcome, at)
VALUES (%(id)s, %(name)s, %(outcome)s, %(now)s)
ON CONFLICT (delivery_id, name) DO UPDATE SET outcome = excluded.outcome, at = excluded.at

-- name: delivered
-- First the verzoek: of two targets that end at once, the second must see the first in its next query. What was told
-- first stays: a repeated delivery is the same delivery.
WITH verzoek AS MATERIALIZED (
    SELECT id FROM verzoek WHERE id = (SELECT verzoek_id FROM delivery WHERE id = %(id)s) FOR UPDATE
)
UPDATE delivery
SET state = 'delivered', case_reference = coalesce(case_reference, %(case_reference)s),
    delivered_at = coalesce(delivered_at, %(now)s), reason = NULL, advice = NULL
FROM verzoek
WHERE delivery.id = %(id)s AND delivery.verzoek_id = verzoek.id
RETURNING delivery.verzoek_id

-- name: open
-- A target that takes the verzoek after its kennisgeving was published is told of that too.
WITH tellings AS (
    INSERT INTO telling (aansluiting_id, kennisgeving_id, target, state, at, due_at)
    SELECT delivery.aansluiting_id, kennisgeving.id, delivery.target, kennisgeving.state, %(now)s, %(now)s
    FROM delivery
    JOIN verzoek ON verzoek.id = delivery.verzoek_id
    JOIN kennisgeving
        ON kennisgeving.origin_aansluiting_id = verzoek.aansluiting_id
        AND kennisgeving.verzoeknummer = verzoek.verzoeknummer AND kennisgeving.state = 'published'
    WHERE delivery.id = %(id)s
    ON CONFLICT (kennisgeving_id, target) WHERE target IS NOT NULL DO NOTHING
)
SELECT count(*) AS open FROM delivery WHERE verzoek_id = %(verzoek_id)s AND state <> 'delivered'

-- name: trouble
UPDATE delivery
SET state = CASE WHEN %(parked)s THEN 'parked' ELSE state END, reason = %(reason)s, advice = %(advice)s
WHERE id = %(id)s AND state <> 'delivered'
