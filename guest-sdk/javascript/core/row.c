// Rows as objects whose columns become values when they are read.
//
// Invariant: a row that is changed becomes a plain object first; a row that is kept beyond its batch cannot be read, because
// its memory is the next batch's.
#include <stdlib.h>

#include "core.h"

typedef struct { uint32_t row, batch; JSValue copy; } row_t;

static JSClassID row_class;
static columns_t *columns;
static uint32_t batch;
static JSValue object_prototype;

void rows_next_batch(void) { batch++; }

static row_t *untouched(JSValueConst value) { return JS_GetOpaque(value, row_class); }

static bool stale(JSContext *ctx, const row_t *row) {
  if (row->batch == batch) return false;
  JS_ThrowReferenceError(ctx, "this row belongs to an earlier batch; keep a copy instead: {...row}");
  return true;
}

// The plain object that the row is from now on.
static JSValue copied(JSContext *ctx, row_t *row) {
  if (JS_IsUndefined(row->copy)) {
    if (stale(ctx, row)) return JS_EXCEPTION;
    JSValue copy = JS_NewObject(ctx);
    for (uint32_t i = 0; i < columns->top_count; i++) {
      JSValue value = column_get(ctx, columns->top[i], row->row);
      if (JS_IsException(value)) return JS_FreeValue(ctx, copy), value;
      JS_DefinePropertyValue(ctx, copy, columns->atoms[i], value, JS_PROP_C_W_E);
    }
    row->copy = copy;
  }
  return row->copy;
}

static JSValue get_property(JSContext *ctx, JSValueConst object, JSAtom atom, JSValueConst receiver) {
  row_t *row = untouched(object);
  if (!JS_IsUndefined(row->copy)) return JS_GetProperty(ctx, row->copy, atom);
  int32_t column = columns_find(columns, atom);
  if (column < 0) return JS_GetProperty(ctx, object_prototype, atom);
  return stale(ctx, row) ? JS_EXCEPTION : column_get(ctx, columns->top[column], row->row);
}

static int get_own_property(JSContext *ctx, JSPropertyDescriptor *descriptor, JSValueConst object, JSAtom atom) {
  row_t *row = untouched(object);
  if (!JS_IsUndefined(row->copy)) return JS_GetOwnProperty(ctx, descriptor, row->copy, atom);
  int32_t column = columns_find(columns, atom);
  if (column < 0) return 0;
  if (descriptor) {
    JSValue value = stale(ctx, row) ? JS_EXCEPTION : column_get(ctx, columns->top[column], row->row);
    if (JS_IsException(value)) return -1;
    *descriptor = (JSPropertyDescriptor){.flags = JS_PROP_C_W_E, .value = value, .getter = JS_UNDEFINED, .setter = JS_UNDEFINED};
  }
  return 1;
}

static int get_own_property_names(JSContext *ctx, JSPropertyEnum **names, uint32_t *count, JSValueConst object) {
  row_t *row = untouched(object);
  if (!JS_IsUndefined(row->copy))
    return JS_GetOwnPropertyNames(ctx, names, count, row->copy, JS_GPN_STRING_MASK | JS_GPN_SYMBOL_MASK);
  *names = js_malloc(ctx, (columns->top_count + 1) * sizeof **names);
  if (!*names) return -1;
  for (uint32_t i = 0; i < columns->top_count; i++) (*names)[i] = (JSPropertyEnum){.is_enumerable = true, .atom = JS_DupAtom(ctx, columns->atoms[i])};
  return *count = columns->top_count, 0;
}

static int has_property(JSContext *ctx, JSValueConst object, JSAtom atom) {
  row_t *row = untouched(object);
  if (!JS_IsUndefined(row->copy)) return JS_HasProperty(ctx, row->copy, atom);
  return columns_find(columns, atom) >= 0 || JS_HasProperty(ctx, object_prototype, atom);
}

static int set_property(JSContext *ctx, JSValueConst object, JSAtom atom, JSValueConst value, JSValueConst receiver, int flags) {
  JSValue copy = copied(ctx, untouched(object));
  return JS_IsException(copy) ? -1 : JS_SetProperty(ctx, copy, atom, JS_DupValue(ctx, value));
}

static int define_own_property(JSContext *ctx, JSValueConst object, JSAtom atom, JSValueConst value, JSValueConst getter, JSValueConst setter, int flags) {
  JSValue copy = copied(ctx, untouched(object));
  return JS_IsException(copy) ? -1 : JS_DefineProperty(ctx, copy, atom, value, getter, setter, flags);
}

static int delete_property(JSContext *ctx, JSValueConst object, JSAtom atom) {
  JSValue copy = copied(ctx, untouched(object));
  return JS_IsException(copy) ? -1 : JS_DeleteProperty(ctx, copy, atom, 0);
}

static void finalize(JSRuntime *runtime, JSValueConst value) {
  row_t *row = JS_GetOpaque(value, row_class);
  if (!row) return;
  JS_FreeValueRT(runtime, row->copy);
  js_free_rt(runtime, row);
}

static void mark(JSRuntime *runtime, JSValueConst value, JS_MarkFunc *mark_func) {
  row_t *row = JS_GetOpaque(value, row_class);
  if (row) JS_MarkValue(runtime, row->copy, mark_func);
}

void rows_open(columns_t *of) {
  columns = of;
  if (row_class) return;
  static JSClassExoticMethods methods = {
      .get_own_property = get_own_property, .get_own_property_names = get_own_property_names, .delete_property = delete_property,
      .define_own_property = define_own_property, .has_property = has_property, .get_property = get_property, .set_property = set_property};
  static const JSClassDef definition = {.class_name = "Row", .finalizer = finalize, .gc_mark = mark, .exotic = &methods};
  JS_NewClassID(JS_GetRuntime(ctx), &row_class);
  JS_NewClass(JS_GetRuntime(ctx), row_class, &definition);
  JSValue plain = JS_NewObject(ctx);
  object_prototype = JS_GetPrototype(ctx, plain);
  JS_FreeValue(ctx, plain);
  JS_SetClassProto(ctx, row_class, JS_DupValue(ctx, object_prototype));
}

JSValue row_new(uint32_t row) {
  row_t *state = js_malloc(ctx, sizeof *state);
  if (!state) return JS_EXCEPTION;
  *state = (row_t){row, batch, JS_UNDEFINED};
  JSValue object = JS_NewObjectClass(ctx, row_class);
  if (JS_IsException(object)) return js_free(ctx, state), object;
  JS_SetOpaque(object, state);
  return object;
}

bool row_of(JSValueConst value, uint32_t *row) {
  const row_t *state = untouched(value);
  if (!state || state->batch != batch || !JS_IsUndefined(state->copy)) return false;
  return *row = state->row, true;
}
