// Dimension tables of the job, and what an administrator has granted: HTTP and secrets.
//
// Invariant: what the host refuses is an exception with the host's words.
#include <stdlib.h>
#include <string.h>

#include "core.h"

enum { TABLES_MAX = 64 };

// Dimension tables that the plugin has asked for, by number.
static struct { char *name; columns_t keys, values; } tables[TABLES_MAX];
static uint32_t table_count;

static JSValue refused(bytes_t reason) { return JS_ThrowPlainError(ctx, "%.*s", (int)reason.length, (const char *)reason.data); }

static bool read_schema(columns_t *columns, const wit_schema_t *schema) {
  JSValue fields = columns_to_js(ctx, schema);
  bool read = columns_from_js(ctx, columns, fields);
  JS_FreeValue(ctx, fields);
  return read;
}

// The number of the table of a name.
static JSValue native_dimension(JSContext *ctx, JSValueConst this, int count, JSValueConst *values) {
  const char *name = JS_ToCString(ctx, values[0]);
  if (!name) return JS_EXCEPTION;
  if (table_count == TABLES_MAX) return JS_FreeCString(ctx, name), JS_ThrowRangeError(ctx, "a plugin reads at most 64 dimension tables");
  wit_dimension_t answer = {0};
  host_dimension_schema(name, strlen(name), &answer);
  char *kept = strdup(name);
  JS_FreeCString(ctx, name);
  if (answer.is_error) return free(kept), refused(answer.value.reason);
  if (!kept || !read_schema(&tables[table_count].keys, &answer.value.columns.key) ||
      !read_schema(&tables[table_count].values, &answer.value.columns.value))
    return free(kept), JS_EXCEPTION;
  tables[table_count].name = kept;
  return JS_NewUint32(ctx, table_count++);
}

// Adds the key columns of one look-up.
static int add_key(uint32_t table, JSValueConst key) {
  const columns_t *keys = &tables[table].keys;
  int64_t length;
  if (JS_GetLength(ctx, key, &length) < 0) return -1;
  if (length != keys->top_count) {
    JS_ThrowTypeError(ctx, "dimension table `%s` has %u key columns, found %u values", tables[table].name, keys->top_count, (unsigned)length);
    return -1;
  }
  for (uint32_t i = 0; i < keys->top_count; i++) {
    JSValue part = JS_GetPropertyUint32(ctx, key, i);
    int failed = JS_IsException(part) ? -1 : column_add(ctx, keys->top[i], part);
    JS_FreeValue(ctx, part);
    if (failed) return -1;
  }
  return 0;
}

// A row of the answer; null if it has no value at all.
static JSValue found_row(const columns_t *values, uint32_t row) {
  JSValue object = JS_NewObject(ctx);
  bool found = false;
  for (uint32_t i = 0; i < values->top_count; i++) {
    JSValue value = column_get(ctx, values->top[i], row);
    if (JS_IsException(value)) return JS_FreeValue(ctx, object), value;
    found |= !JS_IsNull(value);
    JS_DefinePropertyValue(ctx, object, values->atoms[i], value, JS_PROP_C_W_E);
  }
  if (found) return object;
  return JS_FreeValue(ctx, object), JS_NULL;
}

static JSValue native_lookup(JSContext *ctx, JSValueConst this, int count, JSValueConst *values) {
  uint32_t table = TABLES_MAX;
  int64_t rows;
  if (JS_ToUint32(ctx, &table, values[0]) < 0 || JS_GetLength(ctx, values[1], &rows) < 0) return JS_EXCEPTION;
  if (table >= table_count) return JS_ThrowRangeError(ctx, "there is no such dimension table");
  columns_t *keys = &tables[table].keys;
  columns_clear(keys);
  for (int64_t row = 0; row < rows; row++) {
    JSValue key = JS_GetPropertyInt64(ctx, values[1], row);
    int failed = JS_IsException(key) ? -1 : add_key(table, key);
    JS_FreeValue(ctx, key);
    if (failed) return JS_EXCEPTION;
  }
  wit_column_t *written = malloc((keys->flat_count + 1) * sizeof *written);
  if (!written) return JS_ThrowOutOfMemory(ctx);
  columns_finish(keys, written);
  wit_lookup_t answer = {0};
  host_dimension_lookup(tables[table].name, strlen(tables[table].name), rows, 0, (const uint8_t *)16, 0, written, keys->flat_count, &answer);
  free(written);
  if (answer.is_error) return refused(answer.value.reason);
  if (answer.value.rows.rows != rows || !columns_read(&tables[table].values, &answer.value.rows.columns))
    return JS_ThrowInternalError(ctx, "the host's answer does not fit the dimension table");
  JSValue found = JS_NewArray(ctx);
  for (int64_t row = 0; row < rows; row++) {
    JSValue object = found_row(&tables[table].values, row);
    if (JS_IsException(object)) return JS_FreeValue(ctx, found), object;
    JS_DefinePropertyValueUint32(ctx, found, row, object, JS_PROP_C_W_E);
  }
  return found;
}

