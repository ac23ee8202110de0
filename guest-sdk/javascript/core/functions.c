// Worlds `scalar-function`, `table-function` and `aggregate-function`: exports of the plugin called with the values of a row.
#include <stdlib.h>
#include <string.h>

#include "core.h"

// The contract has no more arguments than columns of a batch; calls take them from here.
enum { ARGUMENTS_MAX = 256 };

static columns_t arguments, result;
static JSValue evaluate, create, accumulate, retract, merge, value_of;
static JSValue *groups;  // undefined: an empty accumulator
static uint32_t group_count;
static buffer_t input_rows, states, state_offsets;

static bool get_bool(JSValueConst object, const char *name) {
  JSValue value = JS_GetPropertyStr(ctx, object, name);
  bool found = JS_ToBool(ctx, value) > 0;
  JS_FreeValue(ctx, value);
  return found;
}

static bool get_schema(JSValueConst object, const char *name, wit_schema_t *schema) {
  JSValue fields = JS_GetPropertyStr(ctx, object, name);
  bool found = columns_to_wit(ctx, fields, schema);
  JS_FreeValue(ctx, fields);
  return found;
}

static wit_answer_t *signatures(const char *world, bool aggregate) {
  wit_answer_t *answer = fresh_answer();
  if (!core_start(answer)) return answer;
  int64_t count = 0;
  JSValue found = sdk_call("__signatures", 1, (JSValue[]){JS_NewString(ctx, world)});
  if (JS_IsException(found) || JS_GetLength(ctx, found, &count) < 0) return answer_exception(answer, -1), answer;
  size_t size = aggregate ? sizeof(wit_aggregate_signature_t) : sizeof(wit_signature_t);
  uint8_t *list = cabi_realloc(NULL, 0, 4, count * size);
  memset(list, 0, count * size);
  for (int64_t i = 0; i < count; i++) {
    // An aggregate's signature begins with a signature.
    wit_signature_t *signature = (wit_signature_t *)(list + i * size);
    JSValue from = JS_GetPropertyInt64(ctx, found, i);
    get_schema(from, "parameters", &signature->parameters), get_schema(from, "result", &signature->result);
    signature->variadic = get_bool(from, "variadic"), signature->deterministic = get_bool(from, "deterministic");
    if (aggregate) {
      wit_aggregate_signature_t *whole = (wit_aggregate_signature_t *)signature;
      whole->retracts = get_bool(from, "retracts"), whole->merges = get_bool(from, "merges");
    }
    JS_FreeValue(ctx, from);
  }
  JS_FreeValue(ctx, found);
  answer->value.list = (bytes_t){list, count};
  return answer;
}

static wit_answer_t *open_function(const char *world, uint32_t signature, uint32_t count) {
  wit_answer_t *answer = fresh_answer();
  if (!core_start(answer)) return answer;
  if (count > ARGUMENTS_MAX) return answer_fault(answer, "a call has at most 256 arguments", -1), answer;
  JSValue opened = sdk_call("__openFunction", 3, (JSValue[]){JS_NewString(ctx, world), JS_NewUint32(ctx, signature), JS_NewUint32(ctx, count)});
  if (JS_IsException(opened)) return answer_exception(answer, -1), answer;
  JSValue from = JS_GetPropertyStr(ctx, opened, "input"), to = JS_GetPropertyStr(ctx, opened, "output");
  static const struct { const char *name; JSValue *place; } FUNCTIONS[] = {
      {"evaluate", &evaluate}, {"create", &create}, {"accumulate", &accumulate}, {"retract", &retract}, {"merge", &merge}, {"result", &value_of}};
  for (size_t i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++) *FUNCTIONS[i].place = JS_GetPropertyStr(ctx, opened, FUNCTIONS[i].name);
  if (!columns_from_js(ctx, &arguments, from) || !columns_from_js(ctx, &result, to)) answer_exception(answer, -1);
  JS_FreeValue(ctx, from), JS_FreeValue(ctx, to), JS_FreeValue(ctx, opened);
  return answer;
}

