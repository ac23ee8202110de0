// Schemas: between the contract's flat fields, the SDK's arrays of fields and columns.
#include <stdlib.h>
#include <string.h>

#include "column.h"

static uint32_t get_u32(JSContext *ctx, JSValueConst object, const char *name) {
  JSValue value = JS_GetPropertyStr(ctx, object, name);
  uint32_t number = 0;
  JS_ToUint32(ctx, &number, value);
  JS_FreeValue(ctx, value);
  return number;
}

static char *get_text(JSContext *ctx, JSValueConst object, const char *name) {
  JSValue value = JS_GetPropertyStr(ctx, object, name);
  const char *text = JS_ToCString(ctx, value);
  char *copy = text ? strdup(text) : NULL;
  JS_FreeCString(ctx, text);
  JS_FreeValue(ctx, value);
  return copy;
}

static column_t *column_from_js(JSContext *ctx, columns_t *columns, JSValueConst fields) {
  JSValue field = JS_GetPropertyUint32(ctx, fields, columns->flat_count);
  column_t *column = calloc(1, sizeof *column);
  columns->flat[columns->flat_count++] = column;
  column->name = get_text(ctx, field, "name");
  column->atom = JS_NewAtom(ctx, column->name ? column->name : "");
  column->type = get_u32(ctx, field, "type");
  column->precision = get_u32(ctx, field, "precision");
  column->scale = get_u32(ctx, field, "scale");
  column->nullable = get_u32(ctx, field, "nullable");
  column->child_count = get_u32(ctx, field, "children");
  column->source = -1;
  JS_FreeValue(ctx, field);
  column->children = calloc(column->child_count + 1, sizeof(column_t *));
  for (uint32_t i = 0; i < column->child_count; i++) column->children[i] = column_from_js(ctx, columns, fields);
  return column;
}

bool columns_from_js(JSContext *ctx, columns_t *columns, JSValueConst fields) {
  int64_t count;
  memset(columns, 0, sizeof *columns);
  if (JS_GetLength(ctx, fields, &count) < 0) return false;
  columns->flat = calloc(count + 1, sizeof(column_t *));
  columns->top = calloc(count + 1, sizeof(column_t *));
  columns->atoms = calloc(count + 1, sizeof(JSAtom));
  while (columns->flat_count < count) {
    column_t *column = column_from_js(ctx, columns, fields);
    columns->atoms[columns->top_count] = column->atom;
    columns->top[columns->top_count++] = column;
  }
  uint32_t slots = 8;
  while (slots < columns->top_count * 2) slots *= 2;
  columns->slots = calloc(slots, sizeof(uint32_t));
  columns->slot_mask = slots - 1;
  for (uint32_t i = 0; i < columns->top_count; i++) {
    uint32_t at = columns->atoms[i] & columns->slot_mask;
    while (columns->slots[at]) at = (at + 1) & columns->slot_mask;
    columns->slots[at] = i + 1;
  }
  return true;
}

int32_t columns_find(const columns_t *columns, JSAtom atom) {
  uint32_t at = atom & columns->slot_mask;
  for (uint32_t index; (index = columns->slots[at]); at = (at + 1) & columns->slot_mask)
    if (columns->atoms[index - 1] == atom) return (int32_t)index - 1;
  return -1;
}

JSValue columns_to_js(JSContext *ctx, const wit_schema_t *schema) {
  JSValue fields = JS_NewArray(ctx);
  for (uint32_t i = 0; i < schema->length; i++) {
    const wit_field_t *from = &schema->fields[i];
    JSValue field = JS_NewObject(ctx);
    JS_SetPropertyStr(ctx, field, "name", JS_NewStringLen(ctx, (const char *)from->name.data, from->name.length));
    JS_SetPropertyStr(ctx, field, "type", JS_NewUint32(ctx, from->type));
    JS_SetPropertyStr(ctx, field, "precision", JS_NewUint32(ctx, from->type == T_DECIMAL || from->type >= T_TIME ? from->precision : 0));
    JS_SetPropertyStr(ctx, field, "scale", JS_NewUint32(ctx, from->type == T_DECIMAL ? from->scale : 0));
    JS_SetPropertyStr(ctx, field, "nullable", JS_NewBool(ctx, from->nullable));
    JS_SetPropertyStr(ctx, field, "children", JS_NewUint32(ctx, from->children));
    JS_SetPropertyUint32(ctx, fields, i, field);
  }
  return fields;
}

bool columns_to_wit(JSContext *ctx, JSValueConst fields, wit_schema_t *schema) {
  int64_t count;
  if (JS_GetLength(ctx, fields, &count) < 0) return false;
  // Lives until the call has returned, like everything that the host lent.
  wit_field_t *into = cabi_realloc(NULL, 0, 4, (count + 1) * sizeof *into);
  for (int64_t i = 0; i < count; i++) {
    JSValue field = JS_GetPropertyInt64(ctx, fields, i);
    char *name = get_text(ctx, field, "name");
    uint32_t length = name ? strlen(name) : 0;
    uint8_t *kept = cabi_realloc(NULL, 0, 1, length);
    if (length) memcpy(kept, name, length);
    free(name);
    into[i] = (wit_field_t){{kept, length}, get_u32(ctx, field, "type"), get_u32(ctx, field, "precision"), get_u32(ctx, field, "scale"),
                            get_u32(ctx, field, "nullable"), get_u32(ctx, field, "children")};
    JS_FreeValue(ctx, field);
  }
  *schema = (wit_schema_t){into, count};
  return true;
}

static bool same_type(const column_t *a, const column_t *b) {
  if (a->type != b->type || a->precision != b->precision || a->scale != b->scale || a->child_count != b->child_count) return false;
  if (b->nullable && !a->nullable) return false;
  for (uint32_t i = 0; i < a->child_count; i++)
    if ((a->type == T_ROW && a->children[i]->atom != b->children[i]->atom) || !same_type(a->children[i], b->children[i])) return false;
  return true;
}

void columns_link(columns_t *output, const columns_t *input) {
  for (uint32_t i = 0; i < output->top_count; i++) {
    int32_t source = columns_find(input, output->atoms[i]);
    if (source >= 0 && same_type(output->top[i], input->top[source])) output->top[i]->source = source;
  }
}

bool columns_read(columns_t *columns, const wit_columns_t *batch) {
  if (batch->length != columns->flat_count) return false;
  for (uint32_t i = 0; i < batch->length; i++) columns->flat[i]->in = &batch->columns[i];
  return true;
}
