-- name: lock
-- One at a time may look at the versions of a verzoeknummer and decide what follows; it ends with the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('line:' || %(aansluiting_id)s::text || ':' || %(verzoeknummer)s::text, 0))

-- name: line
SELECT
    verzoek.id, verzoek.aansluiting_id, verzoek.verzoeknummer, verzoek.volgnummer, verzoek.doel, verzoek.state,
    verzoek.action, verzoek.case_reference, verzoek.rule_reason, verzoek.rule_advice, verzoek.stopped,
    EXISTS (
        SELECT FROM notification WHERE notification.verzoek_id = verzoek.id AND notification.state <> 'fetched'
    ) AS expected
FROM verzoek
WHERE verzoek.aansluiting_id = %(aansluiting_id)s AND verzoek.verzoeknummer = %(verzoeknummer)s
ORDER BY verzoek.volgnummer

-- name: known
-- Always a row, for what stands beside the versions; without volgnummer when there is none yet.
SELECT
    aansluiting.organisatie_oin,
    EXISTS (
        SELECT FROM case_link
        WHERE case_link.aansluiting_id = aansluiting.id AND lower(case_link.verzoeknummer) = lower(%(verzoeknummer)s)
    ) AS linked,
    verzoek.volgnummer, verzoek.doel, verzoek.state, verzoek.action, verzoek.case_reference,
    ARRAY(
        SELECT document_id FROM verzoek_file WHERE verzoek_id = verzoek.id AND kind = 'bijlage'
    ) AS document_ids
FROM aansluiting
LEFT JOIN verzoek ON verzoek.aansluiting_id = aansluiting.id AND verzoek.verzoeknummer = %(verzoeknummer)s
WHERE aansluiting.id = %(aansluiting_id)s
ORDER BY verzoek.volgnummer

-- name: step
UPDATE verzoek
SET state = %(state)s, action = %(action)s, reason = %(reason)s, advice = %(advice)s,
    fetched_at = coalesce(fetched_at, %(now)s), stopped = stopped AND %(state)s = 'parked'
WHERE id = %(id)s

-- name: tell
INSERT INTO step (aansluiting_id, name, at, detail, verzoek_id)
VALUES (%(aansluiting_id)s, %(name)s, %(now)s, %(reason)s, %(id)s)

-- name: linked
SELECT id
FROM case_link
WHERE aansluiting_id = %(aansluiting_id)s AND lower(verzoeknummer) = lower(%(verzoeknummer)s)
LIMIT 1
