// The engine, the plugin's module, and what both worlds of operators and functions share.
#ifndef MILLRACE_CORE_H
#define MILLRACE_CORE_H

#include "column.h"

extern JSContext *ctx;

// Makes the engine and loads SDK and plugin; a fault when that fails. Once per instance.
bool core_start(wit_answer_t *answer);
// Calls a function of the SDK's module; JS_EXCEPTION with an exception set when it fails. Takes the arguments.
JSValue sdk_call(const char *function, int count, JSValue *arguments);
// Result of a call: promises are waited for.
JSValue settled(JSValue value);
// The pending exception as text: `TypeError: x is not a function (plugin.js:12:3)`. Free with free().
char *exception_text(void);
// Turns the pending exception into the answer.
void answer_exception(wit_answer_t *answer, int64_t row);
void answer_fault(wit_answer_t *answer, const char *message, int64_t row);
// The answer of the world's functions; one at a time is alive.
wit_answer_t *fresh_answer(void);
// A batch of written columns, read by the host until the call's post-return.
void answer_batch(wit_batch_t *batch, const columns_t *columns, uint32_t rows);

// Adds dimension tables, HTTP and secrets to the SDK's object of the host.
void add_capabilities(JSValueConst host);

// Rows of a batch as objects whose properties are read when asked for.
void rows_open(columns_t *columns);
void rows_next_batch(void);
JSValue row_new(uint32_t row);
// Whether the value is an untouched row of the current batch, and which.
bool row_of(JSValueConst value, uint32_t *row);
// Change kind of the row that is being processed, for `kind()`.
extern uint8_t current_kind;

#endif
