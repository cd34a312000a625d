package interop;

import org.w3c.dom.Document;
import org.w3c.dom.Element;

import java.io.ByteArrayInputStream;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/**
 * A CPA as the party `ours` sees it, read with nothing but XPath: a second reading beside that of
 * the gateway.
 */
record Cpa(
        String id,
        List<PartyId> ours,
        List<PartyId> theirs,
        List<Action> sends,
        List<Action> receives,
        Channel ourSignals,
        Channel theirSignals) {

    record PartyId(String type, String value) {}

    record Service(String type, String value) {}

    record Action(
            Service service,
            String action,
            String fromRole,
            String toRole,
            Channel channel,
            boolean signed,
            boolean encrypted) {}

    /**
     * What holds from a sender to a receiver: characteristics by the sender, endpoint and
     * encryption by the receiver.
     */
    record Channel(
            String endpoint,
            boolean synchronous,
            boolean ackRequested,
            boolean ackSigned,
            boolean duplicateElimination,
            int retries,
            Duration retryInterval,
            String signatureAlgorithm,
            String digestAlgorithm,
            X509Certificate signer,
            String encryptionAlgorithm,
            X509Certificate encryptFor) {}

    static Cpa read(Document document, String party) throws PeerException {
        var root = document.getDocumentElement();
        var infos = Xml.elements(root, "tp:PartyInfo");
        var ours =
                infos.stream()
                        .filter(info -> ids(info).stream().anyMatch(id -> id.value().equals(party)))
                        .findFirst();
        if (infos.size() != 2 || ours.isEmpty()) {
            throw PeerException.fault("the CPA has no party " + party);
        }
        var mine = ours.get();
        var other = infos.get(infos.indexOf(mine) == 0 ? 1 : 0);
        return new Cpa(
                Xml.text(root, "@tp:cpaid"),
                ids(mine),
                ids(other),
                actions(root, mine, other),
                actions(root, other, mine),
                signals(root, mine, other),
                signals(root, other, mine));
    }

    Optional<Action> sending(Service service, String action) {
        return find(sends, service, action);
    }

    Optional<Action> receiving(Service service, String action) {
        return find(receives, service, action);
    }

    private static Optional<Action> find(List<Action> actions, Service service, String name) {
        return actions.stream()
                .filter(one -> one.service.equals(service) && one.action.equals(name))
                .findFirst();
    }

    private static List<PartyId> ids(Element info) {
        return Xml.elements(info, "tp:PartyId").stream()
                .map(id -> new PartyId(Xml.text(id, "@tp:type"), Xml.text(id, ".")))
                .toList();
    }

    private static List<Action> actions(Element root, Element sender, Element receiver)
            throws PeerException {
        var found = new ArrayList<Action>();
        for (var binding :
                Xml.elements(
                        sender,
                        "tp:CollaborationRole/tp:ServiceBinding/tp:CanSend/tp:ThisPartyActionBinding")) {
            var other = Xml.text(binding, "../tp:OtherPartyActionBinding");
            var receiving =
                    Xml.element(receiver, ".//tp:ThisPartyActionBinding[@tp:id='" + other + "']");
            var role = Xml.element(binding, "../../..");
            var characteristics = Xml.element(binding, "tp:BusinessTransactionCharacteristics");
            found.add(
                    new Action(
                            new Service(
                                    Xml.text(role, "tp:ServiceBinding/tp:Service/@tp:type"),
                                    Xml.text(role, "tp:ServiceBinding/tp:Service")),
                            Xml.text(binding, "@tp:action"),
                            Xml.text(role, "tp:Role/@tp:name"),
                            Xml.text(receiving, "../../../tp:Role/@tp:name"),
                            channel(
                                    root,
                                    Xml.text(binding, "tp:ChannelId"),
                                    Xml.text(receiving, "tp:ChannelId")),
                            Xml.text(characteristics, "@tp:isNonRepudiationRequired")
                                    .equals("true"),
                            Xml.text(characteristics, "@tp:isConfidential")
                                    .contains("persistent")));
        }
        return List.copyOf(found);
    }

    private static Channel signals(Element root, Element sender, Element receiver)
            throws PeerException {
        return channel(
                root,
                Xml.text(sender, "@tp:defaultMshChannelId"),
                Xml.text(receiver, "@tp:defaultMshChannelId"));
    }

    private static Channel channel(Element root, String sending, String receiving)
            throws PeerException {
        var said = Xml.element(root, "//tp:DeliveryChannel[@tp:channelId='" + sending + "']");
        var sender = docExchange(root, sending, "tp:ebXMLSenderBinding");
        var receiver = docExchange(root, receiving, "tp:ebXMLReceiverBinding");
        var characteristics = "tp:MessagingCharacteristics/";
        var retries = Xml.text(sender, "tp:ReliableMessaging/tp:Retries");
        return new Channel(
                endpoint(root, receiving),
                !List.of("none", "")
                        .contains(Xml.text(said, characteristics + "@tp:syncReplyMode")),
                Xml.text(said, characteristics + "@tp:ackRequested").equals("always"),
                Xml.text(said, characteristics + "@tp:ackSignatureRequested").equals("always"),
                Xml.text(said, characteristics + "@tp:duplicateElimination").equals("always"),
                retries.isEmpty() ? 0 : Integer.parseInt(retries),
                retries.isEmpty()
                        ? null
                        : Duration.parse(Xml.text(sender, "tp:ReliableMessaging/tp:RetryInterval")),
                Xml.text(sender, "tp:SenderNonRepudiation/tp:SignatureAlgorithm"),
                Xml.text(sender, "tp:SenderNonRepudiation/tp:HashFunction"),
                certificate(
                        root,
                        Xml.text(
                                sender,
                                "tp:SenderNonRepudiation/tp:SigningCertificateRef/@tp:certId")),
                Xml.text(receiver, "tp:ReceiverDigitalEnvelope/tp:EncryptionAlgorithm"),
                certificate(
                        root,
                        Xml.text(
                                receiver,
                                "tp:ReceiverDigitalEnvelope/tp:EncryptionCertificateRef/@tp:certId")));
    }

    private static Element docExchange(Element root, String channel, String binding) {
        var id =
                Xml.text(
                        root,
                        "//tp:DeliveryChannel[@tp:channelId='" + channel + "']/@tp:docExchangeId");
        return Xml.element(root, "//tp:DocExchange[@tp:docExchangeId='" + id + "']/" + binding);
    }

    private static String endpoint(Element root, String channel) {
        var id =
                Xml.text(
                        root,
                        "//tp:DeliveryChannel[@tp:channelId='" + channel + "']/@tp:transportId");
        return Xml.text(
                root,
                "//tp:Transport[@tp:transportId='"
                        + id
                        + "']/tp:TransportReceiver/tp:Endpoint[1]/@tp:uri");
    }

    private static X509Certificate certificate(Element root, String id) throws PeerException {
        if (id.isEmpty()) {
            return null;
        }
        var encoded =
                Xml.text(root, "//tp:Certificate[@tp:certId='" + id + "']//ds:X509Certificate[1]");
        try {
            var der = new ByteArrayInputStream(Base64.getMimeDecoder().decode(encoded));
            return (X509Certificate)
                    CertificateFactory.getInstance("X.509").generateCertificate(der);
        } catch (CertificateException error) {
            throw PeerException.fault("certificate " + id + " of the CPA cannot be read");
        }
    }
}
