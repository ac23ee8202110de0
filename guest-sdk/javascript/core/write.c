// JavaScript values as values of columns.
//
// Invariant: a value that does not fit is an exception that names the column, what it expects and what was found;
// `column_truncate` then takes back what the row had written so far.
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "column.h"
#include "text.h"

static const char *const NAMES[] = {"BOOLEAN", "TINYINT", "SMALLINT", "INT",  "BIGINT", "FLOAT",     "DOUBLE",        "DECIMAL", "STRING",
                                    "BYTES",   "DATE",    "TIME",     "TIMESTAMP", "TIMESTAMP_LTZ", "ARRAY",  "MAP",       "ROW"};

void *buffer_grow(buffer_t *buffer, uint32_t length) {
  uint64_t wanted = (uint64_t)buffer->length + length;
  if (wanted > buffer->capacity) {
    uint64_t capacity = buffer->capacity ? (uint64_t)buffer->capacity * 2 : 256;
    if (capacity < wanted) capacity = wanted;
    void *data = capacity > INT_MAX ? NULL : realloc(buffer->data, capacity);
    // A larger step may fail where what is needed does not.
    if (!data && wanted <= INT_MAX) data = realloc(buffer->data, capacity = wanted);
    if (!data) __builtin_trap();
    buffer->data = data, buffer->capacity = capacity;
  }
  void *place = buffer->data + buffer->length;
  buffer->length = wanted;
  return place;
}

void buffer_add(buffer_t *buffer, const void *data, uint32_t length) {
  if (length) memcpy(buffer_grow(buffer, length), data, length);
}

void bits_add(buffer_t *buffer, uint32_t index, bool value) {
  while (buffer->length <= index >> 3) *(uint8_t *)buffer_grow(buffer, 1) = 0;
  uint8_t *byte = &buffer->data[index >> 3], bit = 1 << (index & 7);
  *byte = value ? *byte | bit : *byte & ~bit;
}

static uint32_t width(const column_t *column) {
  switch (column->type) {
    case T_TINYINT: return 1;
    case T_SMALLINT: return 2;
    case T_INT: case T_FLOAT: case T_DATE: return 4;
    case T_TIME: return column->precision <= 3 ? 4 : 8;
    case T_BIGINT: case T_DOUBLE: case T_TIMESTAMP: case T_TIMESTAMP_LTZ: return 8;
    case T_DECIMAL: return 16;
    default: return 0;
  }
}

static bool has_offsets(const column_t *column) {
  return column->type == T_UTF8 || column->type == T_BYTES || column->type == T_ARRAY || column->type == T_MAP;
}

static void open_offsets(column_t *column) {
  if (!column->offsets.length) *(int32_t *)buffer_grow(&column->offsets, 4) = 0;
}

static void close_value(column_t *column, bool valid) {
  if (has_offsets(column)) {
    bool nested = column->type == T_ARRAY || column->type == T_MAP;
    *(int32_t *)buffer_grow(&column->offsets, 4) = nested ? (int32_t)column->children[0]->rows : (int32_t)column->values.length;
  }
  if (!valid && !column->nulls) {
    // The first null: everything before is valid.
    uint32_t bytes = column->rows / 8 + 1;
    column->validity.length = 0;
    memset(buffer_grow(&column->validity, bytes), 0xff, bytes);
  }
  column->nulls += !valid;
  if (column->nulls) bits_add(&column->validity, column->rows, valid);
  column->rows++;
}

void column_add_null(column_t *column) {
  if (has_offsets(column)) open_offsets(column);
  else if (column->type == T_BOOLEAN) bits_add(&column->values, column->rows, false);
  else if (width(column)) memset(buffer_grow(&column->values, width(column)), 0, width(column));
  if (column->type == T_ROW)
    for (uint32_t i = 0; i < column->child_count; i++) column_add_null(column->children[i]);
  close_value(column, false);
}

