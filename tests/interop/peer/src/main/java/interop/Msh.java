package interop;

import org.w3c.dom.Document;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The message service: what comes in is judged and answered, what goes out is followed until its
 * answer is there.
 */
final class Msh {
    private static final String HEADER = "//Header/MessageHeader/";

    private final Identity identity;
    private final Xml.Schemas schemas;
    private final Sender sender;
    private final Map<String, Cpa> cpas = new ConcurrentHashMap<>();
    private final Map<String, Inbound> received = new ConcurrentHashMap<>();
    private final Map<String, Signal> answers = new ConcurrentHashMap<>();
    private final Map<String, Outbound> sent = new ConcurrentHashMap<>();

    /** An HTTP answer: a body only for a synchronous signal or a SOAP Fault. */
    record Reply(int status, byte[] body) {}

    private record Signal(Cpa.Channel channel, Mime.Body body) {}

    /** What a test wants to be wrong with a message: none, payload, header or action. */
    enum Wrong {
        NONE,
        PAYLOAD,
        HEADER,
        ACTION
    }

    Msh(Identity identity, Xml.Schemas schemas, Sender sender) {
        this.identity = identity;
        this.schemas = schemas;
        this.sender = sender;
    }

    // --- What a test asks ---

    String addCpa(byte[] document) throws PeerException {
        var parsed = Xml.parse(document);
        validate(parsed);
        var cpa = Cpa.read(parsed, identity.party());
        cpas.put(cpa.id(), cpa);
        return cpa.id();
    }

    String send(
            String cpaId, Cpa.Service service, String name, List<Mime.Part> payloads, Wrong wrong)
            throws PeerException {
        var cpa = cpa(cpaId);
        var action =
                cpa.sending(service, name)
                        .orElseThrow(() -> PeerException.fault("no action " + name));
        var id = newMessageId();
        var claimed = wrong == Wrong.ACTION ? name + "-unknown" : name;
        var ids = payloads.stream().map(Mime.Part::contentId).toList();
        var document =
                Envelope.business(cpa, action, claimed, id, UUID.randomUUID().toString(), ids)
                        .document();
        if (action.signed()) {
            Signatures.sign(document, payloads, action.channel(), identity);
        }
        if (wrong == Wrong.HEADER) {
            Xml.element(document, "/soap:Envelope/soap:Header/eb:MessageHeader/eb:ConversationId")
                    .setTextContent("altered");
        }
        var parts =
                payloads.stream()
                        .map(part -> wrong == Wrong.PAYLOAD ? altered(part) : part)
                        .map(
                                part ->
                                        action.encrypted()
                                                ? Encryption.encrypt(part, action.channel())
                                                : part)
                        .toList();
        return submit(id, cpa, action.channel(), document, parts, action.channel().ackRequested());
    }

    String ping(String cpaId) throws PeerException {
        return ask(cpaId, "Ping", "");
    }

    String status(String cpaId, String about) throws PeerException {
        return ask(cpaId, "StatusRequest", Envelope.statusRequest(about));
    }

    private String ask(String cpaId, String action, String body) throws PeerException {
        var cpa = cpa(cpaId);
        var id = newMessageId();
        var document =
                Envelope.signal(cpa, action, id, UUID.randomUUID().toString(), null, "", body)
                        .document();
        return submit(id, cpa, cpa.ourSignals(), document, List.of(), true);
    }

    /** The same bytes once more, whatever became of them; the HTTP status. */
    int again(String messageId) throws IOException, InterruptedException {
        var message = sent.get(messageId);
        return sender.post(message.channel.endpoint(), message.body).statusCode();
    }

    Outbound.View outcome(String messageId) {
        var found = sent.get(messageId);
        return found == null ? null : found.view();
    }

    Collection<Inbound> received() {
        return received.values();
    }

    private String submit(
            String id,
            Cpa cpa,
            Cpa.Channel channel,
            Document document,
            List<Mime.Part> parts,
            boolean awaits) {
        var message =
                new Outbound(
                        id,
                        cpa,
                        channel,
                        document,
                        Mime.write(id, Xml.serialize(document), parts),
                        awaits);
        sent.put(id, message);
        sender.start(message, (contentType, body) -> receive(contentType, "\"ebXML\"", body));
        return id;
    }

