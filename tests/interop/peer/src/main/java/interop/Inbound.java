package interop;

import java.time.Instant;
import java.util.List;

/** A business message that came in, and the answer that it got: a repeat gets the very same. */
record Inbound(
        String messageId,
        String cpaId,
        String conversationId,
        String action,
        Instant receivedAt,
        boolean signed,
        String encryption,
        List<Payload> payloads,
        String error) {

    record Payload(String contentId, String contentType, int size, String sha256) {}
}
