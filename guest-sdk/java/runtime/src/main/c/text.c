// UTF-8 and UTF-16, and the case of ASCII letters: eight characters at a time as long as all are ASCII.
//
// Text of less than eight characters goes one by one; of longer text the last eight are done once more, so that there is
// no remainder.
#include "millrace.h"
#include <uchar.h>
#include <wasm_simd128.h>

typedef uint64_t word8 __attribute__((aligned(1), may_alias));

#define NOT_ASCII8 0x8080808080808080u

static int is_ascii(const uint8_t* at, int32_t bytes) {
    if (bytes < 8) {
        uint8_t seen = 0;
        for (int32_t i = 0; i < bytes; i++) seen |= at[i];
        return seen < 0x80;
    }
    const uint8_t* last = at + bytes - 8;
    uint64_t seen = *(const word8*) last;
    for (; at < last; at += 8) seen |= *(const word8*) at;
    return (seen & NOT_ASCII8) == 0;
}

int32_t millrace_utf16_length(int32_t from, int32_t bytes) {
    const uint8_t* at = (const uint8_t*) from;
    if (is_ascii(at, bytes)) return bytes;
    const uint8_t* end = at + bytes;
    int32_t units = 0;
    // A unit per byte that starts a character, two if it needs four bytes.
    for (; at < end; at++) units += ((*at & 0xC0) != 0x80) + (*at >= 0xF0);
    return units;
}

static char16_t* widen(char16_t* to, const uint8_t* at, const uint8_t* end) {
    while (at < end) {
        uint32_t c = *at++;
        if (c < 0x80) {
            *to++ = (char16_t) c;
        } else if (c < 0xE0) {
            *to++ = (char16_t) ((c & 0x1F) << 6 | (at[0] & 0x3F));
            at += 1;
        } else if (c < 0xF0) {
            *to++ = (char16_t) ((c & 0x0F) << 12 | (at[0] & 0x3F) << 6 | (at[1] & 0x3F));
            at += 2;
        } else {
            c = (c & 0x07) << 18 | (at[0] & 0x3F) << 12 | (at[1] & 0x3F) << 6 | (at[2] & 0x3F);
            at += 3;
            c -= 0x10000;
            *to++ = (char16_t) (0xD800 + (c >> 10));
            *to++ = (char16_t) (0xDC00 + (c & 0x3FF));
        }
    }
    return to;
}

void millrace_utf16_write(void* target, int32_t from, int32_t bytes, int32_t units) {
    char16_t* to = target;
    const uint8_t* at = (const uint8_t*) from;
    const uint8_t* end = at + bytes;
    // As many units as bytes: all is ASCII.
    if (units == bytes && bytes >= 8) {
        int32_t last = bytes - 8;
        for (int32_t i = 0; i < last; i += 8) wasm_v128_store(to + i, wasm_u16x8_load8x8(at + i));
        wasm_v128_store(to + last, wasm_u16x8_load8x8(at + last));
        return;
    }
    widen(to, at, end);
}

static uint8_t* narrow(uint8_t* to, const char16_t* at, const char16_t* end) {
    while (at < end) {
        uint32_t c = *at++;
        if (c < 0x80) {
            *to++ = (uint8_t) c;
        } else if (c < 0x800) {
            *to++ = (uint8_t) (0xC0 | c >> 6);
            *to++ = (uint8_t) (0x80 | (c & 0x3F));
        } else if (c >= 0xD800 && c < 0xDC00 && at < end && *at >= 0xDC00 && *at < 0xE000) {
            c = 0x10000 + ((c - 0xD800) << 10) + (*at++ - 0xDC00u);
            *to++ = (uint8_t) (0xF0 | c >> 18);
            *to++ = (uint8_t) (0x80 | (c >> 12 & 0x3F));
            *to++ = (uint8_t) (0x80 | (c >> 6 & 0x3F));
            *to++ = (uint8_t) (0x80 | (c & 0x3F));
        } else {
            // Half a pair is no character: U+FFFD stands for it.
            if (c >= 0xD800 && c < 0xE000) c = 0xFFFD;
            *to++ = (uint8_t) (0xE0 | c >> 12);
            *to++ = (uint8_t) (0x80 | (c >> 6 & 0x3F));
            *to++ = (uint8_t) (0x80 | (c & 0x3F));
        }
    }
    return to;
}

