// The host's functions as the canonical ABI flattens them, and what the Java runtime needs of C.
// Text and lists are address and length; `ret` is the address that the answer is written to.
#pragma once
#include "memory-small.h"

#define IMPORT(module, name) __attribute__((import_module("millrace:plugin/" module "@0.1.0"), import_name(name)))

extern void millrace_host_log(int32_t level, int32_t message, int32_t message_len) IMPORT("host", "log");
extern void millrace_host_parameter(int32_t name, int32_t name_len, int32_t ret) IMPORT("host", "parameter");
extern void millrace_host_counter_add(int32_t name, int32_t name_len, int64_t delta) IMPORT("host", "counter-add");
extern void millrace_host_dimension_lookup(int32_t table, int32_t table_len, int32_t rows, int32_t has_kinds, int32_t kinds,
    int32_t kinds_len, int32_t columns, int32_t columns_len, int32_t ret) IMPORT("host", "dimension-lookup");
extern void millrace_host_dimension_schema(int32_t table, int32_t table_len, int32_t ret) IMPORT("host", "dimension-schema");
extern int32_t millrace_host_reject_row(int32_t row, int32_t message, int32_t message_len) IMPORT("host", "reject-row");
extern int64_t millrace_host_random_seed(void) IMPORT("host", "random-seed");

extern void millrace_clock_now_ms(int32_t ret) IMPORT("clock", "now-ms");
extern void millrace_http_send(int32_t method, int32_t method_len, int32_t url, int32_t url_len, int32_t headers,
    int32_t headers_len, int32_t has_body, int32_t body, int32_t body_len, int32_t timeout_ms, int32_t ret)
    IMPORT("http", "send");
extern void millrace_secrets_get(int32_t name, int32_t name_len, int32_t ret) IMPORT("secrets", "get");
extern void millrace_files_list(int32_t folder, int32_t folder_len, int32_t path, int32_t path_len, int32_t ret)
    IMPORT("files", "list");
extern void millrace_files_read(int32_t folder, int32_t folder_len, int32_t path, int32_t path_len, int64_t offset,
    int32_t bytes_max, int32_t ret) IMPORT("files", "read");
extern void millrace_files_write(int32_t folder, int32_t folder_len, int32_t path, int32_t path_len, int32_t content,
    int32_t content_len, int32_t ret) IMPORT("files", "write");
extern void millrace_files_append(int32_t folder, int32_t folder_len, int32_t path, int32_t path_len, int32_t content,
    int32_t content_len, int32_t ret) IMPORT("files", "append");
extern void millrace_files_rename(int32_t folder, int32_t folder_len, int32_t from, int32_t from_len, int32_t to,
    int32_t to_len, int32_t ret) IMPORT("files", "rename");
extern void millrace_files_remove(int32_t folder, int32_t folder_len, int32_t path, int32_t path_len, int32_t ret)
    IMPORT("files", "remove");

// Memory that lives until the host has read the answer of the current call.
extern int32_t millrace_allocate(int32_t alignment, int32_t bytes);
extern void millrace_release_all(void);

static inline void millrace_copy(int32_t to, int32_t from, int32_t bytes) {
    memcpy((void*) to, (const void*) from, (size_t) bytes);
}

static inline void millrace_fill(int32_t at, int32_t value, int32_t bytes) {
    memset((void*) at, value, (size_t) bytes);
}

// Functions of Java that C calls, by number; see `exports.h`.
extern void millrace_export(int32_t number, void* function);

// How deep calls may nest: while one makes the exception, deeper.
extern uintptr_t millrace_stack_limit;
extern void millrace_stack_use_reserve(int32_t use);
extern void millrace_stack_overflow(void);

// Text. Of ASCII there are as many units as bytes.
extern int32_t millrace_utf16_length(int32_t from, int32_t bytes);
extern void millrace_utf16_write(void* to, int32_t from, int32_t bytes, int32_t units);
extern int32_t millrace_utf8_write(int32_t to, void* from, int32_t units);

extern int32_t millrace_ascii_case(void* characters, int32_t units, int32_t first);
extern void millrace_ascii_flip(void* to, void* from, int32_t units, int32_t first);

// TeaVM's strings and arrays: object header and hash, then the array of characters or the size. `program-end.c` checks it.
#define MILLRACE_STRING_CHARACTERS 8
#define MILLRACE_ARRAY_SIZE 8
#define MILLRACE_ARRAY_DATA 16

static inline void* millrace_string_array(void* string) { return *(void**) ((char*) string + MILLRACE_STRING_CHARACTERS); }

static inline void* millrace_string_characters(void* string) {
    return (char*) millrace_string_array(string) + MILLRACE_ARRAY_DATA;
}

static inline int32_t millrace_string_units(void* string) {
    return *(int32_t*) ((char*) millrace_string_array(string) + MILLRACE_ARRAY_SIZE);
}

// A new string is young: no write barrier.
static inline void millrace_string_init(void* string, void* characters) {
    *(void**) ((char*) string + MILLRACE_STRING_CHARACTERS) = characters;
}

// New strings, in one piece with their characters; NULL if the collector has to make room first.
extern void* millrace_string_try(int32_t from, int32_t bytes);
// Text with the case of its ASCII letters changed, itself if there are none; NULL also if it is not ASCII.
extern void* millrace_string_case_try(void* string, int32_t first);

#include "cells.h"
