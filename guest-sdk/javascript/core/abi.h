// The contract of wit/millrace-plugin-0.1.0 as the canonical ABI lays it out in linear memory.
//
// Invariant: structures here have the size and alignment that the canonical ABI gives them (checked by static assertions),
// so that batches are read where the host has put them and answers are handed over without another copy.
#ifndef MILLRACE_ABI_H
#define MILLRACE_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct { const uint8_t *data; uint32_t length; } bytes_t;
typedef struct { uint8_t is_some; bytes_t value; } option_bytes_t;
typedef struct { uint8_t is_some; uint32_t value; } option_u32_t;

// Cases of `types.data-type`, in order.
typedef enum {
  T_BOOLEAN, T_TINYINT, T_SMALLINT, T_INT, T_BIGINT, T_FLOAT, T_DOUBLE, T_DECIMAL, T_UTF8, T_BYTES,
  T_DATE, T_TIME, T_TIMESTAMP, T_TIMESTAMP_LTZ, T_ARRAY, T_MAP, T_ROW,
} type_t;

// Cases of `types.column-data`, in order.
typedef enum { D_BOOLS, D_I8S, D_I16S, D_I32S, D_I64S, D_F32S, D_F64S, D_I128S, D_UTF8, D_BYTES, D_OFFSETS, D_NONE } data_t;

typedef struct {
  bytes_t name;
  uint8_t type;
  uint8_t precision;  // of decimal, time and timestamps
  uint8_t scale;      // of decimal
  uint8_t nullable;
  uint32_t children;
} wit_field_t;

typedef struct { const wit_field_t *fields; uint32_t length; } wit_schema_t;

typedef struct {
  uint8_t tag;
  bytes_t first;   // the list; for utf8 and bytes the offsets
  bytes_t second;  // the data of utf8 and bytes
  option_bytes_t validity;
} wit_column_t;

typedef struct { const wit_column_t *columns; uint32_t length; } wit_columns_t;
typedef struct { uint32_t rows; option_bytes_t kinds; wit_columns_t columns; } wit_batch_t;
typedef struct { bytes_t message; option_u32_t row; } wit_fault_t;
typedef struct { bytes_t offsets; bytes_t data; } wit_utf8_t;

typedef struct { wit_schema_t parameters; uint8_t variadic; wit_schema_t result; uint8_t deterministic; } wit_signature_t;
typedef struct { wit_signature_t signature; uint8_t retracts; uint8_t merges; } wit_aggregate_signature_t;
typedef struct { bytes_t input_rows; wit_batch_t rows; } wit_table_rows_t;

// Answers of the exported functions.
typedef struct {
  uint8_t is_error;
  union {
    wit_fault_t fault;
    wit_schema_t schema;
    wit_batch_t batch;
    wit_table_rows_t table;
    wit_utf8_t states;
    bytes_t list;
  } value;
} wit_answer_t;

_Static_assert(sizeof(wit_field_t) == 16 && sizeof(wit_column_t) == 32 && sizeof(wit_batch_t) == 24, "canonical ABI");
_Static_assert(sizeof(wit_fault_t) == 16 && sizeof(wit_signature_t) == 24 && sizeof(wit_aggregate_signature_t) == 28, "canonical ABI");
_Static_assert(offsetof(wit_answer_t, value) == 4 && offsetof(wit_column_t, validity) == 20, "canonical ABI");

#define IMPORT(module, name) __attribute__((import_module("millrace:plugin/" module "@0.1.0"), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name), used))

IMPORT("host", "log") void host_log(uint32_t level, const char *text, uint32_t length);
IMPORT("host", "parameter") void host_parameter(const char *name, uint32_t length, option_bytes_t *answer);
IMPORT("host", "counter-add") void host_counter_add(const char *name, uint32_t length, uint64_t delta);
IMPORT("host", "reject-row") uint32_t host_reject_row(uint32_t row, const char *message, uint32_t length);
IMPORT("host", "random-seed") uint64_t host_random_seed(void);
IMPORT("host", "packed-file") void host_packed_file(const char *name, uint32_t length, option_bytes_t *answer);

typedef struct { uint8_t is_error; union { int64_t milliseconds; bytes_t reason; } value; } wit_clock_t;
IMPORT("clock", "now-ms") void clock_now_ms(wit_clock_t *answer);

typedef struct { uint8_t is_error; union { struct { wit_schema_t key, value; } columns; bytes_t reason; } value; } wit_dimension_t;
IMPORT("host", "dimension-schema") void host_dimension_schema(const char *table, uint32_t length, wit_dimension_t *answer);

typedef struct { uint8_t is_error; union { wit_batch_t rows; bytes_t reason; } value; } wit_lookup_t;
IMPORT("host", "dimension-lookup") void host_dimension_lookup(const char *table, uint32_t length, uint32_t rows, uint32_t has_kinds,
                                                              const uint8_t *kinds, uint32_t kind_count, const wit_column_t *columns,
                                                              uint32_t count, wit_lookup_t *answer);

typedef struct { bytes_t name, value; } wit_header_t;
typedef struct { const wit_header_t *headers; uint32_t length; } wit_headers_t;
typedef struct { uint16_t status; wit_headers_t headers; bytes_t body; } wit_response_t;
typedef struct { uint8_t is_error; union { wit_response_t response; bytes_t reason; } value; } wit_http_t;
IMPORT("http", "send") void http_send(const char *method, uint32_t method_length, const char *url, uint32_t url_length,
                                      const wit_header_t *headers, uint32_t header_count, uint32_t has_body, const uint8_t *body,
                                      uint32_t body_length, uint32_t timeout_ms, wit_http_t *answer);

typedef struct { uint8_t is_error; union { bytes_t secret; bytes_t reason; } value; } wit_secret_t;
IMPORT("secrets", "get") void secrets_get(const char *name, uint32_t length, wit_secret_t *answer);

_Static_assert(sizeof(wit_dimension_t) == 20 && sizeof(wit_lookup_t) == 28 && sizeof(wit_http_t) == 24, "canonical ABI");

// Memory that the host asked for during one call; given back by `abi_release`.
void *cabi_realloc(void *old, size_t old_size, size_t align, size_t new_size);
void abi_release(void);

#endif