static bool begin(wit_answer_t *answer, const wit_column_t *columns, uint32_t count) {
  wit_columns_t batch = {columns, count};
  columns_clear(&result);
  input_rows.length = 0;
  if (ctx && columns_read(&arguments, &batch)) return true;
  return answer_fault(answer, "the host's batch does not fit the call that it opened", -1), false;
}

// Calls a function with the row's values behind `first` (unless it is undefined).
static JSValue call(JSValueConst function, JSValueConst first, uint32_t row) {
  JSValue values[ARGUMENTS_MAX + 1];
  uint32_t count = 0;
  if (!JS_IsUndefined(first)) values[count++] = JS_DupValue(ctx, first);
  JSValue answer = JS_UNDEFINED;
  for (uint32_t i = 0; i < arguments.top_count && !JS_IsException(answer); i++) {
    JSValue value = column_get(ctx, arguments.top[i], row);
    if (JS_IsException(value)) answer = value;
    else values[count++] = value;
  }
  if (!JS_IsException(answer)) answer = settled(JS_Call(ctx, function, JS_UNDEFINED, count, values));
  while (count) JS_FreeValue(ctx, values[--count]);
  return answer;
}

static int add_table_row(JSValueConst value, uint32_t row) {
  bool plain = !JS_IsObject(value) || JS_IsDate(value) || JS_GetTypedArrayType(value) >= 0;
  for (uint32_t i = 0; i < result.top_count; i++) {
    // A table of one column may be given its values.
    JSValue field = plain && result.top_count == 1 ? JS_DupValue(ctx, value) : JS_GetProperty(ctx, value, result.top[i]->atom);
    int failed = JS_IsException(field) ? -1 : column_add(ctx, result.top[i], field);
    JS_FreeValue(ctx, field);
    if (failed) return -1;
  }
  return *(uint32_t *)buffer_grow(&input_rows, 4) = row, 0;
}

static int add_table_rows(JSValue value, uint32_t row) {
  if (JS_IsUndefined(value) || JS_IsNull(value)) return 0;
  int64_t length;
  JSValue rows = sdk_call("__rows", 1, (JSValue[]){JS_DupValue(ctx, value)});
  int failed = JS_IsException(rows) || JS_GetLength(ctx, rows, &length) < 0 ? -1 : 0;
  for (int64_t i = 0; !failed && i < length; i++) {
    JSValue one = JS_GetPropertyInt64(ctx, rows, i);
    failed = add_table_row(one, row);
    JS_FreeValue(ctx, one);
  }
  JS_FreeValue(ctx, rows);
  return failed;
}

EXPORT("millrace:plugin/scalar@0.1.0#signatures") wit_answer_t *scalar_signatures(void) { return signatures("scalar", false); }
EXPORT("millrace:plugin/table@0.1.0#signatures") wit_answer_t *table_signatures(void) { return signatures("table", false); }
EXPORT("millrace:plugin/aggregate@0.1.0#signatures") wit_answer_t *aggregate_signatures(void) { return signatures("aggregate", true); }
EXPORT("millrace:plugin/scalar@0.1.0#open") wit_answer_t *scalar_open(uint32_t s, uint32_t n) { return open_function("scalar", s, n); }
EXPORT("millrace:plugin/table@0.1.0#open") wit_answer_t *table_open(uint32_t s, uint32_t n) { return open_function("table", s, n); }
EXPORT("millrace:plugin/aggregate@0.1.0#open") wit_answer_t *aggregate_open(uint32_t s, uint32_t n) { return open_function("aggregate", s, n); }

EXPORT("millrace:plugin/scalar@0.1.0#eval")
wit_answer_t *scalar_eval(uint32_t rows, uint32_t has_kinds, const uint8_t *kinds, uint32_t kind_count, const wit_column_t *columns, uint32_t count) {
  wit_answer_t *answer = fresh_answer();
  if (!begin(answer, columns, count)) return answer;
  for (uint32_t row = 0; row < rows; row++) {
    JSValue value = call(evaluate, JS_UNDEFINED, row);
    int failed = JS_IsException(value) ? -1 : column_add(ctx, result.top[0], value);
    JS_FreeValue(ctx, value);
    if (failed) return answer_exception(answer, row), answer;
  }
  return answer_batch(&answer->value.batch, &result, rows), answer;
}