void column_truncate(column_t *column, uint32_t rows) {
  if (rows >= column->rows) return;
  if (column->nulls)
    for (uint32_t row = rows; row < column->rows; row++) column->nulls -= !(column->validity.data[row >> 3] >> (row & 7) & 1);
  if (has_offsets(column)) {
    int32_t end = ((int32_t *)column->offsets.data)[rows];
    column->offsets.length = (rows + 1) * 4;
    if (column->type == T_UTF8 || column->type == T_BYTES) column->values.length = end;
    else for (uint32_t i = 0; i < column->child_count; i++) column_truncate(column->children[i], end);
  } else if (column->type == T_ROW) {
    for (uint32_t i = 0; i < column->child_count; i++) column_truncate(column->children[i], rows);
  } else {
    column->values.length = column->type == T_BOOLEAN ? (rows + 7) / 8 : rows * width(column);
  }
  column->validity.length = column->nulls ? (rows + 7) / 8 : 0;
  column->rows = rows;
}

static int refuse(JSContext *ctx, const column_t *column, JSValueConst value) {
  const char *kind = JS_IsNull(value) || JS_IsUndefined(value) ? "no value" : JS_IsString(value) ? "the string " : JS_IsNumber(value) ? "the number "
    : JS_IsBool(value) ? "the boolean " : JS_IsBigInt(value) ? "the BigInt " : JS_IsArray(value) ? "an array" : JS_IsFunction(ctx, value) ? "a function" : "an object";
  const char *text = kind[strlen(kind) - 1] == ' ' ? JS_ToCString(ctx, value) : NULL;
  JS_ThrowTypeError(ctx, "column `%s` expects %s, found %s%.80s", column->name, NAMES[column->type], kind, text ? text : "");
  JS_FreeCString(ctx, text);
  return -1;
}

static int add_integer(JSContext *ctx, column_t *column, JSValueConst value) {
  int64_t integer;
  if (JS_VALUE_GET_TAG(value) == JS_TAG_INT) {
    integer = JS_VALUE_GET_INT(value);
  } else if (JS_IsNumber(value)) {
    double number = JS_VALUE_GET_FLOAT64(value);
    if (!(number >= -9223372036854775808.0 && number < 9223372036854775808.0) || number != trunc(number)) return refuse(ctx, column, value);
    integer = (int64_t)number;
  } else if (JS_IsBigInt(value)) {
    if (JS_ToBigInt64(ctx, &integer, value) < 0) return -1;
    // The conversion wraps: what comes back must be what went in.
    JSValue back = JS_NewBigInt64(ctx, integer);
    bool same = JS_IsStrictEqual(ctx, back, value);
    JS_FreeValue(ctx, back);
    if (!same) return refuse(ctx, column, value);
  } else {
    return refuse(ctx, column, value);
  }
  int64_t max = column->type == T_TINYINT ? INT8_MAX : column->type == T_SMALLINT ? INT16_MAX : column->type == T_INT ? INT32_MAX : INT64_MAX;
  if (integer > max || integer < -max - 1) return refuse(ctx, column, value);
  // Little endian: the low bytes come first.
  buffer_add(&column->values, &integer, width(column));
  return 0;
}

static int add_float(JSContext *ctx, column_t *column, JSValueConst value) {
  double number;
  if (!JS_IsNumber(value) && !JS_IsObject(value)) return refuse(ctx, column, value);
  if (JS_ToFloat64(ctx, &number, value) < 0) return -1;
  if (JS_IsObject(value) && isnan(number)) return refuse(ctx, column, value);
  if (column->type == T_DOUBLE) {
    buffer_add(&column->values, &number, 8);
  } else {
    float single = (float)number;
    buffer_add(&column->values, &single, 4);
  }
  return 0;
}

static int add_decimal(JSContext *ctx, column_t *column, JSValueConst value) {
  if (JS_IsBool(value) || JS_IsArray(value)) return refuse(ctx, column, value);
  const char *text = JS_ToCString(ctx, value);
  if (!text) return -1;
  __int128 units;
  bool fits = decimal_from_text(text, column->precision, column->scale, &units);
  if (fits) buffer_add(&column->values, &units, 16);
  else JS_ThrowRangeError(ctx, "column `%s` expects DECIMAL(%d, %d), found %.80s", column->name, column->precision, column->scale, text);
  JS_FreeCString(ctx, text);
  return fits ? 0 : -1;
}

