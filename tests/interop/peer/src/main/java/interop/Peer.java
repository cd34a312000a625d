package interop;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsExchange;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;

import org.apache.xml.security.Init;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.Executors;

import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;

/**
 * One ebMS 2.0 party on loopback, with an HTTP control interface for tests.
 *
 * <p>Argument: a properties file with party, password, tls, sign, decrypt (PKCS#12), trust (PEM),
 * ready (a file that is written with the ports when everything listens) and, if wanted, port (for
 * https) and schemas (the folder of the official schemas).
 */
public final class Peer {
    private static final StreamReadConstraints LARGE_PAYLOADS =
            StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE).build();

    private final ObjectMapper json =
            new ObjectMapper(JsonFactory.builder().streamReadConstraints(LARGE_PAYLOADS).build())
                    .registerModule(new JavaTimeModule());
    private final Exchanges exchanges = new Exchanges();
    private final Msh msh;

    private Peer(Identity identity, Xml.Schemas schemas) {
        msh = new Msh(identity, schemas, new Sender(identity, exchanges));
    }

    public static void main(String[] arguments) throws Exception {
        Init.init();
        var settings = new Properties();
        try (var reader = Files.newBufferedReader(Path.of(arguments[0]))) {
            settings.load(reader);
        }
        var identity = Identity.load(settings);
        var folder = settings.getProperty("schemas");
        var peer = new Peer(identity, folder == null ? null : new Xml.Schemas(Path.of(folder)));
        var http = HttpServer.create(loopback("0"), 0);
        http.createContext("/ebms", peer::ebms);
        var https = HttpsServer.create(loopback(settings.getProperty("port", "0")), 0);
        https.setHttpsConfigurator(new ClientAuthentication(identity.tls()));
        https.createContext("/ebms", peer::ebms);
        var control = HttpServer.create(loopback("0"), 0);
        control.createContext("/", peer::control);
        for (var server : List.of(http, https, control)) {
            server.setExecutor(Executors.newCachedThreadPool());
            server.start();
        }
        announce(Path.of(settings.getProperty("ready")), http, https, control);
        untilStdinEnds();
    }

    /** Who started us holds the other end: we end when it does, however that happens. */
    private static void untilStdinEnds() throws IOException {
        System.in.transferTo(OutputStream.nullOutputStream());
        System.exit(0);
    }

    private static InetSocketAddress loopback(String port) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(port));
    }

    /** Under another name first, so that who waits for the file reads all of it. */
    private static void announce(Path ready, HttpServer http, HttpServer https, HttpServer control)
            throws IOException {
        var partial =
                Files.writeString(
                        ready.resolveSibling(ready.getFileName() + ".part"),
                        "{\"http\": %d, \"https\": %d, \"control\": %d}"
                                .formatted(
                                        http.getAddress().getPort(),
                                        https.getAddress().getPort(),
                                        control.getAddress().getPort()));
        Files.move(partial, ready);
    }

    private static final class ClientAuthentication extends HttpsConfigurator {
        ClientAuthentication(SSLContext context) {
            super(context);
        }

        @Override
        public void configure(HttpsParameters parameters) {
            SSLParameters wanted = getSSLContext().getDefaultSSLParameters();
            wanted.setNeedClientAuth(true);
            parameters.setSSLParameters(wanted);
        }
    }

    // --- The ebMS side ---

    private void ebms(HttpExchange exchange) throws IOException {
        try (exchange) {
            var headers = exchange.getRequestHeaders();
            var body = exchange.getRequestBody().readAllBytes();
            var contentType = headers.getFirst("Content-Type");
            var reply =
                    exchange.getRequestMethod().equals("POST")
                            ? msh.receive(
                                    contentType == null ? "" : contentType,
                                    headers.getFirst("SOAPAction"),
                                    body)
                            : new Msh.Reply(500, new byte[0]);
            if (reply.body().length > 0) {
                exchange.getResponseHeaders().set("Content-Type", "text/xml");
                exchange.getResponseHeaders().set("SOAPAction", "\"ebXML\"");
            }
            if (reply.body().length == 0) {
                exchange.sendResponseHeaders(reply.status(), -1);
            } else {
                exchange.sendResponseHeaders(reply.status(), 0);
                exchange.getResponseBody().write(reply.body());
            }
            exchanges.add(
                    "in",
                    exchange.getRequestURI().toString(),
                    client(exchange),
                    Map.copyOf(headers),
                    body,
                    reply.status(),
                    Map.copyOf(exchange.getResponseHeaders()),
                    reply.body());
        }
    }

    private static String client(HttpExchange exchange) throws IOException {
        return exchange instanceof HttpsExchange secure
                ? secure.getSSLSession().getPeerPrincipal().toString()
                : "";
    }

    // --- The side of the tests ---

    private void control(HttpExchange exchange) throws IOException {
        try (exchange) {
            var body = exchange.getRequestBody().readAllBytes();
            byte[] answer;
            var status = 200;
            try {
                answer =
                        json.writeValueAsBytes(
                                asked(
                                        exchange.getRequestMethod(),
                                        exchange.getRequestURI().getPath(),
                                        body));
            } catch (Exception error) { // whatever it is, the test must see it
                error.printStackTrace();
                status = 400;
                answer = json.writeValueAsBytes(Map.of("error", String.valueOf(error)));
            }
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.sendResponseHeaders(status, 0);
            exchange.getResponseBody().write(answer);
        }
    }

    private Object asked(String method, String path, byte[] body) throws Exception {
        return switch (method + " " + path.replaceFirst("^(/[a-z]+).*", "$1")) {
            case "POST /cpas" -> Map.of("cpaId", msh.addCpa(body));
            case "POST /messages" -> Map.of("messageId", send(json.readTree(body)));
            case "POST /pings" -> Map.of(
                    "messageId", msh.ping(json.readTree(body).get("cpaId").asText()));
            case "POST /statuses" -> {
                var wish = json.readTree(body);
                yield Map.of(
                        "messageId",
                        msh.status(wish.get("cpaId").asText(), wish.get("about").asText()));
            }
            case "POST /repeats" -> Map.of(
                    "status", msh.again(json.readTree(body).get("messageId").asText()));
            case "GET /messages" -> msh.outcome(path.substring("/messages/".length()));
            case "GET /received" -> msh.received();
            case "GET /exchanges" -> exchanges.all();
            default -> throw new IllegalArgumentException(method + " " + path);
        };
    }

    private String send(JsonNode wish) throws Exception {
        var payloads = new ArrayList<Mime.Part>();
        for (var payload : wish.get("payloads")) {
            payloads.add(
                    new Mime.Part(
                            UUID.randomUUID().toString(),
                            payload.get("contentType").asText(),
                            payload.get("content").binaryValue()));
        }
        return msh.send(
                wish.get("cpaId").asText(),
                new Cpa.Service(wish.get("serviceType").asText(), wish.get("service").asText()),
                wish.get("action").asText(),
                payloads,
                Msh.Wrong.valueOf(wish.get("wrong").asText()));
    }
}
