-- name: record
INSERT INTO view_log (at, viewer_kind, viewer, way, omgeving, organisatie_oin, verzoeknummer, message_id)
VALUES (
    %(now)s, %(viewer_kind)s, %(viewer)s, %(way)s, %(omgeving)s, %(organisatie_oin)s, %(verzoeknummer)s,
    %(message_id)s
)

-- name: views
SELECT at, viewer_kind, viewer, way, omgeving, organisatie_oin, verzoeknummer, message_id
FROM view_log
WHERE (%(omgeving)s::text IS NULL OR omgeving = %(omgeving)s)
  AND (%(organisatie_oin)s::text IS NULL OR organisatie_oin = %(organisatie_oin)s)
  AND (%(verzoeknummer)s::text IS NULL OR verzoeknummer = %(verzoeknummer)s)
  AND (%(message_id)s::text IS NULL OR message_id = %(message_id)s)
  AND (%(viewer)s::text IS NULL OR viewer = %(viewer)s)
ORDER BY id DESC
LIMIT %(limit)s
