import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.AlgorithmParameterSpec;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;
import javax.crypto.spec.SecretKeySpec;
import javax.xml.crypto.KeySelector;
import javax.xml.crypto.OctetStreamData;
import javax.xml.crypto.URIDereferencer;
import javax.xml.crypto.dsig.Reference;
import javax.xml.crypto.dsig.SignedInfo;
import javax.xml.crypto.dsig.Transform;
import javax.xml.crypto.dsig.XMLSignature;
import javax.xml.crypto.dsig.XMLSignatureFactory;
import javax.xml.crypto.dsig.dom.DOMSignContext;
import javax.xml.crypto.dsig.dom.DOMValidateContext;
import javax.xml.crypto.dsig.keyinfo.KeyInfo;
import javax.xml.crypto.dsig.keyinfo.KeyInfoFactory;
import javax.xml.crypto.dsig.spec.C14NMethodParameterSpec;
import javax.xml.crypto.dsig.spec.TransformParameterSpec;
import javax.xml.crypto.dsig.spec.XPathFilterParameterSpec;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * An independent oracle: the XML signature code of the JDK, and XML Encryption by hand on its ciphers.
 *
 * It reads one command a line, fields separated by tabs, files by path, payloads as cid=path; it answers one line: "ok"
 * or "refused", a tab, and what it has to say. See oracles.py.
 */
