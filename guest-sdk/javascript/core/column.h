// Columns: how values are read from a batch and written to one.
#ifndef MILLRACE_COLUMN_H
#define MILLRACE_COLUMN_H

#include "abi.h"
#include "quickjs.h"

typedef struct { uint8_t *data; uint32_t length, capacity; } buffer_t;

// A column with its children; `out` parts are used by columns that are written.
typedef struct column {
  JSAtom atom;
  char *name;
  uint8_t type, precision, scale, nullable;
  uint32_t child_count;
  struct column **children;
  // What is read: set for each batch.
  const wit_column_t *in;
  // What is written.
  uint32_t rows;
  uint32_t nulls;
  buffer_t values;    // the values, packed bits for booleans
  buffer_t offsets;   // of texts, bytes, arrays and maps
  buffer_t validity;  // packed bits, from the first null on
  int32_t source;     // the top-level input column of the same name and type, or -1
} column_t;

// Top-level columns and all of them in the contract's depth-first order.
typedef struct {
  column_t **top;
  uint32_t top_count;
  column_t **flat;
  uint32_t flat_count;
  JSAtom *atoms;       // of the top-level columns
  uint32_t *slots;     // hash table: index into `top` plus one
  uint32_t slot_mask;
} columns_t;

// JavaScript classes and functions that values are made with; set when the SDK's module is loaded.
typedef struct { JSValue decimal_prototype, entries, date_parse; } makers_t;
extern makers_t makers;

// `fields` is an array of {name, type, precision, scale, nullable, children}; false with an exception set.
bool columns_from_js(JSContext *ctx, columns_t *columns, JSValueConst fields);
JSValue columns_to_js(JSContext *ctx, const wit_schema_t *schema);
bool columns_to_wit(JSContext *ctx, JSValueConst fields, wit_schema_t *schema);
void columns_link(columns_t *output, const columns_t *input);
// False when the batch does not fit.
bool columns_read(columns_t *columns, const wit_columns_t *batch);
int32_t columns_find(const columns_t *columns, JSAtom atom);

JSValue column_get(JSContext *ctx, const column_t *column, uint32_t row);
// -1 with an exception set when the value does not fit the column.
int column_add(JSContext *ctx, column_t *column, JSValueConst value);
// Moves a value without looking at it.
void column_copy(column_t *column, const column_t *source, uint32_t row);
void column_add_null(column_t *column);
void column_truncate(column_t *column, uint32_t rows);
// The written columns as the contract wants them; `into` has `flat_count` places.
void columns_finish(const columns_t *columns, wit_column_t *into);
void columns_clear(columns_t *columns);

void buffer_add(buffer_t *buffer, const void *data, uint32_t length);
void *buffer_grow(buffer_t *buffer, uint32_t length);
void bits_add(buffer_t *buffer, uint32_t index, bool value);

#endif
