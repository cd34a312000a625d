-- name: area
SELECT organisatie_oin, geometry, sha256, source FROM area WHERE organisatie_oin = %(oin)s

-- name: put_area
INSERT INTO area (organisatie_oin, geometry, sha256, source, imported_at)
VALUES (%(oin)s, %(geometry)s, %(sha256)s, %(source)s, %(now)s)
ON CONFLICT (organisatie_oin) DO UPDATE
SET geometry = excluded.geometry, sha256 = excluded.sha256, source = excluded.source, imported_at = excluded.imported_at

-- name: last
SELECT max(until) AS until
FROM catch_up_search
WHERE aansluiting_id = %(aansluiting_id)s AND area_sha256 = %(area_sha256)s AND complete AND covers

-- name: lock
-- One at a time decides whether a search begins; it ends with the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('catch-up:' || %(aansluiting_id)s::text, 0))

-- name: too_soon
SELECT EXISTS (
    SELECT FROM catch_up_search
    WHERE aansluiting_id = %(aansluiting_id)s AND area_sha256 = %(area_sha256)s
      AND (began_at > %(begun)s OR (complete AND covers AND began_at > %(complete)s))
) AS too_soon

-- name: begin
INSERT INTO catch_up_search (aansluiting_id, area_sha256, since, until, covers, began_at)
VALUES (%(aansluiting_id)s, %(area_sha256)s, %(since)s, %(until)s, %(covers)s, %(now)s)
RETURNING id

-- name: versions
SELECT
    volgnummer, doel, action,
    rule = %(kopiebericht)s AND state IN ('ignored', 'kept_apart') AND NOT EXISTS (
        SELECT FROM notification WHERE notification.verzoek_id = verzoek.id AND catch_up_search_id IS NOT NULL
    ) AS copy
FROM verzoek
WHERE aansluiting_id = %(aansluiting_id)s AND verzoeknummer = %(verzoeknummer)s
ORDER BY volgnummer

-- name: waiting
SELECT withdrawal FROM notification
WHERE aansluiting_id = %(aansluiting_id)s AND verzoeknummer = %(verzoeknummer)s AND state <> 'fetched'

-- name: found
INSERT INTO verwijzing (aansluiting_id, verzoeknummer, volgnummer, doel, catch_up_search_id, found_at)
VALUES (%(aansluiting_id)s, %(verzoeknummer)s, %(volgnummer)s, %(doel)s, %(search_id)s, %(now)s)
ON CONFLICT (aansluiting_id, verzoeknummer, volgnummer, doel) DO NOTHING

-- name: notify
INSERT INTO notification (aansluiting_id, catch_up_search_id, verzoeknummer, withdrawal, received_at, state)
VALUES (%(aansluiting_id)s, %(search_id)s, %(verzoeknummer)s, %(withdrawal)s, %(now)s, %(state)s)
RETURNING id, aansluiting_id, verzoeknummer

-- name: step
INSERT INTO step (aansluiting_id, name, at, detail, notification_id)
VALUES (%(aansluiting_id)s, 'received', %(now)s, 'catch-up', %(notification_id)s)

-- name: complete
UPDATE catch_up_search SET complete = true, seen = %(seen)s, ended_at = %(now)s WHERE id = %(id)s

-- name: failed
UPDATE catch_up_search SET ended_at = %(now)s, reason = %(reason)s, advice = %(advice)s WHERE id = %(id)s

-- name: figures
WITH ours AS (
    SELECT DISTINCT verzoeknummer
    FROM verwijzing
    WHERE aansluiting_id = %(aansluiting_id)s AND found_at >= %(begins)s AND found_at < %(ends)s
), known AS (
    SELECT
        verzoeknummer,
        EXISTS (
            SELECT FROM notification
            WHERE notification.aansluiting_id = %(aansluiting_id)s AND notification.verzoeknummer = ours.verzoeknummer
              AND state <> 'fetched'
        ) AS coming,
        ARRAY(
            SELECT state FROM verzoek
            WHERE verzoek.aansluiting_id = %(aansluiting_id)s AND verzoek.verzoeknummer = ours.verzoeknummer
        ) AS states
    FROM ours
)
SELECT
    (
        SELECT count(*) FROM verwijzing
        WHERE aansluiting_id = %(aansluiting_id)s AND found_at >= %(begins)s AND found_at < %(ends)s
    ) AS found,
    (
        SELECT count(*) FROM notification
        WHERE aansluiting_id = %(aansluiting_id)s AND received_at >= %(begins)s AND received_at < %(ends)s
          AND origin NOT IN ('catch-up', 'hand')
    ) AS received,
    (
        SELECT count(*) FROM notification
        WHERE aansluiting_id = %(aansluiting_id)s AND received_at >= %(begins)s AND received_at < %(ends)s
          AND origin = 'catch-up'
    ) AS caught_up,
    (
        SELECT count(*) FROM verzoek
        WHERE aansluiting_id = %(aansluiting_id)s AND delivered_at >= %(begins)s AND delivered_at < %(ends)s
    ) AS delivered,
    ARRAY(
        SELECT verzoeknummer FROM known WHERE NOT coming AND cardinality(states) = 0 ORDER BY verzoeknummer
    ) AS not_here,
    ARRAY(
        SELECT verzoeknummer FROM known
        WHERE coming OR states && ARRAY['fetching', 'waiting', 'fetched', 'parked']
        ORDER BY verzoeknummer
    ) AS not_delivered,
    (
        SELECT max(until) FROM catch_up_search WHERE aansluiting_id = %(aansluiting_id)s AND complete AND covers
    ) AS searched_until

-- name: keep_report
INSERT INTO daily_report (aansluiting_id, day, report, made_at)
VALUES (%(aansluiting_id)s, %(day)s, %(report)s, %(now)s)
ON CONFLICT (aansluiting_id, day) DO UPDATE SET report = excluded.report, made_at = excluded.made_at

-- name: reports
SELECT
    daily_report.aansluiting_id, daily_report.day, daily_report.report,
    aansluiting.organisatie_oin, organisatie.naam AS organisatie_naam, aansluiting.omgeving
FROM daily_report
JOIN aansluiting ON aansluiting.id = daily_report.aansluiting_id
JOIN organisatie ON organisatie.oin = aansluiting.organisatie_oin
WHERE daily_report.day = %(day)s
ORDER BY aansluiting.organisatie_oin, aansluiting.omgeving
