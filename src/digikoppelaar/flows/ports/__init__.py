"""What the flows need from outside, in their own words. Adapters implement these; each has an in-memory twin.

Every method of a store is one transaction. Everything hangs on an aansluiting (organisatie, kind, omgeving):
the same OIN and verzoeknummer in `pre` and `prod` never meet.
"""

from digikoppelaar.flows.ports.connections import (
    OMGEVINGEN,
    Aansluiting,
    CaseSystemSettings,
    Consumer,
    CpaRecord,
    DsoSettings,
    Machtiging,
    Registry,
    is_sandbox,
)
from digikoppelaar.flows.ports.facilities import (
    Blob,
    BlobStore,
    CaseSystem,
    Download,
    DsoClient,
    Link,
)
from digikoppelaar.flows.ports.machine import (
    Clock,
    Decrypter,
    Decrypters,
    Ids,
    Signer,
    Signers,
    Trust,
)
from digikoppelaar.flows.ports.messages import (
    Claimed,
    MessageStore,
    NewInbound,
    NewOutbound,
    Reply,
    SeenInbound,
    SentMessage,
    StoredPayload,
    Transport,
)
from digikoppelaar.flows.ports.verzoeken import (
    File,
    FileKind,
    NewFile,
    NewNotification,
    NewVerzoek,
    Notification,
    Parked,
    Verzoek,
    VerzoekStore,
)

__all__ = [
    "OMGEVINGEN",
    "Aansluiting",
    "Blob",
    "BlobStore",
    "CaseSystem",
    "CaseSystemSettings",
    "Claimed",
    "Clock",
    "Consumer",
    "CpaRecord",
    "Decrypter",
    "Decrypters",
    "Download",
    "DsoClient",
    "DsoSettings",
    "File",
    "FileKind",
    "Ids",
    "Link",
    "Machtiging",
    "MessageStore",
    "NewFile",
    "NewInbound",
    "NewNotification",
    "NewOutbound",
    "NewVerzoek",
    "Notification",
    "Parked",
    "Registry",
    "Reply",
    "SeenInbound",
    "SentMessage",
    "Signer",
    "Signers",
    "StoredPayload",
    "Transport",
    "Trust",
    "Verzoek",
    "VerzoekStore",
    "is_sandbox",
]