// Lone surrogates are no UTF-8: each becomes U+FFFD, which is as long.
static void replace_surrogates(uint8_t *text, uint32_t length) {
  for (uint8_t *at = text, *end = text + length; (at = memchr(at, 0xed, end - at)) && end - at >= 3; at += 1)
    if (at[1] >= 0xa0) at[0] = 0xef, at[1] = 0xbf, at[2] = 0xbd;
}

static int add_text(JSContext *ctx, column_t *column, JSValueConst value) {
  if (JS_IsObject(value)) {
    // Objects that say how they look as text (Decimal, Date) are meant; `[object Object]` never is.
    JSValue prototype = JS_GetPrototype(ctx, value);
    bool plain = !JS_IsDate(value) && !(JS_IsObject(prototype) && JS_VALUE_GET_PTR(prototype) == JS_VALUE_GET_PTR(makers.decimal_prototype));
    JS_FreeValue(ctx, prototype);
    if (plain) return refuse(ctx, column, value);
  }
  size_t length;
  const char *text;
  if (JS_IsDate(value)) {
    static JSAtom to_iso_string;
    if (!to_iso_string) to_iso_string = JS_NewAtom(ctx, "toISOString");
    JSValue iso = JS_Invoke(ctx, value, to_iso_string, 0, NULL);
    text = JS_IsException(iso) ? NULL : JS_ToCStringLen(ctx, &length, iso);
    JS_FreeValue(ctx, iso);
  } else {
    text = JS_ToCStringLen(ctx, &length, value);
  }
  if (!text) return -1;
  open_offsets(column);
  uint32_t start = column->values.length;
  buffer_add(&column->values, text, length);
  replace_surrogates(column->values.data + start, length);
  JS_FreeCString(ctx, text);
  return 0;
}

static int add_bytes(JSContext *ctx, column_t *column, JSValueConst value) {
  size_t length;
  uint8_t *bytes = JS_GetTypedArrayType(value) >= 0 ? JS_GetUint8Array(ctx, &length, value) : NULL;
  if (!bytes && JS_IsArrayBuffer(value)) bytes = JS_GetArrayBuffer(ctx, &length, value);
  if (!bytes) {
    JS_FreeValue(ctx, JS_GetException(ctx));
    return refuse(ctx, column, value);
  }
  open_offsets(column);
  buffer_add(&column->values, bytes, length);
  return 0;
}

static int add_date(JSContext *ctx, column_t *column, JSValueConst value) {
  int32_t days;
  if (JS_IsDate(value)) {
    double ms;
    if (JS_ToFloat64(ctx, &ms, value) < 0) return -1;
    if (isnan(ms)) return refuse(ctx, column, value);
    days = (int32_t)floor(ms / 86400000.0);
  } else {
    const char *text = JS_IsString(value) ? JS_ToCString(ctx, value) : NULL;
    bool fits = text && date_from_text(text, &days);
    JS_FreeCString(ctx, text);
    if (!fits) return refuse(ctx, column, value);
  }
  buffer_add(&column->values, &days, 4);
  return 0;
}

static int add_time(JSContext *ctx, column_t *column, JSValueConst value) {
  int64_t ns;
  const char *text = JS_IsString(value) ? JS_ToCString(ctx, value) : NULL;
  bool fits = text && time_from_text(text, &ns);
  JS_FreeCString(ctx, text);
  if (!fits) return refuse(ctx, column, value);
  int64_t step = 1000000000;
  for (int i = 0; i < column->precision; i++) step /= 10;
  ns -= ns % step;
  if (column->precision <= 3) ns /= 1000000;
  buffer_add(&column->values, &ns, width(column));
  return 0;
}