EXPORT("millrace:plugin/table@0.1.0#eval")
wit_answer_t *table_eval(uint32_t rows, uint32_t has_kinds, const uint8_t *kinds, uint32_t kind_count, const wit_column_t *columns, uint32_t count) {
  wit_answer_t *answer = fresh_answer();
  if (!begin(answer, columns, count)) return answer;
  for (uint32_t row = 0; row < rows; row++) {
    JSValue value = call(evaluate, JS_UNDEFINED, row);
    int failed = JS_IsException(value) ? -1 : add_table_rows(value, row);
    JS_FreeValue(ctx, value);
    if (failed) return answer_exception(answer, row), answer;
  }
  uint32_t answered = input_rows.length / 4;
  answer->value.table.input_rows = (bytes_t){input_rows.data ? input_rows.data : (const uint8_t *)16, answered};
  return answer_batch(&answer->value.table.rows, &result, answered), answer;
}

// The accumulator of a group, made if it is empty; NULL with an exception set when that fails.
static JSValue *accumulator(uint32_t group) {
  if (group >= group_count) {
    uint32_t wanted = group_count ? group_count * 2 : 64;
    if (wanted <= group) wanted = group + 1;
    JSValue *larger = realloc(groups, wanted * sizeof *groups);
    if (!larger) return JS_ThrowOutOfMemory(ctx), NULL;
    groups = larger;
    while (group_count < wanted) groups[group_count++] = JS_UNDEFINED;
  }
  if (JS_IsUndefined(groups[group])) {
    JSValue made = settled(JS_Call(ctx, create, JS_UNDEFINED, 0, NULL));
    if (JS_IsException(made)) return NULL;
    // An accumulator must not look empty.
    groups[group] = JS_IsUndefined(made) ? JS_NULL : made;
  }
  return &groups[group];
}

// Functions may change the accumulator that they are given, or answer another.
static int replace(uint32_t group, JSValue answer) {
  if (JS_IsException(answer)) return -1;
  if (JS_IsUndefined(answer)) return 0;
  JS_FreeValue(ctx, groups[group]);
  groups[group] = answer;
  return 0;
}

EXPORT("millrace:plugin/aggregate@0.1.0#update")
wit_answer_t *aggregate_update(const uint32_t *group, uint32_t group_rows, uint32_t has_retract, const uint8_t *retracts, uint32_t retract_bytes,
                               uint32_t rows, uint32_t has_kinds, const uint8_t *kinds, uint32_t kind_count, const wit_column_t *columns, uint32_t count) {
  wit_answer_t *answer = fresh_answer();
  if (!begin(answer, columns, count)) return answer;
  if (rows != group_rows || (has_retract && retract_bytes < (rows + 7) / 8)) return answer_fault(answer, "the host's groups do not fit its rows", -1), answer;
  for (uint32_t row = 0; row < rows; row++) {
    JSValue *of = accumulator(group[row]);
    bool back = has_retract && retracts[row >> 3] >> (row & 7) & 1;
    if (!of || replace(group[row], call(back ? retract : accumulate, *of, row)) < 0) return answer_exception(answer, row), answer;
  }
  return answer;
}

EXPORT("millrace:plugin/aggregate@0.1.0#values")
wit_answer_t *aggregate_values(const uint32_t *group, uint32_t count) {
  wit_answer_t *answer = fresh_answer();
  columns_clear(&result);
  for (uint32_t i = 0; i < count; i++) {
    JSValue *of = accumulator(group[i]);
    JSValue value = of ? settled(JS_Call(ctx, value_of, JS_UNDEFINED, 1, of)) : JS_EXCEPTION;
    int failed = JS_IsException(value) ? -1 : column_add(ctx, result.top[0], value);
    JS_FreeValue(ctx, value);
    if (failed) return answer_exception(answer, -1), answer;
  }
  return answer_batch(&answer->value.batch, &result, count), answer;
}

