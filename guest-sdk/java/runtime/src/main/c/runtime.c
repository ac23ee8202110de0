// What TeaVM's C runtime and generated code need of an operating system: compiled once per toolchain.
//
// Invariant: nothing here or in what it links imports from WASI; a component imports the plugin contract only.
#include "exports.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uchar.h>
#include <wchar.h>

void* millrace_exports[MILLRACE_EXPORTS];

void millrace_export(int32_t number, void* function) {
    millrace_exports[number] = function;
}

// --- Memory of a call: chunks that stay for the next call.

struct chunk {
    struct chunk* next;
    uint32_t bytes;
};

static struct chunk* chunks;
static uintptr_t position, limit;
static uint32_t total_bytes;

#define CHUNK_BYTES_MIN 65536
// Of a chunk, and of a piece of malloc's.
#define CHUNK_OVERHEAD_BYTES ((uint32_t) (16 + sizeof(struct chunk)))

static void add_chunk(uint32_t bytes) {
    struct chunk* chunk = malloc(bytes + sizeof(struct chunk));
    if (!chunk) __builtin_trap();
    chunk->next = chunks;
    chunk->bytes = bytes;
    chunks = chunk;
    total_bytes += bytes;
    position = (uintptr_t) (chunk + 1);
    limit = position + bytes;
}

int32_t millrace_allocate(int32_t alignment, int32_t bytes) {
    uintptr_t mask = (uintptr_t) alignment - 1;
    uintptr_t start = (position + mask) & ~mask;
    if (bytes < 0) __builtin_trap();
    if (!chunks || start + (uint32_t) bytes > limit) {
        uint32_t wanted = (uint32_t) bytes + 16;
        add_chunk(wanted > CHUNK_BYTES_MIN ? wanted : CHUNK_BYTES_MIN);
        start = (position + mask) & ~mask;
    }
    position = start + (uint32_t) bytes;
    return (int32_t) start;
}

// The next call starts afresh, in one chunk as large as all of this call's: a power of two with all that lies before it, so that
// the pieces that become free on the way are few and of sizes that are asked for again.
void millrace_release_all(void) {
    if (chunks && chunks->next) {
        uint32_t wanted = CHUNK_BYTES_MIN;
        while (wanted - CHUNK_OVERHEAD_BYTES < total_bytes) wanted *= 2;
        wanted -= CHUNK_OVERHEAD_BYTES;
        while (chunks) {
            struct chunk* next = chunks->next;
            free(chunks);
            chunks = next;
        }
        total_bytes = 0;
        add_chunk(wanted);
    }
    if (chunks) position = (uintptr_t) (chunks + 1);
}

__attribute__((export_name("cabi_realloc")))
void* cabi_realloc(void* old, size_t old_bytes, size_t alignment, size_t bytes) {
    void* grown = (void*) millrace_allocate((int32_t) alignment, (int32_t) bytes);
    if (old_bytes) memcpy(grown, old, old_bytes < bytes ? old_bytes : bytes);
    return grown;
}

// --- System.out and System.err: lines of the job's log, at debug and warn.

#define LINE_BYTES_MAX 4096
static char line[LINE_BYTES_MAX];
static int32_t line_bytes;

static void end_line(int32_t level) {
    if (line_bytes) millrace_host_log(level, (int32_t) line, line_bytes);
    line_bytes = 0;
}

static void put(int32_t level, uint32_t c) {
    if (c == '\n' || line_bytes > LINE_BYTES_MAX - 4) end_line(level);
    if (c == '\n' || c == '\r') return;
    char16_t units[2] = {(char16_t) c, 0};
    int32_t count = 1;
    if (c >= 0x10000) {
        units[0] = (char16_t) (0xD800 + ((c - 0x10000) >> 10));
        units[1] = (char16_t) (0xDC00 + ((c - 0x10000) & 0x3FF));
        count = 2;
    }
    line_bytes += millrace_utf8_write((int32_t) (line + line_bytes), units, count);
}

void teavm_logCodePoint(int32_t c) { put(2, (uint32_t) c); }

void teavm_printString(char16_t* text) {
    while (*text) put(3, *text++);
}

void teavm_printWString(wchar_t* text) {
    while (*text) put(3, (uint32_t) *text++);
}

void teavm_printInt(int32_t number) {
    uint32_t rest = (uint32_t) number;
    char digits[10];
    int count = 0;
    if (number < 0) {
        put(3, '-');
        rest = -rest;
    }
    do digits[count++] = (char) ('0' + rest % 10);
    while (rest /= 10);
    while (count) put(3, (uint32_t) digits[--count]);
}

// --- Time: the capability `clock`; 0 where it is not granted.

static int64_t now_ms(void) {
    struct { int64_t disc, value; } answer = {0, 0};
    millrace_clock_now_ms((int32_t) &answer);
    return (answer.disc & 0xFF) == 0 ? answer.value : 0;
}

int clock_gettime(clockid_t clock, struct timespec* to) {
    int64_t ms = now_ms();
    to->tv_sec = (time_t) (ms / 1000);
    to->tv_nsec = (long) (ms % 1000 * 1000000);
    return 0;
}

time_t time(time_t* to) {
    time_t seconds = (time_t) (now_ms() / 1000);
    if (to) *to = seconds;
    return seconds;
}

// The sandbox knows no time zone but UTC.
struct tm* localtime_r(const time_t* restrict time, struct tm* restrict to) { return gmtime_r(time, to); }
time_t mktime(struct tm* time) { return timegm(time); }

// --- Random numbers: a generator seeded by the host, so that a replay sees the same ones.

static uint64_t random_state;

void srand(unsigned seed) { (void) seed; }

int rand(void) {
    if (!random_state) random_state = (uint64_t) millrace_host_random_seed() | 1;
    // SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014)
    random_state += 0x9E3779B97F4A7C15u;
    uint64_t mixed = (random_state ^ random_state >> 30) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBu;
    return (int) ((mixed ^ mixed >> 31) >> 33);
}

// --- What there is no use for in a sandbox.

void teavm_initFiber(void) {}
void teavm_waitFor(int64_t timeout_ms) { (void) timeout_ms; __builtin_trap(); }
void teavm_interrupt(void) {}
void teavm_gc_writeHeapDump(void) {}
_Noreturn void abort(void) { __builtin_trap(); }
_Noreturn void exit(int code) { (void) code; __builtin_trap(); }
char* getenv(const char* name) { (void) name; return NULL; }
char* setlocale(int category, const char* locale) { (void) category; (void) locale; return "C"; }
