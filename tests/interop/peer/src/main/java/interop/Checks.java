package interop;

import java.util.ArrayList;
import java.util.List;

/** What a message must be under its CPA; each step throws the ebXML error that belongs to it. */
final class Checks {
    private static final String HEADER = "//Header/MessageHeader/";

    private Checks() {}

    static void header(Received message, Cpa cpa, Cpa.Action action) throws PeerException {
        var channel = action.channel();
        require(
                message.parties("From").equals(cpa.theirs()),
                "ValueNotRecognized",
                HEADER + "From/PartyId");
        require(
                message.parties("To").equals(cpa.ours()),
                "ValueNotRecognized",
                HEADER + "To/PartyId");
        require(
                message.text("eb:MessageHeader/eb:From/eb:Role").equals(action.fromRole()),
                "ValueNotRecognized",
                HEADER + "From/Role");
        require(
                message.text("eb:MessageHeader/eb:To/eb:Role").equals(action.toRole()),
                "ValueNotRecognized",
                HEADER + "To/Role");
        require(
                message.has("eb:SyncReply") == channel.synchronous(),
                "Inconsistent",
                "//Header/SyncReply");
        require(
                message.has("eb:AckRequested") == channel.ackRequested(),
                "Inconsistent",
                "//Header/AckRequested");
        if (channel.ackRequested()) {
            var signed = message.text("eb:AckRequested/@eb:signed");
            require(
                    signed.equals(Boolean.toString(channel.ackSigned())),
                    "Inconsistent",
                    "//Header/AckRequested/@signed");
        }
        var eliminate = message.has("eb:MessageHeader/eb:DuplicateElimination");
        require(
                eliminate == channel.duplicateElimination(),
                "Inconsistent",
                HEADER + "DuplicateElimination");
        require(!message.expired(), "TimeToLiveExpired", HEADER + "MessageData/TimeToLive");
    }

    /**
     * The payloads that the Manifest names, decrypted, after the signature over envelope and
     * payloads was found to hold.
     */
    static List<Mime.Part> payloads(Received message, Cpa.Action action, Identity identity)
            throws PeerException {
        var parts = new ArrayList<Mime.Part>();
        for (var id : message.contentIds()) {
            var part =
                    message.parts().stream().filter(one -> one.contentId().equals(id)).findFirst();
            require(part.isPresent(), "MimeProblem", "cid:" + id);
            parts.add(
                    action.encrypted()
                            ? Encryption.decrypt(part.get(), identity, action.channel())
                            : part.get());
        }
        if (action.signed()) {
            Signatures.verify(message.document(), parts, action.channel());
        }
        return parts;
    }

    /**
     * Whether an acknowledgment is signed; one that must be and is not, or is about other bytes,
     * throws.
     */
    static boolean signedAcknowledgment(Received message, Cpa cpa, Outbound ours)
            throws PeerException {
        if (!ours.channel.ackSigned()) {
            return message.has("ds:Signature");
        }
        Signatures.verify(message.document(), List.of(), cpa.theirSignals());
        var repeated =
                Signatures.digests(
                        Xml.element(
                                message.document(),
                                "/soap:Envelope/soap:Header/eb:Acknowledgment"));
        if (!repeated.equals(ours.signedDigests())) {
            throw PeerException.fault("the acknowledgment is about other digests: " + repeated);
        }
        return true;
    }

    private static void require(boolean holds, String code, String location) throws PeerException {
        if (!holds) {
            throw PeerException.error(code, location, "not as the CPA says");
        }
    }
}
