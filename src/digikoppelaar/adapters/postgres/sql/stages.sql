-- name: delivered
SELECT aansluiting_id, stage, documenttype, dossiernummer, at
FROM (
    SELECT
        taken.*, row_number() OVER (PARTITION BY aansluiting_id, stage, documenttype ORDER BY at, kennisgeving_id) AS rank
    FROM (
        SELECT
            attempt.aansluiting_id, attempt.kennisgeving_id, attempt.stage, attempt.documenttype,
            coalesce(kennisgeving.dossiernummer, '') AS dossiernummer, coalesce(attempt.answered_at, attempt.begun_at) AS at
        FROM kennisgeving
        JOIN kennisgeving_attempt AS attempt
          ON attempt.kennisgeving_id = kennisgeving.id AND attempt.number = kennisgeving.attempts
        WHERE kennisgeving.aansluiting_id = ANY(%(of)s) AND kennisgeving.state IN ('accepted', 'published')
          AND (%(stages)s::text[] IS NULL OR attempt.stage = ANY(%(stages)s))
    ) AS taken
) AS ranked
WHERE rank <= %(most)s
ORDER BY at, kennisgeving_id

-- name: confirmed
SELECT aansluiting_id, stage, documenttype, by, at, note
FROM stage_confirmation
WHERE aansluiting_id = ANY(%(of)s) AND (%(stages)s::text[] IS NULL OR stage = ANY(%(stages)s))
ORDER BY at, stage, documenttype

-- name: confirm
INSERT INTO stage_confirmation (aansluiting_id, stage, documenttype, by, at, note)
VALUES (%(aansluiting_id)s, %(stage)s, %(documenttype)s, %(by)s, %(at)s, %(note)s)
ON CONFLICT (aansluiting_id, stage, documenttype) DO NOTHING
