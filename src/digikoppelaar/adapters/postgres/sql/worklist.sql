-- name: waiting
-- So many of each aansluiting, here and below: the trouble of one organisatie must not push another off the list.
SELECT
    notification.id, notification.verzoeknummer, notification.received_at, notification.reason, notification.advice,
    aansluiting.id AS aansluiting_id, aansluiting.omgeving, aansluiting.organisatie_oin,
    organisatie.naam AS organisatie_naam
FROM (
    SELECT *, row_number() OVER (PARTITION BY aansluiting_id ORDER BY received_at, id) AS place
    FROM notification
    WHERE state = 'received' AND received_at < %(fetch_before)s
) AS notification
JOIN aansluiting ON aansluiting.id = notification.aansluiting_id
JOIN organisatie ON organisatie.oin = aansluiting.organisatie_oin
WHERE place <= %(most)s
  AND (%(omgeving)s::text IS NULL OR aansluiting.omgeving = %(omgeving)s)
  AND (%(organisatie_oin)s::text IS NULL OR aansluiting.organisatie_oin = %(organisatie_oin)s)
ORDER BY notification.received_at, notification.id

-- name: parked_notifications
SELECT
    notification.id, notification.verzoeknummer, NULL::integer AS volgnummer, notification.reason, notification.advice,
    coalesce(
        (SELECT max(at) FROM step WHERE notification_id = notification.id AND name = 'parked'), notification.received_at
    ) AS since,
    ARRAY[]::text[] AS targets,
    aansluiting.id AS aansluiting_id, aansluiting.omgeving, aansluiting.organisatie_oin,
    organisatie.naam AS organisatie_naam
FROM (
    SELECT *, row_number() OVER (PARTITION BY aansluiting_id ORDER BY received_at, id) AS place
    FROM notification
    WHERE state = 'parked'
) AS notification
JOIN aansluiting ON aansluiting.id = notification.aansluiting_id
JOIN organisatie ON organisatie.oin = aansluiting.organisatie_oin
WHERE place <= %(most)s
  AND (%(omgeving)s::text IS NULL OR aansluiting.omgeving = %(omgeving)s)
  AND (%(organisatie_oin)s::text IS NULL OR aansluiting.organisatie_oin = %(organisatie_oin)s)
ORDER BY notification.received_at, notification.id

-- name: parked_versions
SELECT
    verzoek.id, verzoek.verzoeknummer, verzoek.volgnummer, verzoek.reason, verzoek.advice,
    coalesce(
        (SELECT max(at) FROM step WHERE verzoek_id = verzoek.id AND name = 'parked'), verzoek.received_at
    ) AS since,
    ARRAY(
        SELECT target FROM delivery WHERE verzoek_id = verzoek.id AND delivery.state = 'parked' ORDER BY target
    ) AS targets,
    aansluiting.id AS aansluiting_id, aansluiting.omgeving, aansluiting.organisatie_oin,
    organisatie.naam AS organisatie_naam
FROM (
    SELECT *, row_number() OVER (PARTITION BY aansluiting_id ORDER BY received_at, id) AS place
    FROM verzoek
    WHERE state = 'parked'
) AS verzoek
JOIN aansluiting ON aansluiting.id = verzoek.aansluiting_id
JOIN organisatie ON organisatie.oin = aansluiting.organisatie_oin
WHERE place <= %(most)s
  AND (%(omgeving)s::text IS NULL OR aansluiting.omgeving = %(omgeving)s)
  AND (%(organisatie_oin)s::text IS NULL OR aansluiting.organisatie_oin = %(organisatie_oin)s)
ORDER BY verzoek.received_at, verzoek.id

-- name: missed
SELECT
    notification.id, notification.verzoeknummer, notification.received_at AS found_at,
    aansluiting.id AS aansluiting_id, aansluiting.omgeving, aansluiting.organisatie_oin,
    organisatie.naam AS organisatie_naam
FROM (
    SELECT *, row_number() OVER (PARTITION BY aansluiting_id ORDER BY received_at, id) AS place
    FROM notification
    WHERE received_at >= %(missed_after)s AND catch_up_search_id IS NOT NULL
) AS notification
JOIN aansluiting ON aansluiting.id = notification.aansluiting_id
JOIN organisatie ON organisatie.oin = aansluiting.organisatie_oin
WHERE place <= %(most)s
  AND (%(omgeving)s::text IS NULL OR aansluiting.omgeving = %(omgeving)s)
  AND (%(organisatie_oin)s::text IS NULL OR aansluiting.organisatie_oin = %(organisatie_oin)s)
