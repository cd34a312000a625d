package interop;

import org.apache.james.mime4j.MimeException;
import org.apache.james.mime4j.stream.EntityState;
import org.apache.james.mime4j.stream.MimeConfig;
import org.apache.james.mime4j.stream.MimeTokenStream;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;

/** A message as an HTTP body: read by Apache mime4j, written as the Java handler writes it. */
final class Mime {
    private static final Pattern TEXT =
            Pattern.compile("text/.*|.*/(.*\\+)?xml", Pattern.CASE_INSENSITIVE);

    private Mime() {}

    record Part(String contentId, String contentType, byte[] content) {}

    record Message(byte[] soap, List<Part> payloads) {}

    record Body(String contentType, byte[] content, boolean chunked) {}

    static Body write(String messageId, byte[] soap, List<Part> payloads) {
        if (payloads.isEmpty()) {
            return new Body("text/xml; charset=UTF-8", soap, false);
        }
        var boundary = "-=" + UUID.randomUUID() + "=-";
        var out = new ByteArrayOutputStream();
        append(
                out,
                "--"
                        + boundary
                        + "\r\nContent-Type: text/xml; charset=UTF-8\r\nContent-ID: <"
                        + messageId
                        + ">\r\n\r\n");
        out.writeBytes(soap);
        for (var part : payloads) {
            append(out, "\r\n--" + boundary + "\r\nContent-Type: " + part.contentType + "\r\n");
            if (!TEXT.matcher(part.contentType).matches()) {
                append(out, "Content-Transfer-Encoding: binary\r\n");
            }
            append(
                    out,
                    "Content-ID: <"
                            + part.contentId
                            + ">\r\nContent-Disposition: attachment; filename=\"\"\r\n\r\n");
            out.writeBytes(part.content);
        }
        append(out, "\r\n--" + boundary + "--");
        var type =
                "multipart/related; boundary=\"%s\"; type=\"text/xml\"; start=\"<%s>\";"
                        + " start-info=\"text/xml\"";
        return new Body(type.formatted(boundary, messageId), out.toByteArray(), true);
    }

    private static void append(ByteArrayOutputStream out, String text) {
        out.writeBytes(text.getBytes(StandardCharsets.US_ASCII));
    }

    static Message read(String contentType, byte[] body) throws PeerException {
        if (!contentType.toLowerCase().startsWith("multipart/")) {
            return new Message(body, List.of());
        }
        var parts = parts(contentType, body);
        if (parts.isEmpty()) {
            throw PeerException.fault("the package has no part");
        }
        return new Message(parts.get(0).content, parts.subList(1, parts.size()));
    }

    private static List<Part> parts(String contentType, byte[] body) throws PeerException {
        var stream = new MimeTokenStream(MimeConfig.custom().setMaxLineLen(-1).build());
        stream.parseHeadless(new ByteArrayInputStream(body), contentType);
        var found = new ArrayList<Part>();
        var id = "";
        var type = "";
        try {
            for (var state = stream.getState();
                    state != EntityState.T_END_OF_STREAM;
                    state = stream.next()) {
                if (state == EntityState.T_FIELD
                        && stream.getField().getName().equalsIgnoreCase("Content-ID")) {
                    id = stream.getField().getBody().strip().replaceAll("^<|>$", "");
                } else if (state == EntityState.T_FIELD
                        && stream.getField().getName().equalsIgnoreCase("Content-Type")) {
                    type = stream.getField().getBody().strip();
                } else if (state == EntityState.T_BODY) {
                    found.add(new Part(id, type, stream.getDecodedInputStream().readAllBytes()));
                }
            }
        } catch (MimeException | IOException error) {
            throw PeerException.fault("the package cannot be read: " + error.getMessage());
        }
        return found;
    }
}
