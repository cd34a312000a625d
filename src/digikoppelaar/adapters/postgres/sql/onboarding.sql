-- name: authorities
SELECT
    organisatie.oin, organisatie.naam, organisatie.bestuurslaag,
    coalesce(
        jsonb_agg(jsonb_build_array(aansluiting.kind, aansluiting.omgeving, aansluiting.partij_oin))
            FILTER (WHERE aansluiting.id IS NOT NULL),
        '[]'
    ) AS partijen,
    (SELECT min(oin::text) FROM partij HAVING count(*) = 1) AS only_partij
FROM organisatie
LEFT JOIN aansluiting ON aansluiting.organisatie_oin = organisatie.oin
WHERE %(oin)s::text IS NULL OR organisatie.oin = %(oin)s
GROUP BY organisatie.oin
ORDER BY organisatie.oin

-- name: records
SELECT *
FROM onboarding_step
WHERE %(oins)s::text[] IS NULL
   OR (oin, kind, omgeving) IN (
       SELECT * FROM unnest(%(oins)s::text[], %(kinds)s::text[], %(omgevingen)s::text[])
   )

-- name: locked
SELECT *
FROM onboarding_step
WHERE oin = %(oin)s AND kind = %(kind)s AND omgeving = %(omgeving)s AND number = %(number)s
FOR UPDATE

-- name: put_first
-- No row when somebody else was first.
INSERT INTO onboarding_step (
    oin, kind, omgeving, number, state, findings, evidence, since, was_done, changed_at
)
VALUES (
    %(oin)s, %(kind)s, %(omgeving)s, %(number)s, %(state)s, %(findings)s, %(evidence)s, %(since)s, %(was_done)s,
    %(changed_at)s
)
ON CONFLICT DO NOTHING

-- name: put
UPDATE onboarding_step
SET state = %(state)s, findings = %(findings)s, evidence = %(evidence)s, since = %(since)s, was_done = %(was_done)s,
    changed_at = %(changed_at)s
WHERE oin = %(oin)s AND kind = %(kind)s AND omgeving = %(omgeving)s AND number = %(number)s

-- name: tell
INSERT INTO onboarding_log (oin, kind, omgeving, number, at, event, state, by, detail)
VALUES (
    %(oin)s, %(kind)s, %(omgeving)s, %(number)s, %(at)s, %(event)s, %(state)s, %(by)s, %(detail)s
)

-- name: log
SELECT number, at, event, state, by, detail
FROM onboarding_log
WHERE oin = %(oin)s AND kind = %(kind)s AND omgeving = %(omgeving)s
  AND (%(number)s::text IS NULL OR number = %(number)s)
ORDER BY id

-- name: another_has_done
SELECT 1
FROM aansluiting
JOIN onboarding_step AS step
    ON step.oin = aansluiting.organisatie_oin AND step.kind = aansluiting.kind AND step.omgeving = aansluiting.omgeving
WHERE aansluiting.partij_oin = %(partij_oin)s AND aansluiting.kind = %(kind)s AND aansluiting.omgeving = %(omgeving)s
  AND aansluiting.organisatie_oin <> %(oin)s AND step.number = %(number)s AND step.state = 'done'
LIMIT 1

-- name: sights
-- What an application takes itself is known by the message, and by its saying that it processed it.
WITH about AS (
    SELECT id, organisatie_oin AS oin, kind, omgeving
    FROM aansluiting
    WHERE (organisatie_oin, kind, omgeving) IN (
        SELECT * FROM unnest(%(oins)s::text[], %(kinds)s::text[], %(omgevingen)s::text[])
    )
)
SELECT DISTINCT ON (about.id, seen.sight) about.oin, about.kind, about.omgeving, seen.sight, seen.at, seen.detail
FROM about
JOIN LATERAL (
    SELECT 'cpa-offered' AS sight, changed_at AS at, outcome ->> 'cpa_id' AS detail
    FROM errand
    WHERE aansluiting_id = about.id AND kind = 'cpa-offer' AND state = 'done'
    UNION ALL
    SELECT 'ping-pong', pong.received_at, ping.message_id
    FROM inbound_message AS pong
    JOIN outbound_message AS ping
        ON ping.aansluiting_id = pong.aansluiting_id AND ping.cpa_row = pong.cpa_row
        AND ping.message_id = pong.ref_to_message_id
    WHERE pong.aansluiting_id = about.id AND pong.error_code IS NULL
      AND pong.action = 'Pong' AND pong.service = %(msh)s AND ping.action = 'Ping' AND ping.service = %(msh)s
    UNION ALL
    SELECT 'notification', received_at, verzoeknummer
    FROM notification
    WHERE aansluiting_id = about.id AND origin = 'ebms'
    UNION ALL
    SELECT 'handed-on', received_at, verzoeknummer
    FROM notification
    WHERE aansluiting_id = about.id AND origin = 'ebms' AND (state = 'passed_on' OR verzoek_id IS NOT NULL)
    UNION ALL
    SELECT 'fetched', fetched_at, verzoeknummer
    FROM verzoek
    WHERE aansluiting_id = about.id AND test AND fetched_at IS NOT NULL
    UNION ALL
    SELECT 'delivered', delivered_at, verzoeknummer
    FROM verzoek
    WHERE aansluiting_id = about.id AND test AND delivered_at IS NOT NULL
    UNION ALL
    SELECT sort.sight, sort.at, message.message_id
    FROM inbound_message AS message
    JOIN cpa ON cpa.id = message.cpa_row AND cpa.consumer <> 'intake'
    CROSS JOIN LATERAL (VALUES ('notification', message.received_at), ('handed-on', message.processed_at))
        AS sort (sight, at)
    WHERE message.aansluiting_id = about.id AND message.error_code IS NULL AND message.service <> %(msh)s
      AND sort.at IS NOT NULL
) AS seen ON true
ORDER BY about.id, seen.sight, seen.at DESC