static int add_timestamp(JSContext *ctx, column_t *column, JSValueConst value) {
  double ms;
  int64_t nanos = 0;
  if (JS_IsString(value)) {
    JSValue parsed = JS_Call(ctx, makers.date_parse, JS_UNDEFINED, 1, &value);
    int failed = JS_ToFloat64(ctx, &ms, parsed);
    JS_FreeValue(ctx, parsed);
    if (failed) return -1;
  } else if (JS_IsDate(value) || JS_IsNumber(value)) {
    if (JS_ToFloat64(ctx, &ms, value) < 0) return -1;
    if (JS_IsDate(value) && column->precision > 3) {
      JSValue below = JS_GetPropertyStr(ctx, value, "nanos");
      if (JS_IsNumber(below)) JS_ToInt64(ctx, &nanos, below);
      JS_FreeValue(ctx, below);
    }
  } else {
    return refuse(ctx, column, value);
  }
  // 1e17 ms are beyond what any unit of the contract holds.
  if (!(fabs(ms) < 1e17)) return refuse(ctx, column, value);
  int64_t whole = (int64_t)floor(ms), units, per_ms = column->precision <= 3 ? 1 : column->precision <= 6 ? 1000 : 1000000;
  if (__builtin_mul_overflow(whole, per_ms, &units)) return refuse(ctx, column, value);
  if (nanos > 0 && nanos < 1000000) units += nanos / (1000000 / per_ms);
  int64_t step = 1, digits = column->precision <= 3 ? 3 : column->precision <= 6 ? 6 : 9;
  for (int i = column->precision; i < digits; i++) step *= 10;
  int64_t rest = units % step;
  units -= rest < 0 ? rest + step : rest;
  buffer_add(&column->values, &units, 8);
  return 0;
}

static int add_array(JSContext *ctx, column_t *column, JSValueConst value) {
  int64_t length;
  if (!JS_IsArray(value)) return refuse(ctx, column, value);
  if (JS_GetLength(ctx, value, &length) < 0) return -1;
  open_offsets(column);
  for (int64_t i = 0; i < length; i++) {
    JSValue element = JS_GetPropertyInt64(ctx, value, i);
    int failed = JS_IsException(element) ? -1 : column_add(ctx, column->children[0], element);
    JS_FreeValue(ctx, element);
    if (failed) return -1;
  }
  return 0;
}

static int add_map(JSContext *ctx, column_t *column, JSValueConst value) {
  int64_t length;
  if (!JS_IsObject(value) || JS_IsArray(value)) return refuse(ctx, column, value);
  JSValue entries = JS_Call(ctx, makers.entries, JS_UNDEFINED, 1, &value);
  if (JS_IsException(entries) || JS_GetLength(ctx, entries, &length) < 0) return JS_FreeValue(ctx, entries), -1;
  open_offsets(column);
  int failed = 0;
  for (int64_t i = 0; i < length && !failed; i++) {
    JSValue pair = JS_GetPropertyInt64(ctx, entries, i);
    for (int part = 0; part < 2 && !failed; part++) {
      JSValue element = JS_GetPropertyUint32(ctx, pair, part);
      failed = column_add(ctx, column->children[part], element);
      JS_FreeValue(ctx, element);
    }
    JS_FreeValue(ctx, pair);
  }
  JS_FreeValue(ctx, entries);
  return failed;
}

static int add_row(JSContext *ctx, column_t *column, JSValueConst value) {
  if (!JS_IsObject(value) || JS_IsArray(value)) return refuse(ctx, column, value);
  for (uint32_t i = 0; i < column->child_count; i++) {
    JSValue field = JS_GetProperty(ctx, value, column->children[i]->atom);
    int failed = JS_IsException(field) ? -1 : column_add(ctx, column->children[i], field);
    JS_FreeValue(ctx, field);
    if (failed) return -1;
  }
  return 0;
}