EXPORT("millrace:plugin/aggregate@0.1.0#export-states")
wit_answer_t *aggregate_export_states(const uint32_t *group, uint32_t count) {
  wit_answer_t *answer = fresh_answer();
  states.length = state_offsets.length = 0;
  *(int32_t *)buffer_grow(&state_offsets, 4) = 0;
  for (uint32_t i = 0; i < count; i++) {
    // An empty accumulator is an empty state.
    if (group[i] < group_count && !JS_IsUndefined(groups[group[i]])) {
      JSValue saved = sdk_call("__save", 1, (JSValue[]){JS_DupValue(ctx, groups[group[i]])});
      size_t length;
      const char *text = JS_IsException(saved) ? NULL : JS_ToCStringLen(ctx, &length, saved);
      if (text) buffer_add(&states, text, length);
      JS_FreeCString(ctx, text), JS_FreeValue(ctx, saved);
      if (!text) return answer_exception(answer, -1), answer;
    }
    *(int32_t *)buffer_grow(&state_offsets, 4) = states.length;
  }
  answer->value.states = (wit_utf8_t){{state_offsets.data, count + 1}, {states.data ? states.data : (const uint8_t *)16, states.length}};
  return answer;
}

EXPORT("millrace:plugin/aggregate@0.1.0#import-states")
wit_answer_t *aggregate_import_states(const uint32_t *group, uint32_t count, const int32_t *offsets, uint32_t offset_count, const char *data, uint32_t length) {
  wit_answer_t *answer = fresh_answer();
  if (offset_count != count + 1) return answer_fault(answer, "the host's states do not fit its groups", -1), answer;
  for (uint32_t i = 0; i < count; i++) {
    if (offsets[i] == offsets[i + 1]) continue;
    bool empty = group[i] >= group_count || JS_IsUndefined(groups[group[i]]);
    JSValue *of = accumulator(group[i]);
    JSValue restored = of ? sdk_call("__restore", 1, (JSValue[]){JS_NewStringLen(ctx, data + offsets[i], offsets[i + 1] - offsets[i])}) : JS_EXCEPTION;
    if (!JS_IsException(restored) && !empty) {
      JSValue both[] = {JS_DupValue(ctx, *of), restored};
      restored = settled(JS_Call(ctx, merge, JS_UNDEFINED, 2, both));
      JS_FreeValue(ctx, both[0]), JS_FreeValue(ctx, both[1]);
    }
    if (replace(group[i], restored) < 0) return answer_exception(answer, i), answer;
  }
  return answer;
}

EXPORT("millrace:plugin/aggregate@0.1.0#clear")
wit_answer_t *aggregate_clear(const uint32_t *group, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (group[i] >= group_count) continue;
    JS_FreeValue(ctx, groups[group[i]]);
    groups[group[i]] = JS_UNDEFINED;
  }
  return fresh_answer();
}

#define RETURNS(name, function) \
  EXPORT("cabi_post_millrace:plugin/" name) void function##_return(wit_answer_t *answer) { (void)answer, abi_release(); }
RETURNS("scalar@0.1.0#signatures", scalar_signatures)
RETURNS("table@0.1.0#signatures", table_signatures)
RETURNS("aggregate@0.1.0#signatures", aggregate_signatures)
RETURNS("scalar@0.1.0#open", scalar_open)
RETURNS("table@0.1.0#open", table_open)
RETURNS("aggregate@0.1.0#open", aggregate_open)
RETURNS("scalar@0.1.0#eval", scalar_eval)
RETURNS("table@0.1.0#eval", table_eval)
RETURNS("aggregate@0.1.0#update", aggregate_update)
RETURNS("aggregate@0.1.0#values", aggregate_values)
RETURNS("aggregate@0.1.0#export-states", aggregate_export_states)
RETURNS("aggregate@0.1.0#import-states", aggregate_import_states)
RETURNS("aggregate@0.1.0#clear", aggregate_clear)
