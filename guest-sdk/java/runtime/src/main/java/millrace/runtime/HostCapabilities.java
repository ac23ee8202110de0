package millrace.runtime;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import millrace.api.Capabilities;
import millrace.api.CapabilityException;
import millrace.runtime.Memory.Text;

/** What an administrator has granted, over the host's functions. */
final class HostCapabilities extends Capabilities {
    /** Throws if the `result` at an address is an error, whose text lies at `payload`. */
    private static void check(int result, int payload) {
        if (Memory.readByte(result) != 0) {
            throw new CapabilityException(Memory.stringAt(payload));
        }
    }

    @Override
    public long nowMs() {
        int ret = Memory.allocate(8, 16);
        Host.nowMs(ret);
        check(ret, ret + 8);
        return Memory.readLong(ret + 8);
    }

    @Override
    public HttpResponse http(String method, String url, Map<String, String> headers, byte[] body, int timeoutMs) {
        Text methodText = Memory.text(method);
        Text urlText = Memory.text(url);
        int count = headers == null ? 0 : headers.size();
        int list = Memory.allocate(4, count * 16);
        int at = list;
        if (headers != null) {
            for (Map.Entry<String, String> header : headers.entrySet()) {
                Memory.text(header.getKey()).writeTo(at);
                Memory.text(header.getValue()).writeTo(at + 8);
                at += 16;
            }
        }
        Text content = body == null ? new Text(0, 0) : Memory.text(body);
        // result<response, string>: status @4, headers @8, body @16
        int ret = Memory.allocate(4, 24);
        Host.httpSend(
            methodText.at, methodText.length, urlText.at, urlText.length, list, count, body == null ? 0 : 1, content.at,
            content.length, timeoutMs, ret);
        check(ret, ret + 4);
        int status = Memory.readInt(ret + 4) & 0xffff;
        return new HttpResponse(status, answeredHeaders(Memory.readInt(ret + 8), Memory.readInt(ret + 12)), Memory.bytesAt(ret + 16));
    }

    private static Map<String, List<String>> answeredHeaders(int at, int count) {
        Map<String, List<String>> headers = new LinkedHashMap<>();
        for (int i = 0; i < count; i++, at += 16) {
            String name = Memory.stringAt(at).toLowerCase(Locale.ROOT);
            headers.computeIfAbsent(name, unused -> new ArrayList<>()).add(Memory.stringAt(at + 8));
        }
        return headers;
    }

    @Override
    public String secret(String name) {
        Text text = Memory.text(name);
        int ret = Memory.allocate(4, 12);
        Host.secret(text.at, text.length, ret);
        check(ret, ret + 4);
        return Memory.stringAt(ret + 4);
    }

    @Override
    public List<Entry> list(String folder, String path) {
        Text folderText = Memory.text(folder);
        Text pathText = Memory.text(path);
        int ret = Memory.allocate(4, 12);
        Host.filesList(folderText.at, folderText.length, pathText.at, pathText.length, ret);
        check(ret, ret + 4);
        List<Entry> entries = new ArrayList<>();
        int at = Memory.readInt(ret + 4);
        // entry: name @0, is-folder @8, size-bytes @16
        for (int i = 0; i < Memory.readInt(ret + 8); i++, at += 24) {
            entries.add(new Entry(Memory.stringAt(at), Memory.readByte(at + 8) != 0, Memory.readLong(at + 16)));
        }
        return entries;
    }

    @Override
    public byte[] read(String folder, String path, long offset, int bytesMax) {
        Text folderText = Memory.text(folder);
        Text pathText = Memory.text(path);
        int ret = Memory.allocate(4, 12);
        Host.filesRead(folderText.at, folderText.length, pathText.at, pathText.length, offset, bytesMax, ret);
        check(ret, ret + 4);
        return Memory.bytesAt(ret + 4);
    }

    @Override
    public void write(String folder, String path, byte[] content) {
        Text folderText = Memory.text(folder);
        Text pathText = Memory.text(path);
        Text bytes = Memory.text(content);
        int ret = Memory.allocate(4, 12);
        Host.filesWrite(folderText.at, folderText.length, pathText.at, pathText.length, bytes.at, bytes.length, ret);
        check(ret, ret + 4);
    }

    @Override
    public void append(String folder, String path, byte[] content) {
        Text folderText = Memory.text(folder);
        Text pathText = Memory.text(path);
        Text bytes = Memory.text(content);
        int ret = Memory.allocate(4, 12);
        Host.filesAppend(folderText.at, folderText.length, pathText.at, pathText.length, bytes.at, bytes.length, ret);
        check(ret, ret + 4);
    }

    @Override
    public void rename(String folder, String from, String to) {
        Text folderText = Memory.text(folder);
        Text fromText = Memory.text(from);
        Text toText = Memory.text(to);
        int ret = Memory.allocate(4, 12);
        Host.filesRename(folderText.at, folderText.length, fromText.at, fromText.length, toText.at, toText.length, ret);
        check(ret, ret + 4);
    }

    @Override
    public void remove(String folder, String path) {
        Text folderText = Memory.text(folder);
        Text pathText = Memory.text(path);
        int ret = Memory.allocate(4, 12);
        Host.filesRemove(folderText.at, folderText.length, pathText.at, pathText.length, ret);
        check(ret, ret + 4);
    }
}
