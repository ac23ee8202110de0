// The exports of the world `etl-operator`.
#include "exports.h"

EXPORT("etl", "open") int32_t etl_open(int32_t fields, int32_t fields_len) {
    return CALL(0, int32_t, (int32_t, int32_t))(fields, fields_len);
}
POST_RETURN("etl", "open")

EXPORT("etl", "process") int32_t etl_process(int32_t rows, int32_t has_kinds, int32_t kinds, int32_t kinds_len,
    int32_t columns, int32_t columns_len) {
    return CALL(1, int32_t, (int32_t, int32_t, int32_t, int32_t, int32_t, int32_t))(
        rows, has_kinds, kinds, kinds_len, columns, columns_len);
}
POST_RETURN("etl", "process")
