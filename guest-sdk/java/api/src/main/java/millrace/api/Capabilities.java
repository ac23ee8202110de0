package millrace.api;

import java.util.List;
import java.util.Map;

/**
 * What an administrator can grant to a tenant's code. Using one that is not granted is a {@link CapabilityException} that
 * names it.
 */
public abstract class Capabilities {
    /** An HTTP answer. */
    public static final class HttpResponse {
        private final int status;
        private final Map<String, List<String>> headers;
        private final byte[] body;

        /** Status, headers by lower-case name, body. */
        public HttpResponse(int status, Map<String, List<String>> headers, byte[] body) {
            this.status = status;
            this.headers = headers;
            this.body = body;
        }

        /** 200 and so on. */
        public int status() {
            return status;
        }

        /** Headers by lower-case name. */
        public Map<String, List<String>> headers() {
            return headers;
        }

        /** The body. */
        public byte[] body() {
            return body;
        }

        /** The body as UTF-8 text. */
        public String text() {
            return new String(body, java.nio.charset.StandardCharsets.UTF_8);
        }
    }

    /** Something in a folder. */
    public static final class Entry {
        private final String name;
        private final boolean folder;
        private final long sizeBytes;

        /** Name, whether it is a folder, size. */
        public Entry(String name, boolean folder, long sizeBytes) {
            this.name = name;
            this.folder = folder;
            this.sizeBytes = sizeBytes;
        }

        /** Its name. */
        public String name() {
            return name;
        }

        /** Whether it is a folder. */
        public boolean isFolder() {
            return folder;
        }

        /** Size in bytes. */
        public long sizeBytes() {
            return sizeBytes;
        }
    }

    /** Capability {@code clock}: milliseconds since 1970-01-01 UTC. */
    public abstract long nowMs();

    /**
     * Capability {@code http}: sends a request to a granted host. Redirects are answered, not followed.
     *
     * @param body null for none
     */
    public abstract HttpResponse http(String method, String url, Map<String, String> headers, byte[] body, int timeoutMs);

    /** Capability {@code secrets}: a value by name. */
    public abstract String secret(String name);

    /** Capability {@code files}: what is in a folder. */
    public abstract List<Entry> list(String folder, String path);

    /** Capability {@code files}: at most {@code bytesMax} bytes from {@code offset}; fewer at the end. */
    public abstract byte[] read(String folder, String path, long offset, int bytesMax);

    /** Capability {@code files}: replaces a file, whole or not at all. */
    public abstract void write(String folder, String path, byte[] content);

    /** Capability {@code files}: appends to a file. */
    public abstract void append(String folder, String path, byte[] content);

    /** Capability {@code files}: renames within a folder, replacing {@code to}. */
    public abstract void rename(String folder, String from, String to);

    /** Capability {@code files}: removes a file. */
    public abstract void remove(String folder, String path);
}
