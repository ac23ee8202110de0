// The exports of the world `sink-operator`.
#include "exports.h"

EXPORT("sink", "accepts-changes") int32_t sink_accepts_changes(void) {
    return CALL(0, int32_t, (void))();
}
POST_RETURN("sink", "accepts-changes")

EXPORT("sink", "open") int32_t sink_open(int32_t fields, int32_t fields_len, int32_t subtask, int32_t parallelism,
    int32_t restored, int32_t restored_len) {
    return CALL(1, int32_t, (int32_t, int32_t, int32_t, int32_t, int32_t, int32_t))(
        fields, fields_len, subtask, parallelism, restored, restored_len);
}
POST_RETURN("sink", "open")

EXPORT("sink", "write") int32_t sink_write(int32_t rows, int32_t has_kinds, int32_t kinds, int32_t kinds_len,
    int32_t columns, int32_t columns_len) {
    return CALL(2, int32_t, (int32_t, int32_t, int32_t, int32_t, int32_t, int32_t))(
        rows, has_kinds, kinds, kinds_len, columns, columns_len);
}
POST_RETURN("sink", "write")

EXPORT("sink", "prepare") int32_t sink_prepare(int64_t checkpoint) {
    return CALL(3, int32_t, (int64_t))(checkpoint);
}
POST_RETURN("sink", "prepare")

EXPORT("sink", "commit") int32_t sink_commit(int64_t checkpoint) {
    return CALL(4, int32_t, (int64_t))(checkpoint);
}
POST_RETURN("sink", "commit")
