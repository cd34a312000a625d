package interop;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Sends with the JDK's HTTP client as it is: it offers h2c, and chunks what has payloads. */
final class Sender {
    private static final Set<Integer> AGAIN = Set.of(408, 429);
    private static final Set<Integer> NEVER_AGAIN = Set.of(501, 505, 510);

    private final HttpClient client;
    private final Exchanges exchanges;
    private final ScheduledExecutorService threads = Executors.newScheduledThreadPool(8);

    /** What to do with a signal in an HTTP response. */
    interface Answers {
        void take(String contentType, byte[] body);
    }

    Sender(Identity identity, Exchanges exchanges) {
        client =
                HttpClient.newBuilder()
                        .sslContext(identity.tls())
                        .connectTimeout(Duration.ofSeconds(10))
                        .build();
        this.exchanges = exchanges;
    }

    void start(Outbound message, Answers answers) {
        threads.execute(() -> attempt(message, answers));
    }

    private void attempt(Outbound message, Answers answers) {
        if (!message.pending()) {
            return;
        }
        var attempt = message.attempted();
        try {
            settle(message, post(message.channel.endpoint(), message.body), answers);
        } catch (IOException error) {
            System.err.println("no answer from " + message.channel.endpoint() + ": " + error);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            return;
        }
        if (!message.pending()) {
            return;
        }
        var interval = message.channel.retryInterval();
        if (attempt <= message.channel.retries() && interval != null) {
            threads.schedule(
                    () -> attempt(message, answers), interval.toMillis(), TimeUnit.MILLISECONDS);
        } else if (interval != null) {
            threads.schedule(
                    () -> message.end(Outbound.State.FAILED, "no answer", false),
                    interval.toMillis(),
                    TimeUnit.MILLISECONDS);
        }
    }

    private static void settle(Outbound message, HttpResponse<byte[]> response, Answers answers) {
        var status = response.statusCode();
        if (status >= 200 && status < 300) {
            if (response.body().length > 0) {
                answers.take(
                        response.headers().firstValue("Content-Type").orElse(""), response.body());
            } else if (!message.awaitsAnswer) {
                message.end(Outbound.State.DELIVERED, "HTTP " + status, false);
            }
        } else if (status < 500 && !AGAIN.contains(status) || NEVER_AGAIN.contains(status)) {
            message.end(Outbound.State.FAILED, "HTTP " + status, false);
        } else if (message.channel.retryInterval() == null) {
            message.end(Outbound.State.FAILED, "HTTP " + status, false);
        }
    }

    HttpResponse<byte[]> post(String url, Mime.Body body) throws IOException, InterruptedException {
        var publisher =
                body.chunked()
                        ? HttpRequest.BodyPublishers.ofInputStream(
                                () -> new ByteArrayInputStream(body.content()))
                        : HttpRequest.BodyPublishers.ofByteArray(body.content());
        var request =
                HttpRequest.newBuilder(URI.create(url))
                        .timeout(Duration.ofSeconds(30))
                        .header("Content-Type", body.contentType())
                        .header("SOAPAction", "\"ebXML\"")
                        .POST(publisher)
                        .build();
        var response = client.send(request, HttpResponse.BodyHandlers.ofByteArray());
        exchanges.add(
                "out",
                url,
                "",
                request.headers().map(),
                body.content(),
                response.statusCode(),
                response.headers().map(),
                response.body());
        return response;
    }
}
