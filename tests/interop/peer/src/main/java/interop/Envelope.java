package interop;

import org.w3c.dom.Document;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;

/**
 * The SOAP part of a message, written as text in the shape of the Java handler: prefixes, order and
 * indentation.
 */
record Envelope(
        Cpa cpa,
        String conversationId,
        Cpa.Service service,
        String action,
        String fromRole,
        String toRole,
        String messageId,
        Instant timestamp,
        String refToMessageId,
        Instant timeToLive,
        boolean duplicateElimination,
        String extensions,
        String body) {

    static final Cpa.Service SIGNALS = new Cpa.Service("", "urn:oasis:names:tc:ebxml-msg:service");

    private static final String TO_PARTY = "urn:oasis:names:tc:ebxml-msg:actor:toPartyMSH";

    /**
     * A signal about `ref`, which may be null; it has neither roles nor anything that asks for an
     * answer.
     */
    static Envelope signal(
            Cpa cpa,
            String action,
            String messageId,
            String conversationId,
            String ref,
            String extensions,
            String body) {
        var now = Instant.now().truncatedTo(ChronoUnit.MILLIS);
        return new Envelope(
                cpa,
                conversationId,
                SIGNALS,
                action,
                null,
                null,
                messageId,
                now,
                ref,
                null,
                false,
                extensions,
                body);
    }

    static Envelope business(
            Cpa cpa,
            Cpa.Action action,
            String name,
            String messageId,
            String conversationId,
            List<String> contentIds) {
        var channel = action.channel();
        var now = Instant.now().truncatedTo(ChronoUnit.MILLIS);
        var extensions = new StringBuilder();
        if (channel.synchronous()) {
            extensions.append(
                    line(
                            2,
                            "<eb:SyncReply eb:version=\"2.0\""
                                    + " soap:actor=\"http://schemas.xmlsoap.org/soap/actor/next\""
                                    + " soap:mustUnderstand=\"1\"/>"));
        }
        Instant timeToLive = null;
        if (channel.ackRequested()) {
            timeToLive = now.plus(channel.retryInterval().multipliedBy(channel.retries() + 1L));
            extensions.append(
                    line(
                            2,
                            "<eb:AckRequested eb:signed=\""
                                    + channel.ackSigned()
                                    + "\" eb:version=\"2.0\" soap:actor=\""
                                    + TO_PARTY
                                    + "\" soap:mustUnderstand=\"1\"/>"));
        }
        return new Envelope(
                cpa,
                conversationId,
                action.service(),
                name,
                action.fromRole(),
                action.toRole(),
                messageId,
                now,
                null,
                timeToLive,
                channel.duplicateElimination(),
                extensions.toString(),
                manifest(contentIds));
    }

    static String acknowledgment(Cpa cpa, String ref, String references) {
        var parties = new StringBuilder();
        cpa.ours().forEach(id -> parties.append(line(4, partyId(id))));
        return line(
                        2,
                        "<eb:Acknowledgment eb:version=\"2.0\" soap:actor=\""
                                + TO_PARTY
                                + "\" soap:mustUnderstand=\"1\">")
                + line(
                        3,
                        "<eb:Timestamp>"
                                + Instant.now().truncatedTo(ChronoUnit.MILLIS)
                                + "</eb:Timestamp>")
                + line(3, "<eb:RefToMessageId>" + Xml.escape(ref) + "</eb:RefToMessageId>")
                + line(3, "<eb:From>")
                + parties
                + line(3, "</eb:From>")
                + references
                + line(2, "</eb:Acknowledgment>");
    }

    static String errorList(PeerException error) {
        return line(
                        2,
                        "<eb:ErrorList eb:highestSeverity=\"Error\" eb:version=\"2.0\""
                                + " soap:mustUnderstand=\"1\">")
                + line(
                        3,
                        "<eb:Error eb:errorCode=\""
                                + error.code
                                + "\" eb:location=\""
                                + Xml.escape(error.location)
                                + "\" eb:severity=\"Error\">")
                + line(
                        4,
                        "<eb:Description xml:lang=\"en-US\">"
                                + Xml.escape(error.getMessage())
                                + "</eb:Description>")
                + line(3, "</eb:Error>")
                + line(2, "</eb:ErrorList>");
    }

    static String statusRequest(String about) {
        return line(2, "<eb:StatusRequest eb:version=\"2.0\">")
                + line(3, "<eb:RefToMessageId>" + Xml.escape(about) + "</eb:RefToMessageId>")
                + line(2, "</eb:StatusRequest>");
    }

    static String statusResponse(String about, String status, Instant received) {
        return line(2, "<eb:StatusResponse eb:messageStatus=\"" + status + "\" eb:version=\"2.0\">")
                + line(3, "<eb:RefToMessageId>" + Xml.escape(about) + "</eb:RefToMessageId>")
                + (received == null ? "" : line(3, "<eb:Timestamp>" + received + "</eb:Timestamp>"))
                + line(2, "</eb:StatusResponse>");
    }

    private static String manifest(List<String> contentIds) {
        if (contentIds.isEmpty()) {
            return "";
        }
        var references = new StringBuilder();
        contentIds.forEach(
                id ->
                        references.append(
                                line(
                                        3,
                                        "<eb:Reference xlink:href=\"cid:"
                                                + id
                                                + "\" xlink:type=\"simple\"/>")));
        return line(2, "<eb:Manifest eb:version=\"2.0\">") + references + line(2, "</eb:Manifest>");
    }

    Document document() throws PeerException {
        return Xml.parse(text().getBytes(StandardCharsets.UTF_8));
    }

    private String text() {
        return "<soap:Envelope xmlns:soap=\""
                + Xml.SOAP
                + "\" xmlns:ds=\""
                + Xml.DS
                + "\" xmlns:eb=\""
                + Xml.EB
                + "\" xmlns:xlink=\""
                + Xml.XLINK
                + "\">"
                + line(1, "<soap:Header>")
                + line(2, "<eb:MessageHeader eb:version=\"2.0\" soap:mustUnderstand=\"1\">")
                + party("From", cpa.ours(), fromRole)
                + party("To", cpa.theirs(), toRole)
                + line(3, "<eb:CPAId>" + Xml.escape(cpa.id()) + "</eb:CPAId>")
                + line(
                        3,
                        "<eb:ConversationId>" + Xml.escape(conversationId) + "</eb:ConversationId>")
                + line(
                        3,
                        "<eb:Service"
                                + type(service.type())
                                + ">"
                                + Xml.escape(service.value())
                                + "</eb:Service>")
                + line(3, "<eb:Action>" + Xml.escape(action) + "</eb:Action>")
                + messageData()
                + (duplicateElimination ? line(3, "<eb:DuplicateElimination/>") : "")
                + line(2, "</eb:MessageHeader>")
                + extensions
                + line(1, "</soap:Header>")
                + (body.isEmpty()
                        ? line(1, "<soap:Body/>")
                        : line(1, "<soap:Body>") + body + line(1, "</soap:Body>"))
                + "\n</soap:Envelope>";
    }

    private String messageData() {
        return line(3, "<eb:MessageData>")
                + line(4, "<eb:MessageId>" + Xml.escape(messageId) + "</eb:MessageId>")
                + line(4, "<eb:Timestamp>" + timestamp + "</eb:Timestamp>")
                + (refToMessageId == null
                        ? ""
                        : line(
                                4,
                                "<eb:RefToMessageId>"
                                        + Xml.escape(refToMessageId)
                                        + "</eb:RefToMessageId>"))
                + (timeToLive == null
                        ? ""
                        : line(4, "<eb:TimeToLive>" + timeToLive + "</eb:TimeToLive>"))
                + line(3, "</eb:MessageData>");
    }

    private static String party(String name, List<Cpa.PartyId> ids, String role) {
        var text = new StringBuilder(line(3, "<eb:" + name + ">"));
        ids.forEach(id -> text.append(line(4, partyId(id))));
        if (role != null) {
            text.append(line(4, "<eb:Role>" + Xml.escape(role) + "</eb:Role>"));
        }
        return text.append(line(3, "</eb:" + name + ">")).toString();
    }

    private static String partyId(Cpa.PartyId id) {
        return "<eb:PartyId" + type(id.type()) + ">" + Xml.escape(id.value()) + "</eb:PartyId>";
    }

    private static String type(String type) {
        return type.isEmpty() ? "" : " eb:type=\"" + Xml.escape(type) + "\"";
    }

    private static String line(int depth, String text) {
        return "\n" + "    ".repeat(depth) + text;
    }
}