ORDER BY notification.received_at, notification.id

-- name: heard
-- One that has no CPA in use is not connected: nothing is to be heard.
SELECT
    coalesce(
        (
            SELECT max(received_at)
            FROM notification
            WHERE aansluiting_id = aansluiting.id AND origin IN ('ebms', 'file')
        ),
        min(cpa.imported_at)
    ) AS last,
    aansluiting.id AS aansluiting_id, aansluiting.omgeving, aansluiting.organisatie_oin,
    organisatie.naam AS organisatie_naam
FROM aansluiting
JOIN organisatie ON organisatie.oin = aansluiting.organisatie_oin
JOIN cpa ON cpa.aansluiting_id = aansluiting.id AND cpa.removed_at IS NULL
WHERE aansluiting.kind = 'stam'
  AND (%(omgeving)s::text IS NULL OR aansluiting.omgeving = %(omgeving)s)
  AND (%(organisatie_oin)s::text IS NULL OR aansluiting.organisatie_oin = %(organisatie_oin)s)
GROUP BY aansluiting.id, organisatie.oin
ORDER BY aansluiting.id

-- name: failing
SELECT failing.target, failing.waiting::integer AS waiting, failing.since,
    aansluiting.id AS aansluiting_id, aansluiting.omgeving, aansluiting.organisatie_oin,
    organisatie.naam AS organisatie_naam
FROM (
    SELECT
        aansluiting_id, target, count(*) AS waiting,
        greatest(
            min(planned_at),
            (
                SELECT max(delivered_at)
                FROM delivery AS last
                WHERE last.aansluiting_id = delivery.aansluiting_id AND last.target = delivery.target
                  AND last.state = 'delivered'
            )
        ) AS since
    FROM delivery
    WHERE state = 'waiting' AND attempts > 0 AND reason IS NOT NULL
    GROUP BY aansluiting_id, target
) AS failing
JOIN aansluiting ON aansluiting.id = failing.aansluiting_id
JOIN organisatie ON organisatie.oin = aansluiting.organisatie_oin
WHERE failing.since < %(failing_before)s
  AND (%(omgeving)s::text IS NULL OR aansluiting.omgeving = %(omgeving)s)
  AND (%(organisatie_oin)s::text IS NULL OR aansluiting.organisatie_oin = %(organisatie_oin)s)
ORDER BY failing.since, aansluiting.id, failing.target

