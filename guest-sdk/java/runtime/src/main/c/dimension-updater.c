// The exports of the world `dimension-updater`.
#include "exports.h"

EXPORT("dimension", "open") int32_t dimension_open(void) {
    return CALL(0, int32_t, (void))();
}
POST_RETURN("dimension", "open")

EXPORT("dimension", "load-page") int32_t dimension_load_page(int32_t has_cursor, int32_t cursor, int32_t cursor_len) {
    return CALL(1, int32_t, (int32_t, int32_t, int32_t))(has_cursor, cursor, cursor_len);
}
POST_RETURN("dimension", "load-page")

EXPORT("dimension", "load") int32_t dimension_load(int32_t rows, int32_t has_kinds, int32_t kinds,
    int32_t kinds_len, int32_t columns, int32_t columns_len) {
    return CALL(2, int32_t, (int32_t, int32_t, int32_t, int32_t, int32_t, int32_t))(
        rows, has_kinds, kinds, kinds_len, columns, columns_len);
}
POST_RETURN("dimension", "load")
