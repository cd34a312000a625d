package interop;

/** Why a message cannot be taken: an ebXML error to send back or, without a code, a SOAP Fault. */
final class PeerException extends Exception {
    private static final long serialVersionUID = 1;

    final String code;
    final String location;

    private PeerException(String code, String location, String message) {
        super(message);
        this.code = code;
        this.location = location;
    }

    static PeerException fault(String message) {
        return new PeerException(null, null, message);
    }

    static PeerException error(String code, String location, String message) {
        return new PeerException(code, location, message);
    }
}
