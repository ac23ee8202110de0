// The exports of the world `source-operator`.
#include "exports.h"

EXPORT("source", "describe") int32_t source_describe(void) {
    return CALL(0, int32_t, (void))();
}
POST_RETURN("source", "describe")

EXPORT("source", "open") int32_t source_open(int32_t subtask, int32_t parallelism, int32_t restored,
    int32_t restored_len) {
    return CALL(1, int32_t, (int32_t, int32_t, int32_t, int32_t))(
        subtask, parallelism, restored, restored_len);
}
POST_RETURN("source", "open")

EXPORT("source", "poll") int32_t source_poll(int32_t rows_max) {
    return CALL(2, int32_t, (int32_t))(rows_max);
}
POST_RETURN("source", "poll")

EXPORT("source", "position") int32_t source_position(void) {
    return CALL(3, int32_t, (void))();
}
POST_RETURN("source", "position")

EXPORT("source", "committed") int32_t source_committed(int64_t checkpoint) {
    return CALL(4, int32_t, (int64_t))(checkpoint);
}
POST_RETURN("source", "committed")
