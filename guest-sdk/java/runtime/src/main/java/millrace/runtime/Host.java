package millrace.runtime;

import org.teavm.interop.Import;
import org.teavm.interop.Unmanaged;
import org.teavm.interop.c.Include;

/** Functions of the host, as the canonical ABI flattens them: text is address and length, `ret` an address for the answer. */
@Include("millrace.h")
final class Host {
    private Host() {}

    @Import(name = "millrace_host_log")
    @Unmanaged
    static native void log(int level, int message, int messageLength);

    @Import(name = "millrace_host_parameter")
    @Unmanaged
    static native void parameter(int name, int nameLength, int ret);

    @Import(name = "millrace_host_counter_add")
    @Unmanaged
    static native void counterAdd(int name, int nameLength, long delta);

    @Import(name = "millrace_host_dimension_lookup")
    @Unmanaged
    static native void dimensionLookup(
        int table, int tableLength, int rows, int hasKinds, int kinds, int kindsLength, int columns, int columnCount, int ret);

    @Import(name = "millrace_host_dimension_schema")
    @Unmanaged
    static native void dimensionSchema(int table, int tableLength, int ret);

    @Import(name = "millrace_host_reject_row")
    @Unmanaged
    static native int rejectRow(int row, int message, int messageLength);

    @Import(name = "millrace_host_random_seed")
    @Unmanaged
    static native long randomSeed();

    @Import(name = "millrace_clock_now_ms")
    @Unmanaged
    static native void nowMs(int ret);

    @Import(name = "millrace_http_send")
    @Unmanaged
    static native void httpSend(
        int method, int methodLength, int url, int urlLength, int headers, int headerCount, int hasBody, int body,
        int bodyLength, int timeoutMs, int ret);

    @Import(name = "millrace_secrets_get")
    @Unmanaged
    static native void secret(int name, int nameLength, int ret);

    @Import(name = "millrace_files_list")
    @Unmanaged
    static native void filesList(int folder, int folderLength, int path, int pathLength, int ret);

    @Import(name = "millrace_files_read")
    @Unmanaged
    static native void filesRead(int folder, int folderLength, int path, int pathLength, long offset, int bytesMax, int ret);

    @Import(name = "millrace_files_write")
    @Unmanaged
    static native void filesWrite(
        int folder, int folderLength, int path, int pathLength, int content, int contentLength, int ret);

    @Import(name = "millrace_files_append")
    @Unmanaged
    static native void filesAppend(
        int folder, int folderLength, int path, int pathLength, int content, int contentLength, int ret);

    @Import(name = "millrace_files_rename")
    @Unmanaged
    static native void filesRename(int folder, int folderLength, int from, int fromLength, int to, int toLength, int ret);

    @Import(name = "millrace_files_remove")
    @Unmanaged
    static native void filesRemove(int folder, int folderLength, int path, int pathLength, int ret);
}