    private static Mime.Part altered(Mime.Part part) {
        var content = part.content().clone();
        content[content.length / 2] ^= 1;
        return new Mime.Part(part.contentId(), part.contentType(), content);
    }

    // --- What comes in ---

    Reply receive(String contentType, String soapAction, byte[] body) {
        try {
            if (!"\"ebXML\"".equals(soapAction)) {
                throw PeerException.fault("SOAPAction is not \"ebXML\"");
            }
            var message = Received.read(Mime.read(contentType, body));
            validate(message.document());
            var cpa = cpa(message.cpaId());
            return message.service().value().equals(Envelope.SIGNALS.value())
                    ? signal(message, cpa)
                    : business(message, cpa);
        } catch (PeerException error) {
            System.err.println("refused: " + error.getMessage());
            return new Reply(500, fault(error));
        }
    }

    private void validate(Document document) throws PeerException {
        if (schemas != null) {
            schemas.check(document);
        }
    }

    private Reply business(Received message, Cpa cpa) throws PeerException {
        var synchronous = message.has("eb:SyncReply");
        var key = message.cpaId() + " " + message.messageId();
        var action = cpa.receiving(message.service(), message.action());
        if (!received.containsKey(key)) {
            received.put(key, judged(key, message, cpa, action.orElse(null)));
        }
        return answer(answers.get(key), synchronous);
    }

    private Inbound judged(String key, Received message, Cpa cpa, Cpa.Action action)
            throws PeerException {
        try {
            if (action == null) {
                throw PeerException.error(
                        "ValueNotRecognized", HEADER + "Action", "there is no such action");
            }
            Checks.header(message, cpa, action);
            var parts = Checks.payloads(message, action, identity);
            if (message.has("eb:AckRequested")) {
                answers.put(
                        key,
                        acknowledgment(
                                message,
                                cpa,
                                Boolean.parseBoolean(message.text("eb:AckRequested/@eb:signed"))));
            }
            return inbound(message, action, parts, null);
        } catch (PeerException error) {
            if (error.code == null) {
                throw error;
            }
            var id = newMessageId();
            var envelope =
                    Envelope.signal(
                            cpa,
                            "MessageError",
                            id,
                            message.conversationId(),
                            message.messageId(),
                            Envelope.errorList(error),
                            "");
            answers.put(key, signal(cpa, id, envelope, false));
            return inbound(message, action, List.of(), error.code + " " + error.getMessage());
        }
    }

    private Inbound inbound(
            Received message, Cpa.Action action, List<Mime.Part> parts, String error)
            throws PeerException {
        var encrypted = action != null && action.encrypted() && error == null && !parts.isEmpty();
        var payloads = new ArrayList<Inbound.Payload>();
        for (var part : parts) {
            payloads.add(
                    new Inbound.Payload(
                            part.contentId(),
                            part.contentType(),
                            part.content().length,
                            sha256(part.content())));
        }
        return new Inbound(
                message.messageId(),
                message.cpaId(),
                message.conversationId(),
                message.action(),
                Instant.now().truncatedTo(ChronoUnit.MILLIS),
                message.has("ds:Signature"),
                encrypted ? Encryption.algorithms(message.parts().get(0)) : "",
                payloads,
                error);
    }

    private Reply answer(Signal signal, boolean synchronous) {
        if (signal == null) {
            return new Reply(204, new byte[0]);
        }
        if (synchronous) {
            return new Reply(200, signal.body.content());
        }
        var once = new Outbound(newMessageId(), null, signal.channel, null, signal.body, false);
        sender.start(once, (contentType, body) -> receive(contentType, "\"ebXML\"", body));
        return new Reply(204, new byte[0]);
    }

    private Signal acknowledgment(Received message, Cpa cpa, boolean sign) throws PeerException {
        var references = new StringBuilder();
        if (sign) {
            for (var reference :
                    Xml.elements(
                            message.document(),
                            "/soap:Envelope/soap:Header/ds:Signature/ds:SignedInfo/ds:Reference")) {
                references.append(new String(Xml.serialize(reference), StandardCharsets.UTF_8));
            }
        }
        var id = newMessageId();
        var extensions = Envelope.acknowledgment(cpa, message.messageId(), references.toString());
        var envelope =
                Envelope.signal(
                        cpa,
                        "Acknowledgment",
                        id,
                        message.conversationId(),
                        message.messageId(),
                        extensions,
                        "");
        return signal(cpa, id, envelope, sign);
    }

