// Values of a batch as JavaScript values, made when they are asked for.
#include <math.h>
#include <string.h>

#include "column.h"
#include "text.h"

makers_t makers;

static const int64_t SAFE_INTEGER_MAX = 9007199254740991;

static inline int32_t offset_at(const wit_column_t *in, uint32_t row) { return ((const int32_t *)in->first.data)[row]; }
static inline bool is_null(const wit_column_t *in, uint32_t row) {
  return in->validity.is_some && !(in->validity.value.data[row >> 3] >> (row & 7) & 1);
}

// Time units of a timestamp per second, as the contract counts them.
static int64_t units_per_second(uint8_t precision) { return precision <= 3 ? 1000 : precision <= 6 ? 1000000 : 1000000000; }

static JSValue bigint(JSContext *ctx, const column_t *column, int64_t value) {
  if (value <= SAFE_INTEGER_MAX && value >= -SAFE_INTEGER_MAX) return JS_NewInt64(ctx, value);
  if (column->scale) return JS_NewBigInt64(ctx, value);
  return JS_ThrowRangeError(ctx, "column `%s` holds %lld, which a JavaScript number cannot hold; export const bigint = true reads BIGINT as BigInt",
                            column->name, (long long)value);
}

static JSValue decimal(JSContext *ctx, const column_t *column, const uint64_t *words) {
  __int128 units = (__int128)((unsigned __int128)words[1] << 64 | words[0]);
  JSValue value;
  if (units == (int64_t)units) {
    value = JS_NewBigInt64(ctx, (int64_t)units);
  } else {
    char text[48];
    decimal_to_text(units, 0, text);
    JSValue global = JS_GetGlobalObject(ctx), make = JS_GetPropertyStr(ctx, global, "BigInt"), digits = JS_NewString(ctx, text);
    value = JS_Call(ctx, make, JS_UNDEFINED, 1, &digits);
    JS_FreeValue(ctx, digits), JS_FreeValue(ctx, make), JS_FreeValue(ctx, global);
  }
  JSValue decimal = JS_NewObjectProto(ctx, makers.decimal_prototype);
  JS_SetPropertyStr(ctx, decimal, "units", value);
  JS_SetPropertyStr(ctx, decimal, "scale", JS_NewInt32(ctx, column->scale));
  return decimal;
}

static JSValue timestamp(JSContext *ctx, const column_t *column, int64_t value) {
  int64_t per_ms = units_per_second(column->precision) / 1000;
  int64_t ms = value / per_ms, rest = value % per_ms;
  if (rest < 0) rest += per_ms, ms--;
  JSValue date = JS_NewDate(ctx, (double)ms);
  if (rest) JS_SetPropertyStr(ctx, date, "nanos", JS_NewInt64(ctx, rest * (1000000 / per_ms)));
  return date;
}

static JSValue array(JSContext *ctx, const column_t *column, uint32_t row) {
  JSValue array = JS_NewArray(ctx);
  int32_t first = offset_at(column->in, row), last = offset_at(column->in, row + 1);
  for (int32_t i = first; i < last; i++) {
    JSValue value = column_get(ctx, column->children[0], i);
    if (JS_IsException(value)) return JS_FreeValue(ctx, array), value;
    JS_DefinePropertyValueUint32(ctx, array, i - first, value, JS_PROP_C_W_E);
  }
  return array;
}

static JSValue map(JSContext *ctx, const column_t *column, uint32_t row) {
  JSValue global = JS_GetGlobalObject(ctx), make = JS_GetPropertyStr(ctx, global, "Map");
  JSValue map = JS_CallConstructor(ctx, make, 0, NULL), set = JS_GetPropertyStr(ctx, map, "set");
  JS_FreeValue(ctx, make), JS_FreeValue(ctx, global);
  for (int32_t i = offset_at(column->in, row), last = offset_at(column->in, row + 1); i < last; i++) {
    JSValue pair[] = {column_get(ctx, column->children[0], i), column_get(ctx, column->children[1], i)};
    JSValue done = JS_Call(ctx, set, map, 2, pair);
    JS_FreeValue(ctx, pair[0]), JS_FreeValue(ctx, pair[1]), JS_FreeValue(ctx, done);
    if (JS_IsException(done) || JS_IsException(pair[0]) || JS_IsException(pair[1])) {
      JS_FreeValue(ctx, set), JS_FreeValue(ctx, map);
      return JS_EXCEPTION;
    }
  }
  JS_FreeValue(ctx, set);
  return map;
}

static JSValue object(JSContext *ctx, const column_t *column, uint32_t row) {
  JSValue object = JS_NewObject(ctx);
  for (uint32_t i = 0; i < column->child_count; i++) {
    JSValue value = column_get(ctx, column->children[i], row);
    if (JS_IsException(value)) return JS_FreeValue(ctx, object), value;
    JS_DefinePropertyValue(ctx, object, column->children[i]->atom, value, JS_PROP_C_W_E);
  }
  return object;
}

JSValue column_get(JSContext *ctx, const column_t *column, uint32_t row) {
  const wit_column_t *in = column->in;
  if (is_null(in, row)) return JS_NULL;
  const void *data = in->first.data;
  char text[48];
  switch (column->type) {
    case T_BOOLEAN: return JS_NewBool(ctx, in->first.data[row >> 3] >> (row & 7) & 1);
    case T_TINYINT: return JS_NewInt32(ctx, ((const int8_t *)data)[row]);
    case T_SMALLINT: return JS_NewInt32(ctx, ((const int16_t *)data)[row]);
    case T_INT: return JS_NewInt32(ctx, ((const int32_t *)data)[row]);
    case T_BIGINT: return bigint(ctx, column, ((const int64_t *)data)[row]);
    case T_FLOAT: return JS_NewFloat64(ctx, ((const float *)data)[row]);
    case T_DOUBLE: return JS_NewFloat64(ctx, ((const double *)data)[row]);
    case T_DECIMAL: return decimal(ctx, column, (const uint64_t *)data + 2 * row);
    case T_UTF8: {
      int32_t start = offset_at(in, row);
      return JS_NewStringLen(ctx, (const char *)in->second.data + start, offset_at(in, row + 1) - start);
    }
    case T_BYTES: {
      int32_t start = offset_at(in, row);
      return JS_NewUint8ArrayCopy(ctx, in->second.data + start, offset_at(in, row + 1) - start);
    }
    case T_DATE: return JS_NewStringLen(ctx, text, date_to_text(((const int32_t *)data)[row], text));
    case T_TIME: {
      int64_t ns = column->precision <= 3 ? (int64_t)((const int32_t *)data)[row] * 1000000 : ((const int64_t *)data)[row];
      return JS_NewStringLen(ctx, text, time_to_text(ns, column->precision, text));
    }
    case T_TIMESTAMP:
    case T_TIMESTAMP_LTZ: return timestamp(ctx, column, ((const int64_t *)data)[row]);
    case T_ARRAY: return array(ctx, column, row);
    case T_MAP: return map(ctx, column, row);
    case T_ROW: return object(ctx, column, row);
  }
  return JS_ThrowInternalError(ctx, "column `%s` has an unknown type", column->name);
}
