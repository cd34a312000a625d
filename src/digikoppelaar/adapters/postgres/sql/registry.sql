-- name: aansluitingen
SELECT aansluiting.*, organisatie.naam AS organisatie_naam
FROM aansluiting
JOIN organisatie ON organisatie.oin = aansluiting.organisatie_oin
WHERE (%(oin)s::text IS NULL OR aansluiting.organisatie_oin = %(oin)s)
  AND (NOT %(publishing)s OR aansluiting.publishing <> '{}')
ORDER BY aansluiting.omgeving, aansluiting.organisatie_oin, aansluiting.kind

-- name: cpa
-- On every message: the keys are given, so that one plan serves all.
SELECT
    cpa.id AS cpa_row, cpa.sha256, cpa.our_party_ids, cpa.consumer, cpa.tolerances,
    (
        SELECT jsonb_object_agg(mapping.source, mapping.destination)
        FROM url_mapping AS mapping
        WHERE mapping.omgeving = cpa.omgeving AND mapping.organisatie_oin = aansluiting.organisatie_oin
    ) AS urls,
    (
        SELECT jsonb_object_agg(encode(mapping.source, 'hex'), encode(mapping.destination, 'hex'))
        FROM certificate_mapping AS mapping
        WHERE mapping.cpa_row = cpa.id
    ) AS certificates,
    aansluiting.*, organisatie.naam AS organisatie_naam
FROM cpa
JOIN aansluiting ON aansluiting.id = cpa.aansluiting_id
JOIN organisatie ON organisatie.oin = aansluiting.organisatie_oin
WHERE cpa.omgeving = %(omgeving)s AND cpa.cpa_id = %(cpa_id)s AND cpa.removed_at IS NULL

-- name: cpas
SELECT
    cpa.id AS cpa_row, cpa.sha256, cpa.our_party_ids, cpa.consumer, cpa.tolerances,
    (
        SELECT jsonb_object_agg(mapping.source, mapping.destination)
        FROM url_mapping AS mapping
        WHERE mapping.omgeving = cpa.omgeving AND mapping.organisatie_oin = aansluiting.organisatie_oin
    ) AS urls,
    (
        SELECT jsonb_object_agg(encode(mapping.source, 'hex'), encode(mapping.destination, 'hex'))
        FROM certificate_mapping AS mapping
        WHERE mapping.cpa_row = cpa.id
    ) AS certificates,
    aansluiting.*, organisatie.naam AS organisatie_naam
FROM cpa
JOIN aansluiting ON aansluiting.id = cpa.aansluiting_id
JOIN organisatie ON organisatie.oin = aansluiting.organisatie_oin
WHERE (%(omgeving)s::text IS NULL OR cpa.omgeving = %(omgeving)s)
  AND (%(aansluiting_id)s::bigint IS NULL OR cpa.aansluiting_id = %(aansluiting_id)s)
  AND cpa.removed_at IS NULL
ORDER BY cpa.omgeving, cpa.cpa_id

-- name: cpas_since
SELECT id AS cpa_row, sha256, tolerances
FROM cpa
WHERE omgeving = %(omgeving)s AND id > %(row)s AND removed_at IS NULL
ORDER BY id
LIMIT %(some)s

-- name: valid_cpas
SELECT
    cpa.id AS cpa_row, cpa.sha256, cpa.our_party_ids, cpa.consumer, cpa.tolerances,
    (
        SELECT jsonb_object_agg(mapping.source, mapping.destination)
        FROM url_mapping AS mapping
        WHERE mapping.omgeving = cpa.omgeving AND mapping.organisatie_oin = aansluiting.organisatie_oin
    ) AS urls,
    (
        SELECT jsonb_object_agg(encode(mapping.source, 'hex'), encode(mapping.destination, 'hex'))
        FROM certificate_mapping AS mapping
        WHERE mapping.cpa_row = cpa.id
    ) AS certificates,
    aansluiting.*, organisatie.naam AS organisatie_naam
FROM cpa
JOIN aansluiting ON aansluiting.id = cpa.aansluiting_id
JOIN organisatie ON organisatie.oin = aansluiting.organisatie_oin
WHERE cpa.aansluiting_id = %(aansluiting_id)s AND cpa.removed_at IS NULL
  AND cpa.starts_at <= %(now)s AND cpa.ends_at > %(now)s
ORDER BY cpa.starts_at DESC, cpa.id DESC

-- name: cpa_document
SELECT document, sha256, our_party_ids FROM cpa WHERE id = %(id)s

-- name: lock_cpa
SELECT id, aansluiting_id, sha256, consumer, tolerances, removed_at
FROM cpa
WHERE omgeving = (SELECT omgeving FROM aansluiting WHERE id = %(aansluiting_id)s) AND cpa_id = %(cpa_id)s
FOR UPDATE

