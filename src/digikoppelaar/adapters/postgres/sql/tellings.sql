-- name: claim
-- Of a receiver as many as it has room for, and of one verzoek there the first only. Two that claim at once get
-- different ones.
WITH waiting AS (
    SELECT
        telling.id, telling.aansluiting_id, telling.target, telling.due_at,
        row_number() OVER (
            PARTITION BY
                telling.aansluiting_id, telling.target,
                CASE WHEN telling.target IS NULL THEN kennisgeving.id::text ELSE kennisgeving.verzoeknummer END
            ORDER BY telling.id
        ) AS turn,
        count(*) FILTER (WHERE telling.begun_at > %(forsaken)s) OVER (
            PARTITION BY telling.aansluiting_id, telling.target
        ) AS under_way
    FROM telling
    JOIN kennisgeving ON kennisgeving.id = telling.kennisgeving_id
    WHERE telling.due_at IS NOT NULL
), ranked AS (
    SELECT
        id, under_way + row_number() OVER (PARTITION BY aansluiting_id, target ORDER BY due_at, id) AS place
    FROM waiting
    WHERE turn = 1 AND due_at <= %(now)s
)
UPDATE telling
SET attempts = attempts + 1, begun_at = %(now)s, due_at = %(until)s
WHERE id IN (
    SELECT id
    FROM telling
    WHERE id IN (SELECT id FROM ranked WHERE place <= %(slots)s) AND due_at <= %(now)s
    ORDER BY id
    FOR UPDATE SKIP LOCKED
)
RETURNING *

-- name: about
-- The kennisgeving of each, with the case at its target: what a person linked counts before what the newest version
-- left there.
SELECT
    kennisgeving.*, telling.id AS telling_id, taken.type, taken.doel,
    coalesce(link.case_reference, taken.case_reference) AS case_reference,
    NOT EXISTS (
        SELECT FROM kennisgeving AS later
        WHERE later.origin_aansluiting_id = kennisgeving.origin_aansluiting_id
          AND later.verzoeknummer = kennisgeving.verzoeknummer AND later.state = 'published'
          AND (later.published_on, later.id) > (kennisgeving.published_on, kennisgeving.id)
    ) AS newest
FROM telling
JOIN kennisgeving ON kennisgeving.id = telling.kennisgeving_id
LEFT JOIN case_link AS link
    ON link.aansluiting_id = telling.aansluiting_id AND link.target = telling.target
    AND lower(link.verzoeknummer) = lower(kennisgeving.verzoeknummer)
LEFT JOIN LATERAL (
    SELECT delivery.case_reference, verzoek.type, verzoek.doel
    FROM verzoek
    JOIN delivery ON delivery.verzoek_id = verzoek.id AND delivery.target = telling.target
    WHERE verzoek.aansluiting_id = telling.aansluiting_id AND verzoek.verzoeknummer = kennisgeving.verzoeknummer
      AND delivery.case_reference IS NOT NULL
    ORDER BY verzoek.volgnummer DESC
    LIMIT 1
) AS taken ON true
WHERE telling.id = ANY(%(ids)s)

-- name: told
UPDATE telling
SET told_at = %(now)s, due_at = NULL, begun_at = NULL, note = %(note)s, reason = NULL, advice = NULL
WHERE id = %(id)s

-- name: failed
UPDATE telling
SET due_at = %(due_at)s, begun_at = NULL, reason = %(reason)s, advice = %(advice)s
WHERE id = %(id)s AND attempts = %(attempts)s AND told_at IS NULL

-- name: of
SELECT * FROM telling WHERE kennisgeving_id = %(kennisgeving_id)s ORDER BY id

-- name: parked
SELECT telling.kennisgeving_id
FROM telling
JOIN aansluiting ON aansluiting.id = telling.aansluiting_id
WHERE telling.due_at IS NULL AND telling.told_at IS NULL
  AND (%(omgeving)s::text IS NULL OR aansluiting.omgeving = %(omgeving)s)
  AND (%(organisatie_oin)s::text IS NULL OR aansluiting.organisatie_oin = %(organisatie_oin)s)
  AND (%(target)s::text IS NULL OR telling.target = %(target)s)
  AND (%(reason)s::text IS NULL OR strpos(lower(telling.reason), lower(%(reason)s)) > 0)
GROUP BY telling.kennisgeving_id
ORDER BY min(telling.at), telling.kennisgeving_id
LIMIT %(limit)s

-- name: again
UPDATE telling
SET attempts = 0, due_at = %(at)s, told_at = NULL, note = '', reason = NULL, advice = NULL
WHERE kennisgeving_id = %(kennisgeving_id)s AND due_at IS NULL AND (told_at IS NULL OR %(told_too)s)

-- name: log_again
INSERT INTO kennisgeving_log (aansluiting_id, kennisgeving_id, at, event, state, by, detail)
SELECT aansluiting_id, id, %(at)s, 'told_again', state, %(by)s, '' FROM kennisgeving WHERE id = %(kennisgeving_id)s
