// The engine: modules from packed files, the host's functions, exceptions as text.
#include "core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Bytes of shadow stack (of the 1 MiB that the linker is told) before "Maximum call stack size exceeded". The machine's own
// stack (2 MiB) must not end first: functions that look at the stack pay at least 512 bytes here (see the builder's options).
static const size_t STACK_BYTES_MAX = 768 * 1024;
// Jobs of promises that one call may run.
static const int JOBS_MAX = 1000000;

JSContext *ctx;
uint8_t current_kind;
static JSValue sdk;
static wit_answer_t answer_place;
static wit_column_t *answer_columns;

wit_answer_t *fresh_answer(void) {
  memset(&answer_place, 0, sizeof answer_place);
  return &answer_place;
}

void answer_fault(wit_answer_t *answer, const char *message, int64_t row) {
  uint32_t length = strlen(message);
  uint8_t *kept = cabi_realloc(NULL, 0, 1, length);
  if (length) memcpy(kept, message, length);
  memset(answer, 0, sizeof *answer);
  answer->is_error = 1;
  answer->value.fault = (wit_fault_t){{kept, length}, {row >= 0, row >= 0 ? (uint32_t)row : 0}};
}

void answer_batch(wit_batch_t *batch, const columns_t *columns, uint32_t rows) {
  answer_columns = realloc(answer_columns, (columns->flat_count + 1) * sizeof *answer_columns);
  if (!answer_columns) __builtin_trap();
  columns_finish(columns, answer_columns);
  *batch = (wit_batch_t){rows, {0}, {answer_columns, columns->flat_count}};
}

// The first place of a stack that is the plugin's own: `plugin.js:12:3`.
static void add_place(char **text, JSValueConst error) {
  JSValue value = JS_GetPropertyStr(ctx, error, "stack");
  const char *stack = JS_IsString(value) ? JS_ToCString(ctx, value) : NULL;
  for (const char *line = stack; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
    const char *end = strchr(line, '\n');
    size_t length = end ? (size_t)(end - line) : strlen(line);
    const char *open = memchr(line, '(', length), *at = strstr(line, "at ");
    const char *place = open ? open + 1 : at ? at + 3 : line;
    size_t place_length = line + length - place - (open ? 1 : 0);
    if (!memchr(place, ':', place_length) || !strncmp(place, "millrace.js", 11) || !strncmp(place, "native", 6)) continue;
    size_t had = strlen(*text);
    char *longer = realloc(*text, had + place_length + 4);
    if (longer) *text = longer, sprintf(longer + had, " (%.*s)", (int)place_length, place);
    break;
  }
  JS_FreeCString(ctx, stack);
  JS_FreeValue(ctx, value);
}

char *exception_text(void) {
  JSValue error = JS_GetException(ctx);
  const char *message = JS_ToCString(ctx, error);
  if (!message) JS_FreeValue(ctx, JS_GetException(ctx));
  char *text = strdup(message ? message : "an exception without a message");
  JS_FreeCString(ctx, message);
  if (text && JS_IsError(error)) add_place(&text, error);
  JS_FreeValue(ctx, error);
  if (!text) __builtin_trap();
  return text;
}

void answer_exception(wit_answer_t *answer, int64_t row) {
  char *text = exception_text();
  answer_fault(answer, text, row);
  free(text);
}

JSValue settled(JSValue value) {
  if (!JS_IsObject(value) || JS_PromiseState(ctx, value) == (JSPromiseStateEnum)-1) return value;
  JSContext *of;
  for (int jobs = 0; JS_PromiseState(ctx, value) == JS_PROMISE_PENDING && jobs < JOBS_MAX; jobs++)
    if (JS_ExecutePendingJob(JS_GetRuntime(ctx), &of) <= 0) break;
  JSPromiseStateEnum state = JS_PromiseState(ctx, value);
  JSValue result = JS_PromiseResult(ctx, value);
  JS_FreeValue(ctx, value);
  if (state == JS_PROMISE_FULFILLED) return result;
  if (state == JS_PROMISE_REJECTED) return JS_Throw(ctx, result);
  JS_FreeValue(ctx, result);
  return JS_ThrowTypeError(ctx, "a promise was returned that nothing fulfils; plugins have no timers and no input but their rows");
}

static bool packed_file(const char *name, bytes_t *content) {
  option_bytes_t answer = {0};
  host_packed_file(name, strlen(name), &answer);
  *content = answer.value;
  return answer.is_some;
}

