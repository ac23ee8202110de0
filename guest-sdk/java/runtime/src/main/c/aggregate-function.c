// The exports of the world `aggregate-function`.
#include "exports.h"

EXPORT("aggregate", "signatures") int32_t aggregate_signatures(void) {
    return CALL(0, int32_t, (void))();
}
POST_RETURN("aggregate", "signatures")

EXPORT("aggregate", "open") int32_t aggregate_open(int32_t signature, int32_t arguments) {
    return CALL(1, int32_t, (int32_t, int32_t))(signature, arguments);
}
POST_RETURN("aggregate", "open")

EXPORT("aggregate", "update") int32_t aggregate_update(int32_t groups, int32_t groups_len, int32_t has_retract,
    int32_t retract, int32_t retract_len, int32_t rows, int32_t has_kinds, int32_t kinds, int32_t kinds_len,
    int32_t columns, int32_t columns_len) {
    return CALL(2, int32_t,
        (int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t))(
        groups, groups_len, has_retract, retract, retract_len, rows, has_kinds, kinds, kinds_len, columns, columns_len);
}
POST_RETURN("aggregate", "update")

EXPORT("aggregate", "values") int32_t aggregate_values(int32_t groups, int32_t groups_len) {
    return CALL(3, int32_t, (int32_t, int32_t))(groups, groups_len);
}
POST_RETURN("aggregate", "values")

EXPORT("aggregate", "export-states") int32_t aggregate_export_states(int32_t groups, int32_t groups_len) {
    return CALL(4, int32_t, (int32_t, int32_t))(groups, groups_len);
}
POST_RETURN("aggregate", "export-states")

EXPORT("aggregate", "import-states") int32_t aggregate_import_states(int32_t groups, int32_t groups_len, int32_t offsets,
    int32_t offsets_len, int32_t data, int32_t data_len) {
    return CALL(5, int32_t, (int32_t, int32_t, int32_t, int32_t, int32_t, int32_t))(
        groups, groups_len, offsets, offsets_len, data, data_len);
}
POST_RETURN("aggregate", "import-states")

EXPORT("aggregate", "clear") int32_t aggregate_clear(int32_t groups, int32_t groups_len) {
    return CALL(6, int32_t, (int32_t, int32_t))(groups, groups_len);
}
POST_RETURN("aggregate", "clear")
