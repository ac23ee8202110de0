// World `etl-operator`: `process(row)` of the plugin for every row of a batch.
#include <stdlib.h>
#include <string.h>

#include "core.h"

static columns_t input, output;
static JSValue process;
static buffer_t kinds;
static uint32_t written;

EXPORT("millrace:plugin/etl@0.1.0#open")
wit_answer_t *etl_open(const wit_field_t *fields, uint32_t count) {
  wit_answer_t *answer = fresh_answer();
  if (!core_start(answer)) return answer;
  wit_schema_t schema = {fields, count};
  JSValue given = columns_to_js(ctx, &schema);
  JSValue opened = sdk_call("__openEtl", 1, (JSValue[]){JS_DupValue(ctx, given)});
  if (JS_IsException(opened)) {
    answer_exception(answer, -1);
  } else {
    JSValue from = JS_GetPropertyStr(ctx, opened, "input"), to = JS_GetPropertyStr(ctx, opened, "output");
    process = JS_GetPropertyStr(ctx, opened, "process");
    if (!columns_from_js(ctx, &input, from) || !columns_from_js(ctx, &output, to) || !columns_to_wit(ctx, to, &answer->value.schema)) {
      answer_exception(answer, -1);
    } else {
      columns_link(&output, &input);
      rows_open(&input);
    }
    JS_FreeValue(ctx, from), JS_FreeValue(ctx, to);
  }
  JS_FreeValue(ctx, opened), JS_FreeValue(ctx, given);
  return answer;
}

// One answered row; -1 with an exception set when it does not fit the output.
static int emit(JSValueConst value) {
  uint32_t row;
  bool untouched = row_of(value, &row);
  if (!untouched && (!JS_IsObject(value) || JS_IsFunction(ctx, value)))
    return JS_ThrowTypeError(ctx, "process answered a value that is no row; expected an object, an array of objects, or nothing"), -1;
  for (uint32_t i = 0; i < output.top_count; i++) {
    column_t *column = output.top[i];
    if (untouched && column->source >= 0) {
      column_copy(column, input.top[column->source], row);
      continue;
    }
    JSValue field = JS_GetProperty(ctx, value, column->atom);
    int failed = JS_IsException(field) ? -1 : column_add(ctx, column, field);
    JS_FreeValue(ctx, field);
    if (failed) return -1;
  }
  written++;
  return 0;
}

static int emit_all(JSValueConst rows) {
  int64_t length;
  if (JS_GetLength(ctx, rows, &length) < 0) return -1;
  for (int64_t i = 0; i < length; i++) {
    JSValue row = JS_GetPropertyInt64(ctx, rows, i);
    int failed = JS_IsException(row) ? -1 : emit(row);
    JS_FreeValue(ctx, row);
    if (failed) return -1;
  }
  return 0;
}

static int emit_answer(JSValueConst value) {
  uint32_t row;
  if (JS_IsUndefined(value) || JS_IsNull(value)) return 0;
  if (JS_IsBool(value) && !JS_VALUE_GET_BOOL(value)) return 0;
  if (JS_IsArray(value)) return emit_all(value);
  if (JS_IsObject(value) && !row_of(value, &row)) {
    static JSAtom next;
    if (!next) next = JS_NewAtom(ctx, "next");
    JSValue step = JS_GetProperty(ctx, value, next);
    bool is_iterator = JS_IsFunction(ctx, step);
    JS_FreeValue(ctx, step);
    if (is_iterator) {
      JSValue rows = sdk_call("__collect", 1, (JSValue[]){JS_DupValue(ctx, value)});
      int failed = JS_IsException(rows) ? -1 : emit_all(rows);
      JS_FreeValue(ctx, rows);
      return failed;
    }
  }
  return emit(value);
}

static int process_row(uint32_t row) {
  JSValue argument = row_new(row);
  if (JS_IsException(argument)) return -1;
  JSValue answer = settled(JS_Call(ctx, process, JS_UNDEFINED, 1, &argument));
  JS_FreeValue(ctx, argument);
  if (JS_IsException(answer)) return -1;
  int failed = emit_answer(answer);
  JS_FreeValue(ctx, answer);
  return failed;
}

EXPORT("millrace:plugin/etl@0.1.0#process")
wit_answer_t *etl_process(uint32_t rows, uint32_t has_kinds, const uint8_t *kind, uint32_t kind_count, const wit_column_t *columns, uint32_t count) {
  wit_answer_t *answer = fresh_answer();
  wit_columns_t batch = {columns, count};
  columns_clear(&output);
  kinds.length = written = 0;
  rows_next_batch();
  if (!ctx || !columns_read(&input, &batch) || (has_kinds && kind_count != rows)) {
    answer_fault(answer, "the host's batch does not fit the schema that it announced", -1);
    return answer;
  }
  for (uint32_t row = 0; row < rows; row++) {
    uint32_t before = written;
    current_kind = has_kinds ? kind[row] : 0;
    if (process_row(row) < 0) {
      // Nothing of a row that failed is kept.
      for (uint32_t i = 0; i < output.top_count; i++) column_truncate(output.top[i], before);
      written = before;
      char *text = exception_text();
      bool go_on = host_reject_row(row, text, strlen(text));
      if (!go_on) answer_fault(answer, text, row);
      free(text);
      if (!go_on) return answer;
    }
    if (has_kinds && written > before) memset(buffer_grow(&kinds, written - before), current_kind, written - before);
  }
  answer_batch(&answer->value.batch, &output, written);
  if (has_kinds) answer->value.batch.kinds = (option_bytes_t){1, {kinds.data ? kinds.data : (const uint8_t *)16, kinds.length}};
  return answer;
}

// The host has read the answer.
EXPORT("cabi_post_millrace:plugin/etl@0.1.0#open")
void etl_open_return(wit_answer_t *answer) { (void)answer, abi_release(); }
EXPORT("cabi_post_millrace:plugin/etl@0.1.0#process")
void etl_process_return(wit_answer_t *answer) { (void)answer, abi_release(); }
