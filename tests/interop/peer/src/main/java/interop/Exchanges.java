package interop;

import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Every HTTP exchange of the ebMS side, in order, with small bodies kept: what a test looks at and
 * records.
 */
final class Exchanges {
    private static final int KEPT = 64 * 1024;

    private final List<Exchange> all = new CopyOnWriteArrayList<>();

    /**
     * `direction` is as the peer sees it: in or out. Bodies are base64; null when larger than what
     * is kept.
     */
    record Exchange(
            String direction,
            String url,
            String client,
            Map<String, List<String>> requestHeaders,
            String requestBody,
            int status,
            Map<String, List<String>> responseHeaders,
            String responseBody) {}

    void add(
            String direction,
            String url,
            String client,
            Map<String, List<String>> requestHeaders,
            byte[] requestBody,
            int status,
            Map<String, List<String>> responseHeaders,
            byte[] responseBody) {
        all.add(
                new Exchange(
                        direction,
                        url,
                        client,
                        requestHeaders,
                        encoded(requestBody),
                        status,
                        responseHeaders,
                        encoded(responseBody)));
    }

    List<Exchange> all() {
        return List.copyOf(all);
    }

    private static String encoded(byte[] body) {
        return body.length > KEPT ? null : Base64.getEncoder().encodeToString(body);
    }
}
