// The exports of the world `table-function`.
#include "exports.h"

EXPORT("table", "signatures") int32_t table_signatures(void) {
    return CALL(0, int32_t, (void))();
}
POST_RETURN("table", "signatures")

EXPORT("table", "open") int32_t table_open(int32_t signature, int32_t arguments) {
    return CALL(1, int32_t, (int32_t, int32_t))(signature, arguments);
}
POST_RETURN("table", "open")

EXPORT("table", "eval") int32_t table_eval(int32_t rows, int32_t has_kinds, int32_t kinds, int32_t kinds_len,
    int32_t columns, int32_t columns_len) {
    return CALL(2, int32_t, (int32_t, int32_t, int32_t, int32_t, int32_t, int32_t))(
        rows, has_kinds, kinds, kinds_len, columns, columns_len);
}
POST_RETURN("table", "eval")
