// The Java heap's place in linear memory, and memory for everything else.
//
// Linear memory grows at its end only, and what it has grown is charged to the tenant, touched or not. So the heap, which may
// become large, has the last place and is taken piece by piece as the collector wants more of it. Everything else comes from a room
// before it; when that is used up, the rest of the heap is taken at once, and further rooms lie behind it.
//
//     data and stack | rooms of the start | tables of the collector | room | heap: taken, and to be taken | further rooms
//
// Invariant: once the heap has its place, nothing but the functions here makes the memory grow; something else that did would have
// got a piece of the heap, so it traps.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PAGE ((uintptr_t) 65536)
// What batches of a few thousand rows need.
#define ROOM_BYTES ((uintptr_t) 4 << 20)
#define ROOM_MORE_BYTES ((uintptr_t) 256 << 10)

static uintptr_t room, room_end;
static uintptr_t tables, tables_end;
static uintptr_t heap, heap_end;
// Where the memory ended when it last grew, from the moment on when the heap has its place.
static uintptr_t known_end;

static uintptr_t memory_end(void) {
    return (uintptr_t) __builtin_wasm_memory_size(0) << 16;
}

static uintptr_t whole_pages(uintptr_t bytes) {
    return (bytes + PAGE - 1) & ~(PAGE - 1);
}

// Makes the memory reach to `end` at least; 0 if the sandbox does not allow it.
static int grow_to(uintptr_t end) {
    uintptr_t now = memory_end();
    if (heap && now != known_end) __builtin_trap();
    if (end <= now) return 1;
    if (__builtin_wasm_memory_grow(0, whole_pages(end - now) >> 16) == (size_t) -1) return 0;
    known_end = memory_end();
    return 1;
}

// The first place that the collector asks for is the heap's, the others are its tables'.
void* millrace_pages(int64_t wanted) {
    uintptr_t bytes = whole_pages((uintptr_t) wanted);
    if (!heap) {
        tables = memory_end();
        // A sixteenth of the heap for marking, and a few bytes for each of its regions.
        tables_end = tables + whole_pages(bytes / 16) + whole_pages(bytes / 128) + 4 * PAGE;
        if (!grow_to(tables_end + ROOM_BYTES)) __builtin_trap();
        room = tables_end;
        room_end = heap = known_end = memory_end();
        heap_end = heap + bytes;
        return (void*) heap;
    }
    uintptr_t at = tables;
    if (bytes > tables_end - at) __builtin_trap();
    tables = at + bytes;
    return (void*) at;
}

// The collector is about to use these bytes. The sandbox knows why it refused them: the fault says so.
void millrace_commit(void* at, int64_t bytes) {
    uintptr_t end = (uintptr_t) at + (uintptr_t) bytes;
    if (end > heap && end <= heap_end && !grow_to(end)) __builtin_trap();
}

static void* take(uintptr_t bytes) {
    if (room_end - room < bytes) {
        if (heap && !grow_to(heap_end)) return NULL;
        uintptr_t start = memory_end();
        if (!grow_to(start + whole_pages(bytes > ROOM_MORE_BYTES ? bytes : ROOM_MORE_BYTES))) return NULL;
        // Without the heap between them two rooms are one.
        if (start != room_end) room = start;
        room_end = memory_end();
    }
    void* at = (void*) room;
    room += bytes;
    return at;
}

// --- malloc: pieces of a few sizes between each power of two and the next, and those of each size that are free.

#define HEADER_BYTES 16
#define PIECE_BYTES_MIN 32
#define PIECE_BYTES_MAX ((size_t) 1 << 30)
#define SIZES 128

struct piece {
    uint32_t size;
    struct piece* next;
};

static struct piece* unused[SIZES];

// Quarters of a power of two: 32, 40, 48, 56, 64, 80, …
static size_t bytes_of(uint32_t size) {
    return (size_t) (4 + (size & 3)) << (size >> 2);
}

static uint32_t size_for(size_t bytes) {
    if (bytes <= PIECE_BYTES_MIN) bytes = PIECE_BYTES_MIN;
    uint32_t power = 31 - (uint32_t) __builtin_clz((uint32_t) bytes) - 2;
    uint32_t size = power << 2 | (uint32_t) (bytes >> power & 3);
    return bytes_of(size) < bytes ? size + 1 : size;
}

void* millrace_malloc(size_t bytes) {
    if (bytes > PIECE_BYTES_MAX) return NULL;
    uint32_t size = size_for(bytes + HEADER_BYTES);
    struct piece* piece = unused[size];
    if (piece) {
        unused[size] = piece->next;
    } else {
        piece = take((bytes_of(size) + 15) & ~(uintptr_t) 15);
        if (!piece) return NULL;
        piece->size = size;
    }
    return (char*) piece + HEADER_BYTES;
}

void millrace_free(void* at) {
    if (!at) return;
    struct piece* piece = (struct piece*) ((char*) at - HEADER_BYTES);
    piece->next = unused[piece->size];
    unused[piece->size] = piece;
}

void* millrace_calloc(size_t count, size_t bytes) {
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total)) return NULL;
    void* at = millrace_malloc(total);
    return at ? memset(at, 0, total) : NULL;
}

void* millrace_realloc(void* old, size_t bytes) {
    if (!old) return millrace_malloc(bytes);
    size_t room_of_old = bytes_of(((struct piece*) ((char*) old - HEADER_BYTES))->size) - HEADER_BYTES;
    if (bytes <= room_of_old) return old;
    void* at = millrace_malloc(bytes);
    if (!at) return NULL;
    memcpy(at, old, room_of_old);
    millrace_free(old);
    return at;
}
