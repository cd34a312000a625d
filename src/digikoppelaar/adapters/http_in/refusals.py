"""One way to turn somebody away: a line in the log and a number in the metrics, never silence."""

import structlog
from prometheus_client import Counter

log = structlog.get_logger(__name__)

REFUSED = Counter(
    "digikoppelaar_refused",
    "Connections and requests that were turned away, by class of reason",
    ["omgeving", "reason"],
)
ANSWERED = Counter("digikoppelaar_answered", "Answers of the ebMS endpoint, by HTTP status", ["omgeving", "status"])


def refuse(omgeving: str, reason: str, address: str, **details: str | int | None) -> None:
    """Log and count a refusal. `reason` is one of few words, `details` hold identifiers and never payload."""
    REFUSED.labels(omgeving, reason).inc()
    log.warning("refused", omgeving=omgeving, reason=reason, address=address, **details)