-- name: kennisgevingen
-- One that was cancelled is among them when KOOP turned out to have it, until a person cancels it again.
-- The day it is to appear on: as wished, else the day after it was sent. Of what was delivered in a test of KOOP nobody
-- can find it, unless somebody said where to search.
SELECT
    kennisgeving.id, kennisgeving.referentienummer, kennisgeving.state, kennisgeving.since,
    coalesce(
        (kennisgeving.document #>> '{data,publicatie}')::date,
        (coalesce(kennisgeving.begun_at, kennisgeving.since) AT TIME ZONE 'Europe/Amsterdam')::date + 1
    ) AS planned,
    kennisgeving.reason, kennisgeving.advice,
    aansluiting.id AS aansluiting_id, aansluiting.omgeving, aansluiting.organisatie_oin,
    organisatie.naam AS organisatie_naam
FROM (
    SELECT
        kennisgeving.*, last.at AS since,
        row_number() OVER (PARTITION BY aansluiting_id ORDER BY last.at, kennisgeving.id) AS place
    FROM kennisgeving
    JOIN LATERAL (
        SELECT at, event FROM kennisgeving_log WHERE kennisgeving_id = kennisgeving.id ORDER BY id DESC LIMIT 1
    ) AS last ON true
    WHERE kennisgeving.state IN ('draft', 'refused', 'unknown', 'accepted')
       OR (kennisgeving.state = 'cancelled' AND last.event IN ('accepted', 'found'))
) AS kennisgeving
JOIN aansluiting ON aansluiting.id = kennisgeving.aansluiting_id
JOIN organisatie ON organisatie.oin = aansluiting.organisatie_oin
WHERE place <= %(most)s
  AND NOT (
    kennisgeving.state = 'accepted' AND aansluiting.omgeving = 'pre'
    AND coalesce(aansluiting.publishing ->> 'sru_url', '') = ''
  )
  AND (%(omgeving)s::text IS NULL OR aansluiting.omgeving = %(omgeving)s)
  AND (%(organisatie_oin)s::text IS NULL OR aansluiting.organisatie_oin = %(organisatie_oin)s)
ORDER BY kennisgeving.since, kennisgeving.id

-- name: not_drafted
-- Of the aansluiting that would publish it or, where that is not known, of the one by which the verzoek came in.
SELECT
    none.id, none.verzoeknummer, none.at AS since, none.reason, none.advice,
    aansluiting.id AS aansluiting_id, aansluiting.omgeving, aansluiting.organisatie_oin,
    organisatie.naam AS organisatie_naam
FROM (
    SELECT *, row_number() OVER (PARTITION BY coalesce(publisher_id, aansluiting_id) ORDER BY at, id) AS place
    FROM no_kennisgeving
    WHERE advice IS NOT NULL AND NOT EXISTS (
        SELECT FROM kennisgeving
        WHERE origin_aansluiting_id = no_kennisgeving.aansluiting_id
          AND kennisgeving.verzoeknummer = no_kennisgeving.verzoeknummer
    )
) AS none
JOIN aansluiting ON aansluiting.id = coalesce(none.publisher_id, none.aansluiting_id)
JOIN organisatie ON organisatie.oin = aansluiting.organisatie_oin
WHERE place <= %(most)s
  AND (%(omgeving)s::text IS NULL OR aansluiting.omgeving = %(omgeving)s)
  AND (%(organisatie_oin)s::text IS NULL OR aansluiting.organisatie_oin = %(organisatie_oin)s)
ORDER BY none.at, none.id

-- name: untold
-- What waits for a person, and what failed and has for a while.
SELECT
    telling.id, telling.kennisgeving_id, kennisgeving.referentienummer, telling.state, telling.target,
    telling.at AS since, telling.due_at IS NULL AS parked, kennisgeving.verzoeknummer, telling.reason, telling.advice,
    aansluiting.id AS aansluiting_id, aansluiting.omgeving, aansluiting.organisatie_oin,
    organisatie.naam AS organisatie_naam
FROM (
    SELECT *, row_number() OVER (PARTITION BY aansluiting_id ORDER BY at, id) AS place
    FROM telling
    WHERE told_at IS NULL AND (due_at IS NULL OR (reason IS NOT NULL AND at < %(failing_before)s))
) AS telling
JOIN kennisgeving ON kennisgeving.id = telling.kennisgeving_id
JOIN aansluiting ON aansluiting.id = telling.aansluiting_id
JOIN organisatie ON organisatie.oin = aansluiting.organisatie_oin
WHERE place <= %(most)s
  AND (%(omgeving)s::text IS NULL OR aansluiting.omgeving = %(omgeving)s)
  AND (%(organisatie_oin)s::text IS NULL OR aansluiting.organisatie_oin = %(organisatie_oin)s)
ORDER BY telling.at, telling.id

-- name: case_events
SELECT
    case_event.id, case_event.resource, case_event.received_at AS since, case_event.reason, case_event.advice,
    aansluiting.id AS aansluiting_id, aansluiting.omgeving, aansluiting.organisatie_oin,
    organisatie.naam AS organisatie_naam
FROM (
    SELECT *, row_number() OVER (PARTITION BY aansluiting_id ORDER BY received_at, id) AS place
    FROM case_event
    WHERE due_at IS NULL AND ended_at IS NULL
) AS case_event
JOIN aansluiting ON aansluiting.id = case_event.aansluiting_id
JOIN organisatie ON organisatie.oin = aansluiting.organisatie_oin
WHERE place <= %(most)s
  AND (%(omgeving)s::text IS NULL OR aansluiting.omgeving = %(omgeving)s)
  AND (%(organisatie_oin)s::text IS NULL OR aansluiting.organisatie_oin = %(organisatie_oin)s)
ORDER BY case_event.received_at, case_event.id

-- name: kept
-- RETENTION_KEPT stands for the query `kept` of retention.sql: what is kept is said in one place.
SELECT
    kept.verzoeken::integer AS verzoeken, kept.messages::integer AS messages, kept.since,
    aansluiting.id AS aansluiting_id, aansluiting.omgeving, aansluiting.organisatie_oin,
    organisatie.naam AS organisatie_naam
FROM (
    SELECT
        aansluiting_id, count(*) FILTER (WHERE what IN ('verzoek', 'notification')) AS verzoeken,
        count(*) FILTER (WHERE what IN ('inbound', 'outbound')) AS messages, min(since) AS since
    FROM (RETENTION_KEPT) AS kept
    GROUP BY aansluiting_id
) AS kept
JOIN aansluiting ON aansluiting.id = kept.aansluiting_id
JOIN organisatie ON organisatie.oin = aansluiting.organisatie_oin
WHERE (%(omgeving)s::text IS NULL OR aansluiting.omgeving = %(omgeving)s)
  AND (%(organisatie_oin)s::text IS NULL OR aansluiting.organisatie_oin = %(organisatie_oin)s)
ORDER BY kept.since, aansluiting.id

-- name: wrong_steps
SELECT
    step.kind, step.number, step.since, trouble.says, trouble.advice, trouble.who,
    aansluiting.id AS aansluiting_id, aansluiting.omgeving, aansluiting.organisatie_oin,
    organisatie.naam AS organisatie_naam
FROM onboarding_step AS step
JOIN aansluiting
    ON aansluiting.organisatie_oin = step.oin AND aansluiting.kind = step.kind AND aansluiting.omgeving = step.omgeving
JOIN organisatie ON organisatie.oin = aansluiting.organisatie_oin
CROSS JOIN LATERAL (
    SELECT finding ->> 'says' AS says, finding ->> 'advice' AS advice, coalesce(finding ->> 'who', '') AS who
    FROM jsonb_array_elements(step.findings) WITH ORDINALITY AS each (finding, place)
    WHERE finding ->> 'severity' IN ('wrong', 'missing')
    ORDER BY each.place
    LIMIT 1
) AS trouble
WHERE step.state = 'wrong' AND step.was_done
  AND (%(omgeving)s::text IS NULL OR aansluiting.omgeving = %(omgeving)s)
  AND (%(organisatie_oin)s::text IS NULL OR aansluiting.organisatie_oin = %(organisatie_oin)s)
ORDER BY step.since, aansluiting.id, step.number

-- name: cpas
SELECT
    cpa.cpa_id, cpa.ends_at,
    aansluiting.id AS aansluiting_id, aansluiting.omgeving, aansluiting.organisatie_oin,
    organisatie.naam AS organisatie_naam
FROM cpa
JOIN aansluiting ON aansluiting.id = cpa.aansluiting_id
JOIN organisatie ON organisatie.oin = aansluiting.organisatie_oin
WHERE cpa.removed_at IS NULL AND cpa.ends_at < %(ends_before)s
  AND (%(omgeving)s::text IS NULL OR aansluiting.omgeving = %(omgeving)s)
  AND (%(organisatie_oin)s::text IS NULL OR aansluiting.organisatie_oin = %(organisatie_oin)s)
ORDER BY cpa.ends_at, cpa.id

-- name: places
SELECT
    aansluiting.partij_oin,
    aansluiting.id AS aansluiting_id, aansluiting.omgeving, aansluiting.organisatie_oin,
    organisatie.naam AS organisatie_naam
FROM aansluiting
JOIN organisatie ON organisatie.oin = aansluiting.organisatie_oin
WHERE aansluiting.kind = 'stam'
ORDER BY aansluiting.id

-- name: recipients
SELECT oin, worklist_mail FROM organisatie WHERE worklist_mail <> '{}' ORDER BY oin

-- name: open_items
INSERT INTO worklist_item (organisatie_oin, key, opened_at)
SELECT %(organisatie_oin)s, key, %(now)s
FROM unnest(%(keys)s::text[]) AS key
ON CONFLICT (organisatie_oin, key) WHERE closed_at IS NULL DO NOTHING

-- name: close_items
UPDATE worklist_item
SET closed_at = %(now)s
WHERE organisatie_oin = %(organisatie_oin)s AND closed_at IS NULL AND key <> ALL(%(keys)s::text[])

-- name: claim
-- Of two that claim at once the second waits, looks again, and finds nothing.
UPDATE worklist_item
SET claimed_at = %(now)s
WHERE organisatie_oin = %(organisatie_oin)s AND closed_at IS NULL AND told_at IS NULL
  AND (claimed_at IS NULL OR claimed_at <= %(lapsed)s)
RETURNING key

-- name: told
UPDATE worklist_item
SET told_at = %(now)s
WHERE organisatie_oin = %(organisatie_oin)s AND closed_at IS NULL AND key = ANY(%(keys)s::text[])

-- name: claim_digest
INSERT INTO worklist_digest (organisatie_oin, day, claimed_at)
VALUES (%(organisatie_oin)s, %(day)s, %(now)s)
ON CONFLICT (organisatie_oin, day) DO UPDATE
SET claimed_at = excluded.claimed_at
WHERE worklist_digest.told_at IS NULL AND worklist_digest.claimed_at <= %(lapsed)s

-- name: digest_told
UPDATE worklist_digest SET told_at = %(now)s WHERE organisatie_oin = %(organisatie_oin)s AND day = %(day)s
