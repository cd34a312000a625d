package interop;

import org.w3c.dom.Document;

import java.util.List;

/** A message that this peer sends, and what became of it. */
final class Outbound {
    enum State {
        PENDING,
        DELIVERED,
        ACKNOWLEDGED,
        FAILED,
        PONG,
        STATUS
    }

    final String messageId;
    final Cpa cpa;
    final Cpa.Channel channel;
    final Document document;
    final Mime.Body body;
    final boolean awaitsAnswer;

    private State state = State.PENDING;
    private int attempts;
    private String detail = "";
    private boolean answerSigned;

    Outbound(
            String messageId,
            Cpa cpa,
            Cpa.Channel channel,
            Document document,
            Mime.Body body,
            boolean awaitsAnswer) {
        this.messageId = messageId;
        this.cpa = cpa;
        this.channel = channel;
        this.document = document;
        this.body = body;
        this.awaitsAnswer = awaitsAnswer;
    }

    record View(
            String messageId, String state, int attempts, String detail, boolean answerSigned) {}

    synchronized View view() {
        return new View(messageId, state.name(), attempts, detail, answerSigned);
    }

    synchronized boolean pending() {
        return state == State.PENDING;
    }

    synchronized int attempted() {
        return ++attempts;
    }

    /** The first end counts: an acknowledgment that comes after a failure changes nothing. */
    synchronized void end(State end, String said, boolean signed) {
        if (state == State.PENDING || state == State.DELIVERED) {
            state = end;
            detail = said;
            answerSigned = signed;
        }
    }

    List<String> signedDigests() {
        var signedInfo =
                Xml.element(document, "/soap:Envelope/soap:Header/ds:Signature/ds:SignedInfo");
        return signedInfo == null ? List.of() : Signatures.digests(signedInfo);
    }
}
