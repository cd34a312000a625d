package interop;

import org.apache.xml.security.encryption.XMLCipher;
import org.apache.xml.security.encryption.XMLEncryptionException;
import org.apache.xml.security.keys.KeyInfo;
import org.w3c.dom.Document;

import java.io.ByteArrayInputStream;
import java.util.Map;

import javax.crypto.KeyGenerator;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;

/**
 * Payloads as EncryptedData, by Apache Santuario: with RSA 1.5 for the CBC ciphers, else with
 * RSA-OAEP.
 */
final class Encryption {
    private static final Map<String, Integer> KEY_BITS =
            Map.of(
                    XMLCipher.AES_128,
                    128,
                    XMLCipher.AES_256,
                    256,
                    XMLCipher.AES_128_GCM,
                    128,
                    XMLCipher.AES_256_GCM,
                    256);
    private static final String FAILURE = "SecurityFailure";

    private Encryption() {}

    static Mime.Part encrypt(Mime.Part part, Cpa.Channel channel) {
        try {
            var generator = KeyGenerator.getInstance("AES");
            generator.init(KEY_BITS.get(channel.encryptionAlgorithm()));
            var key = generator.generateKey();
            var document = empty();
            var transport =
                    channel.encryptionAlgorithm().endsWith("cbc")
                            ? XMLCipher.RSA_v1dot5
                            : XMLCipher.RSA_OAEP;
            var wrapping = XMLCipher.getInstance(transport);
            wrapping.init(XMLCipher.WRAP_MODE, channel.encryptFor().getPublicKey());
            var wrapped = wrapping.encryptKey(document, key);
            var receiver = new KeyInfo(document);
            receiver.addKeyName(channel.encryptFor().getSubjectX500Principal().getName());
            wrapped.setKeyInfo(receiver);
            var cipher = XMLCipher.getInstance(channel.encryptionAlgorithm());
            cipher.init(XMLCipher.ENCRYPT_MODE, key);
            var data =
                    cipher.encryptData(
                            document,
                            Xml.XENC + "Element",
                            new ByteArrayInputStream(part.content()));
            data.setId(part.contentId());
            data.setMimeType(part.contentType());
            var info = new KeyInfo(document);
            info.add(wrapped);
            data.setKeyInfo(info);
            return new Mime.Part(
                    part.contentId(), "application/xml", Xml.serialize(cipher.martial(data)));
        } catch (Exception error) { // encryptData says that it throws Exception
            throw new IllegalStateException(error);
        }
    }

    static Mime.Part decrypt(Mime.Part part, Identity identity, Cpa.Channel channel)
            throws PeerException {
        var location = "cid:" + part.contentId();
        Document document;
        try {
            document = Xml.parse(part.content());
        } catch (PeerException error) {
            throw PeerException.error(FAILURE, location, "the payload is not encrypted");
        }
        var data = Xml.element(document, "/xenc:EncryptedData");
        if (data == null) {
            throw PeerException.error(FAILURE, location, "the payload is not encrypted");
        }
        if (!Xml.text(data, "xenc:EncryptionMethod/@Algorithm")
                .equals(channel.encryptionAlgorithm())) {
            throw PeerException.error(FAILURE, location, "the cipher is not that of the CPA");
        }
        try {
            var cipher = XMLCipher.getInstance();
            cipher.init(XMLCipher.DECRYPT_MODE, null);
            cipher.setKEK(identity.decryptionKey());
            return new Mime.Part(
                    part.contentId(),
                    data.getAttribute("MimeType"),
                    cipher.decryptToByteArray(data));
        } catch (XMLEncryptionException error) {
            throw PeerException.error(
                    FAILURE, location, "the payload cannot be decrypted: " + error.getMessage());
        }
    }

    /** The algorithms of an encrypted payload: of its content and of its key. */
    static String algorithms(Mime.Part part) throws PeerException {
        var document = Xml.parse(part.content());
        return Xml.text(document, "/xenc:EncryptedData/xenc:EncryptionMethod/@Algorithm")
                + " "
                + Xml.text(document, "//xenc:EncryptedKey/xenc:EncryptionMethod/@Algorithm");
    }

    private static Document empty() throws ParserConfigurationException {
        var factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        return factory.newDocumentBuilder().newDocument();
    }
}
