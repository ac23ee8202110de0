package millrace.api;

/** A capability is not granted, or using it failed. */
public class CapabilityException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** With the host's message. */
    public CapabilityException(String message) {
        super(message);
    }
}
