-- name: links
SELECT aansluiting_id, verzoeknummer, target, case_reference, linked_at, linked_by
FROM case_link
WHERE (%(aansluiting_id)s::bigint IS NULL OR aansluiting_id = %(aansluiting_id)s)
  AND (%(verzoeknummer)s::text IS NULL OR lower(verzoeknummer) = lower(%(verzoeknummer)s))
ORDER BY aansluiting_id, lower(verzoeknummer), target

-- name: link
-- No row when it is on record: `same` tells that from one that is linked elsewhere.
INSERT INTO case_link (aansluiting_id, verzoeknummer, target, case_reference, linked_at, linked_by)
VALUES (%(aansluiting_id)s, %(verzoeknummer)s, %(target)s, %(case_reference)s, %(at)s, %(name)s)
ON CONFLICT (aansluiting_id, lower(verzoeknummer), target) DO UPDATE
SET case_reference = excluded.case_reference, linked_at = excluded.linked_at, linked_by = excluded.linked_by
WHERE %(replace)s AND case_link.case_reference <> excluded.case_reference

-- name: same
SELECT id
FROM case_link
WHERE aansluiting_id = %(aansluiting_id)s AND lower(verzoeknummer) = lower(%(verzoeknummer)s)
  AND target = %(target)s AND case_reference = %(case_reference)s

-- name: unlink
DELETE FROM case_link
WHERE aansluiting_id = %(aansluiting_id)s AND lower(verzoeknummer) = lower(%(verzoeknummer)s)
  AND (%(target)s::text IS NULL OR target = %(target)s)
RETURNING aansluiting_id, verzoeknummer, target, case_reference