// `./x.js` next to its importer; every other name as it is.
static char *normalize(JSContext *ctx, const char *base, const char *name, void *opaque) {
  if (name[0] != '.') return js_strdup(ctx, strcmp(name, "millrace") ? name : "millrace.js");
  const char *slash = strrchr(base, '/');
  char *path = js_malloc(ctx, strlen(base) + strlen(name) + 2);
  if (!path) return NULL;
  size_t length = slash ? (size_t)(slash - base) + 1 : 0;
  memcpy(path, base, length);
  path[length] = 0;
  for (;;) {
    if (!strncmp(name, "./", 2)) {
      name += 2;
    } else if (!strncmp(name, "../", 3)) {
      name += 3;
      if (length) {
        path[--length] = 0;
        while (length && path[length - 1] != '/') path[--length] = 0;
      }
    } else {
      break;
    }
  }
  strcat(path, name);
  return path;
}

static JSModuleDef *load(JSContext *ctx, const char *name, void *opaque) {
  bytes_t content;
  if (!packed_file(name, &content)) {
    JS_ThrowReferenceError(ctx, "there is no module `%s`; a plugin has its own files and `millrace`", name);
    return NULL;
  }
  // The parser needs a zero behind the text.
  char *text = malloc(content.length + 1);
  if (!text) return JS_ThrowOutOfMemory(ctx), NULL;
  memcpy(text, content.data, content.length);
  text[content.length] = 0;
  JSValue module = JS_Eval(ctx, text, content.length, name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
  free(text);
  if (JS_IsException(module)) return NULL;
  JSModuleDef *definition = JS_VALUE_GET_PTR(module);
  JS_FreeValue(ctx, module);
  return definition;
}

// Loads and runs a module; its exports.
static JSValue run_module(const char *name) {
  JSModuleDef *definition = load(ctx, name, NULL);
  if (!definition) return JS_EXCEPTION;
  JSValue module = JS_DupValue(ctx, JS_MKPTR(JS_TAG_MODULE, definition));
  if (JS_ResolveModule(ctx, module) < 0) return JS_FreeValue(ctx, module), JS_EXCEPTION;
  JSValue done = settled(JS_EvalFunction(ctx, module));
  if (JS_IsException(done)) return done;
  JS_FreeValue(ctx, done);
  return JS_GetModuleNamespace(ctx, definition);
}

static JSValue native_log(JSContext *ctx, JSValueConst this, int count, JSValueConst *values) {
  int32_t level = 2;
  size_t length;
  JS_ToInt32(ctx, &level, values[0]);
  const char *text = JS_ToCStringLen(ctx, &length, values[1]);
  if (!text) return JS_EXCEPTION;
  // Lone surrogates are no UTF-8.
  for (uint8_t *at = (uint8_t *)text, *end = at + length; (at = memchr(at, 0xed, end - at)) && end - at >= 3; at++)
    if (at[1] >= 0xa0) at[0] = 0xef, at[1] = 0xbf, at[2] = 0xbd;
  host_log(level < 0 || level > 4 ? 2 : level, text, length);
  JS_FreeCString(ctx, text);
  return JS_UNDEFINED;
}

static JSValue native_parameter(JSContext *ctx, JSValueConst this, int count, JSValueConst *values) {
  size_t length;
  const char *name = JS_ToCStringLen(ctx, &length, values[0]);
  if (!name) return JS_EXCEPTION;
  option_bytes_t answer = {0};
  host_parameter(name, length, &answer);
  JS_FreeCString(ctx, name);
  return answer.is_some ? JS_NewStringLen(ctx, (const char *)answer.value.data, answer.value.length) : JS_UNDEFINED;
}

static JSValue native_count(JSContext *ctx, JSValueConst this, int count, JSValueConst *values) {
  size_t length;
  int64_t delta = 1;
  if (!JS_IsUndefined(values[1]) && JS_ToInt64Ext(ctx, &delta, values[1]) < 0) return JS_EXCEPTION;
  const char *name = JS_ToCStringLen(ctx, &length, values[0]);
  if (!name) return JS_EXCEPTION;
  if (delta > 0) host_counter_add(name, length, delta);
  JS_FreeCString(ctx, name);
  return JS_UNDEFINED;
}

static JSValue native_now(JSContext *ctx, JSValueConst this, int count, JSValueConst *values) {
  wit_clock_t answer = {0};
  clock_now_ms(&answer);
  if (!answer.is_error) return JS_NewInt64(ctx, answer.value.milliseconds);
  return JS_ThrowPlainError(ctx, "%.*s", (int)answer.value.reason.length, (const char *)answer.value.reason.data);
}

static JSValue native_packed(JSContext *ctx, JSValueConst this, int count, JSValueConst *values) {
  const char *name = JS_ToCString(ctx, values[0]);
  bytes_t content;
  if (!name) return JS_EXCEPTION;
  bool found = packed_file(name, &content);
  JS_FreeCString(ctx, name);
  return found ? JS_NewUint8ArrayCopy(ctx, content.data, content.length) : JS_UNDEFINED;
}

static JSValue native_text(JSContext *ctx, JSValueConst this, int count, JSValueConst *values) {
  size_t length;
  uint8_t *bytes = JS_GetUint8Array(ctx, &length, values[0]);
  return bytes ? JS_NewStringLen(ctx, (const char *)bytes, length) : JS_EXCEPTION;
}

static JSValue native_kind(JSContext *ctx, JSValueConst this, int count, JSValueConst *values) {
  static const char *const KINDS[] = {"+I", "-U", "+U", "-D"};
  return JS_NewString(ctx, KINDS[current_kind & 3]);
}

static void add_host(void) {
  static const struct { const char *name; JSCFunction *function; int length; } FUNCTIONS[] = {
      {"log", native_log, 2}, {"parameter", native_parameter, 1}, {"count", native_count, 2}, {"now", native_now, 0},
      {"packed", native_packed, 1}, {"text", native_text, 1}, {"kind", native_kind, 0}};
  JSValue global = JS_GetGlobalObject(ctx), host = JS_NewObject(ctx);
  for (size_t i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++)
    JS_SetPropertyStr(ctx, host, FUNCTIONS[i].name, JS_NewCFunction(ctx, FUNCTIONS[i].function, FUNCTIONS[i].name, FUNCTIONS[i].length));
  add_capabilities(host);
  JS_SetPropertyStr(ctx, global, "__millrace", host);
  JS_FreeValue(ctx, global);
}

JSValue sdk_call(const char *name, int count, JSValue *arguments) {
  JSValue function = JS_GetPropertyStr(ctx, sdk, name);
  JSValue result = settled(JS_Call(ctx, function, JS_UNDEFINED, count, arguments));
  JS_FreeValue(ctx, function);
  for (int i = 0; i < count; i++) JS_FreeValue(ctx, arguments[i]);
  return result;
}

bool core_start(wit_answer_t *answer) {
  if (ctx) return true;
  JSRuntime *runtime = JS_NewRuntime();
  ctx = runtime ? JS_NewContext(runtime) : NULL;
  if (!ctx) return answer_fault(answer, "the JavaScript engine does not fit into the operator's memory", -1), false;
  JS_SetMaxStackSize(runtime, STACK_BYTES_MAX);
  JS_SetModuleLoaderFunc(runtime, normalize, load, NULL);
  add_host();
  sdk = run_module("millrace.js");
  if (JS_IsException(sdk)) return answer_exception(answer, -1), ctx = NULL, false;
  JSValue decimal = JS_GetPropertyStr(ctx, sdk, "Decimal");
  makers.decimal_prototype = JS_GetPropertyStr(ctx, decimal, "prototype");
  JS_FreeValue(ctx, decimal);
  makers.entries = JS_GetPropertyStr(ctx, sdk, "__entries");
  makers.date_parse = JS_GetPropertyStr(ctx, sdk, "__parseDate");
  bytes_t entry;
  JSValue plugin = JS_EXCEPTION;
  if (packed_file("millrace-entry", &entry)) {
    char *name = malloc(entry.length + 1);
    if (!name) __builtin_trap();
    memcpy(name, entry.data, entry.length);
    name[entry.length] = 0;
    plugin = run_module(name);
    free(name);
  } else {
    JS_ThrowReferenceError(ctx, "the component has no script; `millrace plugin build` packs it");
  }
  if (JS_IsException(plugin)) return answer_exception(answer, -1), ctx = NULL, false;
  JSValue done = sdk_call("__load", 1, &plugin);
  if (JS_IsException(done)) return answer_exception(answer, -1), ctx = NULL, false;
  JS_FreeValue(ctx, done);
  return true;
}
