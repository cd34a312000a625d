-- name: take
INSERT INTO case_event (aansluiting_id, resource, url, zaak, by, received_at, due_at)
VALUES (%(aansluiting_id)s, %(resource)s, %(url)s, %(zaak)s, %(by)s, %(now)s, %(now)s)
ON CONFLICT (aansluiting_id, url) DO NOTHING

-- name: claim
UPDATE case_event
SET attempts = attempts + 1, due_at = %(until)s
WHERE due_at <= %(now)s AND id IN (
    SELECT id FROM case_event WHERE due_at <= %(now)s ORDER BY due_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
RETURNING *

-- name: ended
UPDATE case_event
SET ended_at = %(now)s, due_at = NULL, outcome = %(outcome)s, kennisgeving_id = %(kennisgeving_id)s, reason = NULL,
    advice = NULL
WHERE id = %(id)s AND ended_at IS NULL AND NOT EXISTS (
    SELECT FROM case_event AS other WHERE other.kennisgeving_id = %(kennisgeving_id)s::bigint AND other.id <> %(id)s
)

-- name: failed
UPDATE case_event
SET due_at = %(due_at)s, reason = %(reason)s, advice = %(advice)s
WHERE id = %(id)s AND attempts = %(attempts)s AND ended_at IS NULL

-- name: verzoek_of
SELECT verzoek.verzoeknummer
FROM delivery_step AS step
JOIN delivery ON delivery.id = step.delivery_id
JOIN verzoek ON verzoek.id = delivery.verzoek_id
WHERE step.name = 'zaak' AND regexp_replace(rtrim(step.outcome ->> 'url', '/'), '^.*/', '') = %(zaak_id)s
  AND delivery.aansluiting_id = %(aansluiting_id)s
ORDER BY verzoek.id DESC
LIMIT 1

-- name: events
SELECT *
FROM case_event
WHERE NOT %(parked)s OR (due_at IS NULL AND ended_at IS NULL)
ORDER BY id DESC
LIMIT %(limit)s

-- name: again
UPDATE case_event
SET attempts = 0, due_at = %(now)s, reason = NULL, advice = NULL
WHERE id = %(id)s AND due_at IS NULL AND ended_at IS NULL

-- name: end
UPDATE case_event
SET ended_at = %(now)s, outcome = %(outcome)s
WHERE id = %(id)s AND due_at IS NULL AND ended_at IS NULL

-- name: forget
DELETE FROM case_event WHERE ended_at < %(before)s AND kennisgeving_id IS NULL
