package interop;

import org.w3c.dom.Document;

import java.time.Instant;
import java.util.List;

/** What the header of a message that came in says; the rest is asked of the document. */
record Received(
        Document document,
        String cpaId,
        String conversationId,
        Cpa.Service service,
        String action,
        String messageId,
        String ref,
        List<Mime.Part> parts) {

    private static final String HEADER = "/soap:Envelope/soap:Header/eb:MessageHeader/";

    static Received read(Mime.Message message) throws PeerException {
        var document = Xml.parse(message.soap());
        var ref = Xml.text(document, HEADER + "eb:MessageData/eb:RefToMessageId");
        return new Received(
                document,
                Xml.text(document, HEADER + "eb:CPAId"),
                Xml.text(document, HEADER + "eb:ConversationId"),
                new Cpa.Service(
                        Xml.text(document, HEADER + "eb:Service/@eb:type"),
                        Xml.text(document, HEADER + "eb:Service")),
                Xml.text(document, HEADER + "eb:Action"),
                Xml.text(document, HEADER + "eb:MessageData/eb:MessageId"),
                ref.isEmpty() ? null : ref,
                message.payloads());
    }

    boolean has(String path) {
        return Xml.has(document, "/soap:Envelope/soap:Header/" + path);
    }

    String text(String path) {
        return Xml.text(document, "/soap:Envelope/soap:Header/" + path);
    }

    boolean expired() {
        var timeToLive = Xml.text(document, HEADER + "eb:MessageData/eb:TimeToLive");
        return !timeToLive.isEmpty() && Instant.parse(timeToLive).isBefore(Instant.now());
    }

    List<Cpa.PartyId> parties(String name) {
        return Xml.elements(document, HEADER + "eb:" + name + "/eb:PartyId").stream()
                .map(id -> new Cpa.PartyId(Xml.text(id, "@eb:type"), Xml.text(id, ".")))
                .toList();
    }

    List<String> contentIds() {
        return Xml.elements(document, "/soap:Envelope/soap:Body/eb:Manifest/eb:Reference").stream()
                .map(
                        reference ->
                                reference
                                        .getAttributeNS(Xml.XLINK, "href")
                                        .replaceFirst("^cid:", ""))
                .toList();
    }
}