    private Signal signal(Cpa cpa, String id, Envelope envelope, boolean sign)
            throws PeerException {
        var document = envelope.document();
        if (sign) {
            Signatures.sign(document, List.of(), cpa.ourSignals(), identity);
        }
        return new Signal(cpa.ourSignals(), Mime.write(id, Xml.serialize(document), List.of()));
    }

    private Reply signal(Received message, Cpa cpa) throws PeerException {
        switch (message.action()) {
            case "Ping" -> {
                var id = newMessageId();
                var pong =
                        Envelope.signal(
                                cpa,
                                "Pong",
                                id,
                                message.conversationId(),
                                message.messageId(),
                                "",
                                "");
                return answer(signal(cpa, id, pong, false), cpa.theirSignals().synchronous());
            }
            case "StatusRequest" -> {
                return answer(statusOf(message, cpa), cpa.theirSignals().synchronous());
            }
            default -> {
                report(message, cpa);
                return new Reply(204, new byte[0]);
            }
        }
    }

    private Signal statusOf(Received message, Cpa cpa) throws PeerException {
        var about =
                Xml.text(
                        message.document(),
                        "/soap:Envelope/soap:Body/eb:StatusRequest/eb:RefToMessageId");
        var found = received.get(cpa.id() + " " + about);
        var known = found != null && found.error() == null;
        var body =
                Envelope.statusResponse(
                        about,
                        known ? "Received" : "NotRecognized",
                        known ? found.receivedAt() : null);
        var id = newMessageId();
        return signal(
                cpa,
                id,
                Envelope.signal(
                        cpa,
                        "StatusResponse",
                        id,
                        message.conversationId(),
                        message.messageId(),
                        "",
                        body),
                false);
    }

    /** A signal about a message of ours. */
    private void report(Received message, Cpa cpa) throws PeerException {
        var ours =
                sent.get(
                        message.ref() == null
                                ? message.text("eb:Acknowledgment/eb:RefToMessageId")
                                : message.ref());
        if (ours == null) {
            System.err.println(message.action() + " about a message that was not sent");
            return;
        }
        switch (message.action()) {
            case "Acknowledgment" -> ours.end(
                    Outbound.State.ACKNOWLEDGED,
                    "",
                    Checks.signedAcknowledgment(message, cpa, ours));
            case "MessageError" -> ours.end(
                    Outbound.State.FAILED,
                    message.text("eb:ErrorList/eb:Error/@eb:errorCode")
                            + " "
                            + message.text("eb:ErrorList/eb:Error/@eb:location"),
                    message.has("ds:Signature"));
            case "Pong" -> ours.end(Outbound.State.PONG, "", message.has("ds:Signature"));
            case "StatusResponse" -> ours.end(
                    Outbound.State.STATUS,
                    Xml.text(
                            message.document(),
                            "/soap:Envelope/soap:Body/eb:StatusResponse/@eb:messageStatus"),
                    message.has("ds:Signature"));
            default -> System.err.println("unknown signal " + message.action());
        }
    }

    private Cpa cpa(String id) throws PeerException {
        var found = cpas.get(id);
        if (found == null) {
            throw PeerException.fault("CPA " + id + " not found!");
        }
        return found;
    }

    private static byte[] fault(PeerException error) {
        var text =
                "<soap:Envelope xmlns:soap=\""
                        + Xml.SOAP
                        + "\"><soap:Body><soap:Fault><faultcode>soap:Client</faultcode><faultstring>"
                        + Xml.escape(error.getMessage())
                        + "</faultstring></soap:Fault></soap:Body></soap:Envelope>";
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String newMessageId() {
        return UUID.randomUUID() + "@127.0.0.1";
    }

    private static String sha256(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException error) {
            throw new IllegalStateException(error);
        }
    }
}
