// Included before everything in the program: small moves and fills as loops.
//
// clang makes memory.copy and memory.fill of them, which call out of the machine code; for the few bytes of an object or a
// short text that costs more than the work itself.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MILLRACE_SMALL_BYTES 256

typedef uint64_t millrace_word __attribute__((aligned(1), may_alias));

static inline void* millrace_memset(void* at, int value, size_t bytes) {
    if (bytes > MILLRACE_SMALL_BYTES) return __builtin_memset(at, value, bytes);
    uint64_t word = (uint8_t) value * 0x0101010101010101u;
    char* to = at;
    char* end = to + bytes;
    for (; end - to >= 8; to += 8) {
        *(millrace_word*) to = word;
        __asm__ volatile("" : "+r"(to));
    }
    for (; to < end; to++) {
        *to = (char) value;
        __asm__ volatile("" : "+r"(to));
    }
    return at;
}

static inline void* millrace_memcpy(void* target, const void* source, size_t bytes) {
    if (bytes > MILLRACE_SMALL_BYTES) return __builtin_memcpy(target, source, bytes);
    char* to = target;
    const char* from = source;
    char* end = to + bytes;
    for (; end - to >= 8; to += 8, from += 8) {
        *(millrace_word*) to = *(const millrace_word*) from;
        __asm__ volatile("" : "+r"(to));
    }
    for (; to < end; to++, from++) {
        *to = *from;
        __asm__ volatile("" : "+r"(to));
    }
    return target;
}

static inline void* millrace_memmove(void* target, const void* source, size_t bytes) {
    // Upwards is right unless the target lies within the source.
    if (bytes > MILLRACE_SMALL_BYTES || (uintptr_t) target - (uintptr_t) source < bytes) {
        return __builtin_memmove(target, source, bytes);
    }
    return millrace_memcpy(target, source, bytes);
}

#define memset(at, value, bytes) millrace_memset(at, value, bytes)
#define memcpy(to, from, bytes) millrace_memcpy(to, from, bytes)
#define memmove(to, from, bytes) millrace_memmove(to, from, bytes)