// Texts of an array as pairs of name and value; they live until the call has returned.
static bool read_headers(JSValueConst texts, wit_headers_t *headers) {
  int64_t length;
  if (JS_GetLength(ctx, texts, &length) < 0) return false;
  bytes_t *into = cabi_realloc(NULL, 0, 4, (length + 1) * sizeof *into);
  for (int64_t i = 0; i < length; i++) {
    JSValue value = JS_GetPropertyInt64(ctx, texts, i);
    size_t bytes;
    const char *text = JS_ToCStringLen(ctx, &bytes, value);
    JS_FreeValue(ctx, value);
    if (!text) return false;
    uint8_t *kept = cabi_realloc(NULL, 0, 1, bytes);
    if (bytes) memcpy(kept, text, bytes);
    JS_FreeCString(ctx, text);
    into[i] = (bytes_t){kept, bytes};
  }
  *headers = (wit_headers_t){(const wit_header_t *)into, length / 2};
  return true;
}

static JSValue text_of(bytes_t bytes) { return JS_NewStringLen(ctx, (const char *)bytes.data, bytes.length); }

static JSValue response(const wit_response_t *answer) {
  JSValue object = JS_NewObject(ctx), headers = JS_NewArray(ctx);
  for (uint32_t i = 0; i < answer->headers.length; i++) {
    JS_DefinePropertyValueUint32(ctx, headers, i * 2, text_of(answer->headers.headers[i].name), JS_PROP_C_W_E);
    JS_DefinePropertyValueUint32(ctx, headers, i * 2 + 1, text_of(answer->headers.headers[i].value), JS_PROP_C_W_E);
  }
  JS_SetPropertyStr(ctx, object, "status", JS_NewUint32(ctx, answer->status));
  JS_SetPropertyStr(ctx, object, "headers", headers);
  JS_SetPropertyStr(ctx, object, "body", JS_NewUint8ArrayCopy(ctx, answer->body.data, answer->body.length));
  return object;
}

// Method, URL, headers, body (text, bytes or nothing), milliseconds.
static JSValue native_http(JSContext *ctx, JSValueConst this, int count, JSValueConst *values) {
  wit_headers_t headers;
  uint32_t timeout_ms;
  size_t method_length, url_length, body_length = 0;
  if (!read_headers(values[2], &headers) || JS_ToUint32(ctx, &timeout_ms, values[4]) < 0) return JS_EXCEPTION;
  const uint8_t *bytes = NULL;
  const char *text = NULL;
  if (JS_IsString(values[3])) {
    text = JS_ToCStringLen(ctx, &body_length, values[3]);
    bytes = (const uint8_t *)text;
  } else if (!JS_IsUndefined(values[3]) && !JS_IsNull(values[3])) {
    bytes = JS_GetUint8Array(ctx, &body_length, values[3]);
    if (!bytes) return JS_EXCEPTION;
  }
  wit_http_t answer = {0};
  const char *method = JS_ToCStringLen(ctx, &method_length, values[0]), *url = JS_ToCStringLen(ctx, &url_length, values[1]);
  if (method && url)
    http_send(method, method_length, url, url_length, headers.headers, headers.length, bytes != NULL, bytes ? bytes : (const uint8_t *)16,
              body_length, timeout_ms, &answer);
  bool asked = method && url;
  JS_FreeCString(ctx, method), JS_FreeCString(ctx, url), JS_FreeCString(ctx, text);
  if (!asked) return JS_EXCEPTION;
  return answer.is_error ? refused(answer.value.reason) : response(&answer.value.response);
}

static JSValue native_secret(JSContext *ctx, JSValueConst this, int count, JSValueConst *values) {
  size_t length;
  const char *name = JS_ToCStringLen(ctx, &length, values[0]);
  if (!name) return JS_EXCEPTION;
  wit_secret_t answer = {0};
  secrets_get(name, length, &answer);
  JS_FreeCString(ctx, name);
  return answer.is_error ? refused(answer.value.reason) : text_of(answer.value.secret);
}

void add_capabilities(JSValueConst host) {
  static const struct { const char *name; JSCFunction *function; int length; } FUNCTIONS[] = {
      {"dimension", native_dimension, 1}, {"lookup", native_lookup, 2}, {"http", native_http, 5}, {"secret", native_secret, 1}};
  for (size_t i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++)
    JS_SetPropertyStr(ctx, host, FUNCTIONS[i].name, JS_NewCFunction(ctx, FUNCTIONS[i].function, FUNCTIONS[i].name, FUNCTIONS[i].length));
}