static int is_ascii8(v128_t units) {
    return !wasm_v128_any_true(wasm_v128_and(units, wasm_i16x8_const_splat((int16_t) 0xFF80)));
}

static void store8(uint8_t* to, v128_t units) { wasm_v128_store64_lane(to, wasm_u8x16_narrow_i16x8(units, units), 0); }

int32_t millrace_utf8_write(int32_t target, void* source, int32_t units) {
    uint8_t* to = (uint8_t*) target;
    const char16_t* at = source;
    const char16_t* end = at + units;
    while (end - at >= 8) {
        v128_t text = wasm_v128_load(at);
        if (!is_ascii8(text)) break;
        store8(to, text);
        at += 8;
        to += 8;
    }
    // Eight or more were done, so the last eight may be done once more.
    if (at < end && units >= 8 && end - at < 8) {
        v128_t text = wasm_v128_load(end - 8);
        if (is_ascii8(text)) {
            store8(to - (8 - (end - at)), text);
            return (int32_t) (to + (end - at) - (uint8_t*) target);
        }
    }
    return (int32_t) (narrow(to, at, end) - (uint8_t*) target);
}

// Case: `first` is `a` or `A`, the first of the letters that change.

int32_t millrace_ascii_case(void* characters, int32_t units, int32_t first) {
    const char16_t* at = characters;
    if (units < 8) {
        int beyond_ascii = 0, changing = 0;
        for (int32_t i = 0; i < units; i++) {
            beyond_ascii |= at[i] & 0xFF80;
            changing |= (uint16_t) (at[i] - first) < 26;
        }
        return beyond_ascii ? 2 : changing ? 1 : 0;
    }
    v128_t beyond = wasm_i16x8_const_splat(0), changes = beyond, from = wasm_i16x8_splat((int16_t) first);
    for (int32_t i = 0;; i = i + 8 < units - 8 ? i + 8 : units - 8) {
        v128_t text = wasm_v128_load(at + i);
        beyond = wasm_v128_or(beyond, text);
        changes = wasm_v128_or(changes, wasm_u16x8_lt(wasm_i16x8_sub(text, from), wasm_i16x8_const_splat(26)));
        if (i == units - 8) break;
    }
    return !is_ascii8(beyond) ? 2 : wasm_v128_any_true(changes) ? 1 : 0;
}

void millrace_ascii_flip(void* target, void* source, int32_t units, int32_t first) {
    char16_t* to = target;
    const char16_t* at = source;
    if (units < 8) {
        for (int32_t i = 0; i < units; i++) to[i] = (uint16_t) (at[i] - first) < 26 ? at[i] ^ 0x20 : at[i];
        return;
    }
    v128_t from = wasm_i16x8_splat((int16_t) first), bit = wasm_i16x8_const_splat(0x20);
    for (int32_t i = 0;; i = i + 8 < units - 8 ? i + 8 : units - 8) {
        v128_t text = wasm_v128_load(at + i);
        v128_t letters = wasm_u16x8_lt(wasm_i16x8_sub(text, from), wasm_i16x8_const_splat(26));
        wasm_v128_store(to + i, wasm_v128_xor(text, wasm_v128_and(letters, bit)));
        if (i == units - 8) break;
    }
}

// Text in columns.

millrace_cells millrace_no_cells;

int32_t millrace_cell_put_text(int32_t cells, int32_t index, int32_t row, void* string) {
    millrace_cell* cell = millrace_cell_open(cells, index, MILLRACE_UTF8);
    if (!cell) return 0;
    int32_t* offsets = (int32_t*) cell->data;
    int32_t units = millrace_string_units(string), from = offsets[row];
    if ((int64_t) from + (int64_t) units * 3 > cell->bytes_room) return 0;
    offsets[row + 1] = from + millrace_utf8_write(cell->bytes + from, millrace_string_characters(string), units);
    millrace_cell_touch(cells, index, row);
    return 1;
}