int column_add(JSContext *ctx, column_t *column, JSValueConst value) {
  int failed;
  if (JS_IsNull(value) || JS_IsUndefined(value)) {
    if (!column->nullable) return refuse(ctx, column, value);
    return column_add_null(column), 0;
  }
  switch (column->type) {
    case T_BOOLEAN:
      if (!JS_IsBool(value)) return refuse(ctx, column, value);
      bits_add(&column->values, column->rows, JS_VALUE_GET_BOOL(value));
      failed = 0;
      break;
    case T_TINYINT: case T_SMALLINT: case T_INT: case T_BIGINT: failed = add_integer(ctx, column, value); break;
    case T_FLOAT: case T_DOUBLE: failed = add_float(ctx, column, value); break;
    case T_DECIMAL: failed = add_decimal(ctx, column, value); break;
    case T_UTF8: failed = add_text(ctx, column, value); break;
    case T_BYTES: failed = add_bytes(ctx, column, value); break;
    case T_DATE: failed = add_date(ctx, column, value); break;
    case T_TIME: failed = add_time(ctx, column, value); break;
    case T_TIMESTAMP: case T_TIMESTAMP_LTZ: failed = add_timestamp(ctx, column, value); break;
    case T_ARRAY: failed = add_array(ctx, column, value); break;
    case T_MAP: failed = add_map(ctx, column, value); break;
    default: failed = add_row(ctx, column, value); break;
  }
  if (!failed) return close_value(column, true), 0;
  // What a value had written before it failed is taken back with it.
  if (column->type == T_ARRAY || column->type == T_MAP) {
    int32_t end = column->offsets.length ? ((int32_t *)column->offsets.data)[column->rows] : 0;
    for (uint32_t i = 0; i < column->child_count; i++) column_truncate(column->children[i], end);
  } else if (column->type == T_ROW) {
    for (uint32_t i = 0; i < column->child_count; i++) column_truncate(column->children[i], column->rows);
  }
  return -1;
}

void column_copy(column_t *column, const column_t *source, uint32_t row) {
  const wit_column_t *in = source->in;
  if (in->validity.is_some && !(in->validity.value.data[row >> 3] >> (row & 7) & 1)) return column_add_null(column);
  const int32_t *offsets = (const int32_t *)in->first.data;
  if (has_offsets(column)) open_offsets(column);
  switch (column->type) {
    case T_BOOLEAN: bits_add(&column->values, column->rows, in->first.data[row >> 3] >> (row & 7) & 1); break;
    case T_UTF8: case T_BYTES: buffer_add(&column->values, in->second.data + offsets[row], offsets[row + 1] - offsets[row]); break;
    case T_ARRAY: case T_MAP:
      for (uint32_t i = 0; i < column->child_count; i++)
        for (int32_t at = offsets[row]; at < offsets[row + 1]; at++) column_copy(column->children[i], source->children[i], at);
      break;
    case T_ROW:
      for (uint32_t i = 0; i < column->child_count; i++) column_copy(column->children[i], source->children[i], row);
      break;
    default: buffer_add(&column->values, in->first.data + (size_t)row * width(column), width(column));
  }
  close_value(column, true);
}

static uint8_t data_tag(const column_t *column) {
  static const uint8_t TAGS[] = {D_BOOLS, D_I8S, D_I16S, D_I32S, D_I64S, D_F32S, D_F64S, D_I128S, D_UTF8, D_BYTES, D_I32S, D_I64S, D_I64S, D_I64S, D_OFFSETS, D_OFFSETS, D_NONE};
  return column->type == T_TIME && column->precision <= 3 ? D_I32S : TAGS[column->type];
}

void columns_finish(const columns_t *columns, wit_column_t *into) {
  memset(into, 0, columns->flat_count * sizeof *into);
  for (uint32_t i = 0; i < columns->flat_count; i++) {
    column_t *column = columns->flat[i];
    into[i].tag = data_tag(column);
    if (has_offsets(column)) {
      open_offsets(column);
      into[i].first = (bytes_t){column->offsets.data, column->offsets.length / 4};
      if (column->type == T_UTF8 || column->type == T_BYTES) into[i].second = (bytes_t){column->values.data, column->values.length};
    } else if (column->type == T_DECIMAL) {
      into[i].first = (bytes_t){column->values.data, column->rows * 2};
    } else if (column->type == T_BOOLEAN) {
      into[i].first = (bytes_t){column->values.data, (column->rows + 7) / 8};
    } else if (column->type != T_ROW) {
      into[i].first = (bytes_t){column->values.data, column->rows};
    }
    if (column->nulls) into[i].validity = (option_bytes_t){1, {column->validity.data, (column->rows + 7) / 8}};
    // Empty lists still need an aligned address.
    if (!into[i].first.data) into[i].first.data = (const uint8_t *)16;
    if (!into[i].second.data) into[i].second.data = (const uint8_t *)16;
  }
}

void columns_clear(columns_t *columns) {
  for (uint32_t i = 0; i < columns->flat_count; i++) {
    column_t *column = columns->flat[i];
    column->rows = column->nulls = column->values.length = column->offsets.length = column->validity.length = 0;
  }
}