-- name: insert_cpa
INSERT INTO cpa (
    aansluiting_id, omgeving, cpa_id, document, sha256, our_party_ids, starts_at, ends_at, imported_at, consumer,
    tolerances
)
SELECT
    aansluiting.id, aansluiting.omgeving, %(cpa_id)s, %(document)s, %(sha256)s, %(our_party_ids)s, %(starts_at)s,
    %(ends_at)s, %(now)s,
    coalesce(%(consumer)s, CASE aansluiting.kind WHEN 'stam' THEN 'intake' ELSE 'rest' END),
    coalesce(%(tolerances)s::jsonb, '{}')
FROM aansluiting
WHERE aansluiting.id = %(aansluiting_id)s

-- name: replace_cpa
UPDATE cpa
SET document = %(document)s, sha256 = %(sha256)s, our_party_ids = %(our_party_ids)s, starts_at = %(starts_at)s,
    ends_at = %(ends_at)s, imported_at = %(now)s, removed_at = NULL,
    consumer = coalesce(%(consumer)s, consumer), tolerances = coalesce(%(tolerances)s::jsonb, tolerances)
WHERE id = %(id)s

-- name: set_cpa
UPDATE cpa
SET consumer = coalesce(%(consumer)s, consumer), tolerances = coalesce(%(tolerances)s::jsonb, tolerances)
WHERE id = %(id)s AND removed_at IS NULL

-- name: remove_cpa
UPDATE cpa SET removed_at = %(now)s WHERE id = %(id)s AND removed_at IS NULL

-- name: waiting_under_cpa
SELECT count(*) AS waiting FROM outbound_message WHERE due_at IS NOT NULL AND cpa_row = %(id)s

-- name: acts_for
SELECT namens_oin FROM machtiging WHERE omgeving = %(omgeving)s AND gemachtigde_oin = %(oin)s AND since <= now()

-- name: organisaties
SELECT oin, naam, bestuurslaag, worklist_mail FROM organisatie ORDER BY oin

-- name: partijen
SELECT oin, naam FROM partij WHERE %(oin)s::text IS NULL OR oin = %(oin)s ORDER BY oin

-- name: real
SELECT 1 FROM aansluiting WHERE omgeving <> ALL(%(sandboxes)s) LIMIT 1

-- name: certificates
SELECT partij_oin, omgeving, use, certificate_file, key_file, password_file
FROM certificate
WHERE %(omgeving)s::text IS NULL OR omgeving = %(omgeving)s
ORDER BY partij_oin, omgeving, use, certificate_file

-- name: machtigingen
SELECT omgeving, gemachtigde_oin, namens_oin, since, recorded_by
FROM machtiging
ORDER BY omgeving, gemachtigde_oin, namens_oin

-- name: aansluiting_entries
SELECT organisatie_oin, kind, omgeving, partij_oin, dso, case_system, intake, retention_days, publishing
FROM aansluiting
ORDER BY omgeving, organisatie_oin, kind

-- name: put_organisatie
INSERT INTO organisatie (oin, naam, bestuurslaag, worklist_mail)
VALUES (%(oin)s, %(naam)s, %(bestuurslaag)s, %(worklist_mail)s)
ON CONFLICT (oin) DO UPDATE
SET naam = excluded.naam, bestuurslaag = excluded.bestuurslaag, worklist_mail = excluded.worklist_mail

-- name: put_partij
INSERT INTO partij (oin, naam)
VALUES (%(oin)s, %(naam)s)
ON CONFLICT (oin) DO UPDATE SET naam = excluded.naam

-- name: put_certificate
INSERT INTO certificate (partij_oin, omgeving, use, certificate_file, key_file, password_file)
VALUES (%(partij_oin)s, %(omgeving)s, %(use)s, %(certificate_file)s, %(key_file)s, %(password_file)s)
ON CONFLICT (partij_oin, omgeving, use, certificate_file) DO UPDATE
SET key_file = excluded.key_file, password_file = excluded.password_file

-- name: delete_certificate
DELETE FROM certificate
WHERE partij_oin = %(partij_oin)s AND omgeving = %(omgeving)s AND certificate_file = %(certificate_file)s

-- name: put_machtiging
INSERT INTO machtiging (omgeving, gemachtigde_oin, namens_oin, since, recorded_by, recorded_at)
VALUES (%(omgeving)s, %(gemachtigde_oin)s, %(namens_oin)s, %(since)s, %(recorded_by)s, %(now)s)
ON CONFLICT (omgeving, gemachtigde_oin, namens_oin) DO UPDATE
SET since = excluded.since, recorded_by = excluded.recorded_by, recorded_at = excluded.recorded_at

-- name: put_aansluiting
INSERT INTO aansluiting (
    organisatie_oin, kind, omgeving, partij_oin, dso, case_system, intake, retention_days, publishing
)
VALUES (
    %(organisatie_oin)s, %(kind)s, %(omgeving)s, %(partij_oin)s, %(dso)s, %(case_system)s, %(intake)s,
    %(retention_days)s, %(publishing)s
)
ON CONFLICT (organisatie_oin, kind, omgeving) DO UPDATE
SET partij_oin = excluded.partij_oin, dso = excluded.dso, case_system = excluded.case_system,
    intake = excluded.intake, retention_days = excluded.retention_days, publishing = excluded.publishing
