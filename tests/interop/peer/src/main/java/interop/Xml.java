package interop;

import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;
import org.w3c.dom.bootstrap.DOMImplementationRegistry;
import org.w3c.dom.ls.DOMImplementationLS;
import org.w3c.dom.ls.LSInput;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

import javax.xml.XMLConstants;
import javax.xml.namespace.NamespaceContext;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import javax.xml.transform.OutputKeys;
import javax.xml.transform.TransformerException;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import javax.xml.transform.stream.StreamSource;
import javax.xml.validation.Schema;
import javax.xml.validation.SchemaFactory;
import javax.xml.xpath.XPathConstants;
import javax.xml.xpath.XPathExpressionException;
import javax.xml.xpath.XPathFactory;

/** Documents by the JDK's own parser, XPath engine and schema validator. */
final class Xml {
    static final String SOAP = "http://schemas.xmlsoap.org/soap/envelope/";
    static final String EB =
            "http://www.oasis-open.org/committees/ebxml-msg/schema/msg-header-2_0.xsd";
    static final String XLINK = "http://www.w3.org/1999/xlink";
    static final String DS = "http://www.w3.org/2000/09/xmldsig#";
    static final String XENC = "http://www.w3.org/2001/04/xmlenc#";
    static final String TP =
            "http://www.oasis-open.org/committees/ebxml-cppa/schema/cpp-cpa-2_0.xsd";

    private static final Map<String, String> PREFIXES =
            Map.of("soap", SOAP, "eb", EB, "xlink", XLINK, "ds", DS, "xenc", XENC, "tp", TP);

    private Xml() {}

    static Document parse(byte[] bytes) throws PeerException {
        try {
            var factory = DocumentBuilderFactory.newInstance();
            factory.setNamespaceAware(true);
            factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
            var builder = factory.newDocumentBuilder();
            builder.setErrorHandler(null);
            return builder.parse(new InputSource(new ByteArrayInputStream(bytes)));
        } catch (SAXException error) {
            throw PeerException.fault("not well-formed XML: " + error.getMessage());
        } catch (ParserConfigurationException | IOException error) {
            throw new IllegalStateException(error);
        }
    }

    /** UTF-8 without XML declaration, as the Java handler writes it. */
    static byte[] serialize(Node node) {
        try {
            var transformer = TransformerFactory.newInstance().newTransformer();
            transformer.setOutputProperty(OutputKeys.OMIT_XML_DECLARATION, "yes");
            var out = new StringWriter();
            transformer.transform(new DOMSource(node), new StreamResult(out));
            return out.toString().getBytes(StandardCharsets.UTF_8);
        } catch (TransformerException error) {
            throw new IllegalStateException(error);
        }
    }

    static Element element(Node from, String path) {
        return (Element) evaluate(from, path, XPathConstants.NODE);
    }

    static List<Element> elements(Node from, String path) {
        var found = (NodeList) evaluate(from, path, XPathConstants.NODESET);
        var list = new ArrayList<Element>();
        for (int i = 0; i < found.getLength(); i++) {
            list.add((Element) found.item(i));
        }
        return list;
    }

    /** The trimmed string value; empty when nothing is there. */
    static String text(Node from, String path) {
        return ((String) evaluate(from, path, XPathConstants.STRING)).strip();
    }

    static boolean has(Node from, String path) {
        return (Boolean) evaluate(from, "boolean(" + path + ")", XPathConstants.BOOLEAN);
    }

    private static Object evaluate(Node from, String path, javax.xml.namespace.QName kind) {
        try {
            var xpath = XPathFactory.newInstance().newXPath();
            xpath.setNamespaceContext(new Prefixes());
            return xpath.evaluate(path, from, kind);
        } catch (XPathExpressionException error) {
            throw new IllegalStateException(error);
        }
    }

    static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }

    private static final class Prefixes implements NamespaceContext {
        @Override
        public String getNamespaceURI(String prefix) {
            return PREFIXES.getOrDefault(prefix, XMLConstants.NULL_NS_URI);
        }

        @Override
        public String getPrefix(String uri) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Iterator<String> getPrefixes(String uri) {
            throw new UnsupportedOperationException();
        }
    }

    /** The official schemas of a folder: of a message, and of a CPA. */
    static final class Schemas {
        private final Schema schema;

        Schemas(Path folder) throws SAXException {
            var factory = SchemaFactory.newInstance(XMLConstants.W3C_XML_SCHEMA_NS_URI);
            factory.setFeature(
                    XMLConstants.FEATURE_SECURE_PROCESSING, false); // maxOccurs of the CPA schema
            factory.setResourceResolver(
                    (type, ns, publicId, systemId, base) -> input(folder, systemId));
            var names = List.of("envelope.xsd", "msg-header-2_0.xsd", "cpp-cpa-2_0.xsd");
            schema =
                    factory.newSchema(
                            names.stream()
                                    .map(name -> source(folder, name))
                                    .toArray(StreamSource[]::new));
        }

        /** Throws a fault that says what is wrong. */
        void check(Document document) throws PeerException {
            try {
                schema.newValidator().validate(new DOMSource(document));
            } catch (SAXException error) {
                throw PeerException.fault(
                        "not valid by the official schema: " + error.getMessage());
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        }

        private static StreamSource source(Path folder, String name) {
            return new StreamSource(new StringReader(read(folder.resolve(name))), name);
        }

        private static LSInput input(Path folder, String systemId) {
            try {
                var ls =
                        (DOMImplementationLS)
                                DOMImplementationRegistry.newInstance().getDOMImplementation("LS");
                var input = ls.createLSInput();
                var name = systemId.substring(systemId.lastIndexOf('/') + 1);
                input.setSystemId(name);
                input.setStringData(read(folder.resolve(name)));
                return input;
            } catch (ReflectiveOperationException error) {
                throw new IllegalStateException(error);
            }
        }

        private static String read(Path file) {
            try {
                return Files.readString(file);
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        }
    }
}
