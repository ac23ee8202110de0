// The exports of the world `transform-operator`.
#include "exports.h"

EXPORT("transform", "open") int32_t transform_open(int32_t inputs, int32_t inputs_len) {
    return CALL(0, int32_t, (int32_t, int32_t))(inputs, inputs_len);
}
POST_RETURN("transform", "open")

EXPORT("transform", "process") int32_t transform_process(int32_t input, int32_t rows, int32_t has_kinds,
    int32_t kinds, int32_t kinds_len, int32_t columns, int32_t columns_len) {
    return CALL(1, int32_t, (int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t))(
        input, rows, has_kinds, kinds, kinds_len, columns, columns_len);
}
POST_RETURN("transform", "process")

EXPORT("transform", "watermark") int32_t transform_watermark(int64_t watermark_ms) {
    return CALL(2, int32_t, (int64_t))(watermark_ms);
}
POST_RETURN("transform", "watermark")

EXPORT("transform", "finish") int32_t transform_finish(void) {
    return CALL(3, int32_t, (void))();
}
POST_RETURN("transform", "finish")

EXPORT("transform", "snapshot") int32_t transform_snapshot(void) {
    return CALL(4, int32_t, (void))();
}
POST_RETURN("transform", "snapshot")

EXPORT("transform", "restore") int32_t transform_restore(int32_t states, int32_t states_len) {
    return CALL(5, int32_t, (int32_t, int32_t))(states, states_len);
}
POST_RETURN("transform", "restore")