public final class XmlOracle {
    private static final String SOAP = "http://schemas.xmlsoap.org/soap/envelope/";
    private static final String XENC = "http://www.w3.org/2001/04/xmlenc#";
    private static final String XENC11 = "http://www.w3.org/2009/xmlenc11#";

    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            System.out.println(answer(line.split("\t")));
            System.out.flush();
        }
    }

    private static String answer(String[] command) {
        try {
            return switch (command[0]) {
                case "verify" -> verify(command);
                case "sign" -> sign(command);
                case "decrypt" -> decrypt(command);
                case "encrypt" -> encrypt(command);
                default -> "refused\tunknown command";
            };
        } catch (Exception error) {
            return "refused\t" + error.toString().replaceAll("\\s+", " ");
        }
    }

    /** verify document certificate cid=path..: "ok" with the URIs that were signed, separated by spaces. */
    private static String verify(String[] command) throws Exception {
        Document document = parse(command[1]);
        NodeList found = document.getElementsByTagNameNS(XMLSignature.XMLNS, "Signature");
        if (found.getLength() != 1) {
            return "refused\t" + found.getLength() + " signatures";
        }
        KeySelector key = KeySelector.singletonKeySelector(certificate(command[2]).getPublicKey());
        DOMValidateContext context = new DOMValidateContext(key, found.item(0));
        context.setProperty("org.jcp.xml.dsig.secureValidation", command[3].equals("secure"));
        XMLSignatureFactory factory = XMLSignatureFactory.getInstance("DOM");
        context.setURIDereferencer(payloads(factory, command, 4));
        XMLSignature signature = factory.unmarshalXMLSignature(context);
        if (!signature.validate(context)) {
            return "refused\tinvalid";
        }
        List<?> references = signature.getSignedInfo().getReferences();
        return "ok\t" + references.stream().map(one -> ((Reference) one).getURI()).collect(Collectors.joining(" "));
    }

    /** sign document key certificate canonicalization out cid=path..: as digikoppeling-ebms2.md, 2.10 wants it. */
    private static String sign(String[] command) throws Exception {
        Document document = parse(command[1]);
        X509Certificate certificate = certificate(command[3]);
        String c14n = command[4];
        XMLSignatureFactory factory = XMLSignatureFactory.getInstance("DOM");
        String prefix = document.getDocumentElement().getPrefix();
        String next = "ancestor-or-self::node()[@" + prefix + ":actor=";
        String xpath = "not(" + next + "\"urn:oasis:names:tc:ebxml-msg:actor:nextMSH\"] | "
            + next + "\"http://schemas.xmlsoap.org/soap/actor/next\"])";
        List<Transform> transforms = List.of(
            factory.newTransform(Transform.ENVELOPED, (TransformParameterSpec) null),
            factory.newTransform(Transform.XPATH, new XPathFilterParameterSpec(xpath, Map.of(prefix, SOAP))),
            factory.newTransform(c14n, (TransformParameterSpec) null));
        var digest = factory.newDigestMethod("http://www.w3.org/2001/04/xmlenc#sha256", null);
        List<Reference> references = new ArrayList<>();
        references.add(factory.newReference("", digest, transforms, null, null));
        for (String part : Arrays.copyOfRange(command, 6, command.length)) {
            references.add(factory.newReference("cid:" + part.substring(0, part.indexOf('=')), digest));
        }
        SignedInfo info = factory.newSignedInfo(
            factory.newCanonicalizationMethod(c14n, (C14NMethodParameterSpec) null),
            factory.newSignatureMethod("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", null),
            references);
        KeyInfoFactory keys = factory.getKeyInfoFactory();
        KeyInfo keyInfo = keys.newKeyInfo(List.of(
            keys.newKeyValue(certificate.getPublicKey()), keys.newX509Data(List.of(certificate))));
        Element header = (Element) document.getElementsByTagNameNS(SOAP, "Header").item(0);
        DOMSignContext context = new DOMSignContext(privateKey(command[2]), header);
        context.setDefaultNamespacePrefix("ds");
        context.setURIDereferencer(payloads(factory, command, 6));
        factory.newXMLSignature(info, keyInfo).sign(context);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        TransformerFactory.newInstance().newTransformer().transform(new DOMSource(document), new StreamResult(out));
        Files.write(Path.of(command[5]), out.toByteArray());
        return "ok\tsigned";
    }

    /** decrypt document key out: "ok" with the MimeType. */
    private static String decrypt(String[] command) throws Exception {
        Element data = parse(command[1]).getDocumentElement();
        Element key = (Element) data.getElementsByTagNameNS(XENC, "EncryptedKey").item(0);
        Element keyMethod = (Element) key.getElementsByTagNameNS(XENC, "EncryptionMethod").item(0);
        Cipher rsa = Cipher.getInstance(rsaName(keyMethod.getAttribute("Algorithm")));
        rsa.init(Cipher.DECRYPT_MODE, privateKey(command[2]), rsaParameters(keyMethod));
        byte[] contentKey = rsa.doFinal(value(key));
        NodeList all = data.getElementsByTagNameNS(XENC, "CipherValue");
        byte[] content = Base64.getMimeDecoder().decode(all.item(all.getLength() - 1).getTextContent());
        String algorithm = ((Element) data.getElementsByTagNameNS(XENC, "EncryptionMethod").item(0)).getAttribute("Algorithm");
        Files.write(Path.of(command[3]), aes(Cipher.DECRYPT_MODE, algorithm, contentKey, content));
        return "ok\t" + data.getAttribute("MimeType");
    }

    /** encrypt data certificate algorithm transport out. */
    private static String encrypt(String[] command) throws Exception {
        byte[] key = new byte[command[3].contains("128") ? 16 : command[3].contains("192") ? 24 : 32];
        new SecureRandom().nextBytes(key);
        Cipher rsa = Cipher.getInstance(rsaName(command[4]));
        boolean oaep11 = command[4].startsWith(XENC11);
        String digest = oaep11 ? "<ds:DigestMethod Algorithm='" + XENC + "sha256'/><m:MGF xmlns:m='" + XENC11
            + "' Algorithm='" + XENC11 + "mgf1sha256'/>" : "";
        AlgorithmParameterSpec spec = command[4].contains("oaep")
            ? new OAEPParameterSpec(oaep11 ? "SHA-256" : "SHA-1", "MGF1",
                oaep11 ? MGF1ParameterSpec.SHA256 : MGF1ParameterSpec.SHA1, PSource.PSpecified.DEFAULT) : null;
        rsa.init(Cipher.ENCRYPT_MODE, certificate(command[2]).getPublicKey(), spec);
        byte[] content = aes(Cipher.ENCRYPT_MODE, command[3], key, Files.readAllBytes(Path.of(command[1])));
        String text = "<e:EncryptedData xmlns:e='" + XENC + "' MimeType='text/plain' Type='" + XENC + "Element'>\n"
            + "<e:EncryptionMethod Algorithm='" + command[3] + "'/><ds:KeyInfo xmlns:ds='" + XMLSignature.XMLNS + "'>"
            + "<e:EncryptedKey><e:EncryptionMethod Algorithm='" + command[4] + "'>" + digest + "</e:EncryptionMethod>"
            + "<e:CipherData><e:CipherValue>" + lines(rsa.doFinal(key)) + "</e:CipherValue></e:CipherData>"
            + "</e:EncryptedKey></ds:KeyInfo><e:CipherData><e:CipherValue>" + lines(content)
            + "</e:CipherValue></e:CipherData></e:EncryptedData>";
        Files.writeString(Path.of(command[5]), text);
        return "ok\tencrypted";
    }

    private static byte[] aes(int mode, String algorithm, byte[] key, byte[] given) throws Exception {
        boolean gcm = algorithm.endsWith("gcm");
        byte[] iv = new byte[gcm ? 12 : 16];
        boolean encrypting = mode == Cipher.ENCRYPT_MODE;
        if (encrypting) {
            new SecureRandom().nextBytes(iv);
        } else {
            iv = Arrays.copyOf(given, iv.length);
        }
        Cipher cipher = Cipher.getInstance(gcm ? "AES/GCM/NoPadding" : "AES/CBC/ISO10126Padding");
        cipher.init(mode, new SecretKeySpec(key, "AES"), gcm ? new GCMParameterSpec(128, iv) : new IvParameterSpec(iv));
        byte[] done = encrypting ? cipher.doFinal(given) : cipher.doFinal(given, iv.length, given.length - iv.length);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        if (encrypting) {
            out.write(iv);
        }
        out.write(done);
        return out.toByteArray();
    }

    private static String rsaName(String transport) {
        return transport.endsWith("rsa-1_5") ? "RSA/ECB/PKCS1Padding" : "RSA/ECB/OAEPPadding";
    }

    private static AlgorithmParameterSpec rsaParameters(Element method) {
        if (!method.getAttribute("Algorithm").contains("oaep")) {
            return null;
        }
        NodeList digests = method.getElementsByTagNameNS(XMLSignature.XMLNS, "DigestMethod");
        String digest = digests.getLength() == 0 ? "" : ((Element) digests.item(0)).getAttribute("Algorithm");
        String name = digest.endsWith("sha256") ? "SHA-256" : "SHA-1";
        return new OAEPParameterSpec(name, "MGF1", MGF1ParameterSpec.SHA1, PSource.PSpecified.DEFAULT);
    }

    private static byte[] value(Element key) {
        return Base64.getMimeDecoder().decode(key.getElementsByTagNameNS(XENC, "CipherValue").item(0).getTextContent());
    }

    /** As Java writes base64: in lines, of which the CR becomes a character reference. */
    private static String lines(byte[] data) {
        return Base64.getMimeEncoder().encodeToString(data).replace("\r\n", "&#13;\n");
    }

    private static URIDereferencer payloads(XMLSignatureFactory factory, String[] command, int from) {
        Map<String, String> files = new HashMap<>();
        for (String part : Arrays.copyOfRange(command, from, command.length)) {
            int equals = part.indexOf('=');
            files.put("cid:" + part.substring(0, equals), part.substring(equals + 1));
        }
        URIDereferencer standard = factory.getURIDereferencer();
        return (reference, context) -> {
            String file = files.get(reference.getURI());
            if (file == null) {
                return standard.dereference(reference, context);
            }
            try {
                return new OctetStreamData(new ByteArrayInputStream(Files.readAllBytes(Path.of(file))));
            } catch (java.io.IOException error) {
                throw new javax.xml.crypto.URIReferenceException(error);
            }
        };
    }

    private static Document parse(String file) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        return factory.newDocumentBuilder().parse(new ByteArrayInputStream(Files.readAllBytes(Path.of(file))));
    }

    private static X509Certificate certificate(String file) throws Exception {
        byte[] der = Files.readAllBytes(Path.of(file));
        return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
    }

    private static PrivateKey privateKey(String file) throws Exception {
        return KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(Files.readAllBytes(Path.of(file))));
    }
}
