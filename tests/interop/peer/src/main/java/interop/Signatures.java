package interop;

import org.apache.xml.security.c14n.Canonicalizer;
import org.apache.xml.security.exceptions.XMLSecurityException;
import org.apache.xml.security.signature.XMLSignature;
import org.apache.xml.security.signature.XMLSignatureInput;
import org.apache.xml.security.transforms.Transforms;
import org.apache.xml.security.transforms.params.XPathContainer;
import org.apache.xml.security.utils.resolver.ResourceResolverContext;
import org.apache.xml.security.utils.resolver.ResourceResolverSpi;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

import java.io.ByteArrayInputStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The signature of a message, by Apache Santuario with its generic XPath transform. */
final class Signatures {
    private static final String XPATH =
            "not(ancestor-or-self::node()[@soap:actor=\"urn:oasis:names:tc:ebxml-msg:actor:nextMSH\"]"
                + "|ancestor-or-self::node()[@soap:actor=\"http://schemas.xmlsoap.org/soap/actor/next\"])";
    private static final String FAILURE = "SecurityFailure";
    private static final String LOCATION = "//Header/Signature";

    private Signatures() {}

    static void sign(
            Document document, List<Mime.Part> parts, Cpa.Channel channel, Identity identity) {
        try {
            var signature =
                    new XMLSignature(
                            document,
                            null,
                            channel.signatureAlgorithm(),
                            Canonicalizer.ALGO_ID_C14N_OMIT_COMMENTS);
            Xml.element(document, "/soap:Envelope/soap:Header").appendChild(signature.getElement());
            signature.addResourceResolver(new Attachments(parts));
            signature.addDocument("", transforms(document), channel.digestAlgorithm());
            for (var part : parts) {
                signature.addDocument("cid:" + part.contentId(), null, channel.digestAlgorithm());
            }
            signature.addKeyInfo(identity.signingCertificate().getPublicKey());
            signature.addKeyInfo(identity.signingCertificate());
            signature.sign(identity.signingKey());
        } catch (XMLSecurityException error) {
            throw new IllegalStateException(error);
        }
    }

    private static Transforms transforms(Document document) throws XMLSecurityException {
        var transforms = new Transforms(document);
        transforms.addTransform(Transforms.TRANSFORM_ENVELOPED_SIGNATURE);
        var filter = new XPathContainer(document);
        filter.setXPath(XPATH);
        transforms.addTransform(Transforms.TRANSFORM_XPATH, filter.getElementPlusReturns());
        transforms.addTransform(Transforms.TRANSFORM_C14N_OMIT_COMMENTS);
        return transforms;
    }

    /**
     * Throws SecurityFailure unless the party of the CPA signed the envelope and every one of
     * `parts`.
     */
    static void verify(Document document, List<Mime.Part> parts, Cpa.Channel channel)
            throws PeerException {
        var element = Xml.element(document, "/soap:Envelope/soap:Header/ds:Signature");
        if (element == null) {
            throw PeerException.error(FAILURE, LOCATION, "the message is not signed");
        }
        var methods = Xml.elements(element, "ds:SignedInfo/ds:SignatureMethod");
        if (methods.size() != 1
                || !methods.get(0).getAttribute("Algorithm").equals(channel.signatureAlgorithm())) {
            throw PeerException.error(
                    FAILURE, LOCATION, "the signature method is not that of the CPA");
        }
        checkCoverage(element, parts);
        try {
            var signature = new XMLSignature(element, null);
            signature.addResourceResolver(new Attachments(parts));
            if (!signature.checkSignatureValue(channel.signer())) {
                throw PeerException.error(FAILURE, LOCATION, "the signature does not hold");
            }
        } catch (XMLSecurityException error) {
            throw PeerException.error(
                    FAILURE, LOCATION, "the signature cannot be checked: " + error.getMessage());
        }
    }

    private static void checkCoverage(Element signature, List<Mime.Part> parts)
            throws PeerException {
        var signed =
                Xml.elements(signature, "ds:SignedInfo/ds:Reference").stream()
                        .map(
                                reference ->
                                        URLDecoder.decode(
                                                reference.getAttribute("URI").replace("+", "%2B"),
                                                StandardCharsets.UTF_8))
                        .toList();
        if (!signed.contains("")) {
            throw PeerException.error(FAILURE, LOCATION, "the envelope is not signed");
        }
        for (var part : parts) {
            if (!signed.contains("cid:" + part.contentId())) {
                throw PeerException.error(
                        FAILURE, "cid:" + part.contentId(), "a payload is not signed");
            }
        }
    }

    private static final class Attachments extends ResourceResolverSpi {
        private final List<Mime.Part> parts;

        Attachments(List<Mime.Part> parts) {
            this.parts = parts;
        }

        @Override
        public XMLSignatureInput engineResolveURI(ResourceResolverContext context) {
            var id =
                    URLDecoder.decode(
                            context.uriToResolve.substring(4).replace("+", "%2B"),
                            StandardCharsets.UTF_8);
            return parts.stream()
                    .filter(part -> part.contentId().equals(id))
                    .findFirst()
                    .map(part -> new XMLSignatureInput(new ByteArrayInputStream(part.content())))
                    .orElse(null);
        }

        @Override
        public boolean engineCanResolveURI(ResourceResolverContext context) {
            return context.uriToResolve != null && context.uriToResolve.startsWith("cid:");
        }
    }

    /** The digests that a signature names, in order: what a signed acknowledgment has to repeat. */
    static List<String> digests(Element parent) {
        return Xml.elements(parent, "ds:Reference").stream()
                .map(
                        reference ->
                                reference.getAttribute("URI")
                                        + " "
                                        + Xml.text(reference, "ds:DigestValue")
                                                .replaceAll("\\s", ""))
                .toList();
    }
}
