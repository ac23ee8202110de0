// The end of the compilation unit that TeaVM's files form: what knows both its types and ours.
#include "exports.h"

_Static_assert(offsetof(TeaVM_String, characters) == MILLRACE_STRING_CHARACTERS, "TeaVM's strings have changed");
_Static_assert(offsetof(TeaVM_Array, size) == MILLRACE_ARRAY_SIZE, "TeaVM's arrays have changed");
_Static_assert(sizeof(TeaVM_Array) == MILLRACE_ARRAY_DATA, "TeaVM's arrays have changed");

extern void __wasm_call_ctors(void);
extern uint8_t __stack_low;

// Grows downwards. The reserve is for the code that makes the exception.
#define STACK_RESERVE_BYTES 16384
uintptr_t millrace_stack_limit;

void millrace_stack_use_reserve(int32_t use) {
    millrace_stack_limit = (uintptr_t) &__stack_low + (use ? 512 : STACK_RESERVE_BYTES);
}

void millrace_stack_overflow(void) {
    // Before anything is called: the check that has failed is in every function. Java takes it back.
    millrace_stack_use_reserve(1);
    CALL(MILLRACE_STACK_OVERFLOW, void, (void))();
    __builtin_trap();
}

// The collector has found no room, and has used up its list of free places: collecting everything makes it anew.
void teavm_outOfMemory(void) {
    teavm_gc_collectFull();
    CALL(MILLRACE_OUT_OF_MEMORY, void, (void))();
    __builtin_trap();
}

// Room on the heap if there is some without collecting, as `GC.alloc` takes it; what is in it is undefined.
static inline char* take(int32_t bytes) {
    char* at = sfld_otr_GC_currentChunk;
    if (at + bytes + sizeof(cls_otr_FreeChunk) >= (char*) sfld_otr_GC_currentChunkLimit) return NULL;
    sfld_otr_GC_currentChunk = at + bytes;
    sfld_otr_GC_freeMemory -= bytes;
    return at;
}

// A string and its characters, which are undefined. Nothing is collected in between, so nothing moves.
static inline TeaVM_String* take_string(int32_t units) {
    int32_t array_bytes = (int32_t) ((sizeof(TeaVM_Array) + (uint32_t) units * 2 + 7) & ~7u);
    int32_t string_bytes = (int32_t) ((sizeof(TeaVM_String) + 7) & ~7u);
    char* at = take(array_bytes + string_bytes);
    if (!at) return NULL;
    TeaVM_Array* characters = (TeaVM_Array*) at;
    *characters = (TeaVM_Array) {.parent = {.header = TEAVM_PACK_CLASS(&Arr_C_Cls)}, .size = units};
    TeaVM_String* string = (TeaVM_String*) (at + array_bytes);
    *string = (TeaVM_String) {.parent = {.header = TEAVM_PACK_CLASS(&jl_String_Cls)}, .characters = characters};
    return string;
}

void* millrace_string_try(int32_t from, int32_t bytes) {
    // The empty text is a constant.
    if (bytes == 0) return NULL;
    int32_t units = millrace_utf16_length(from, bytes);
    TeaVM_String* string = take_string(units);
    if (string) millrace_utf16_write(millrace_string_characters(string), from, bytes, units);
    return string;
}

void* millrace_string_case_try(void* text, int32_t first) {
    int32_t units = millrace_string_units(text);
    int32_t state = millrace_ascii_case(millrace_string_characters(text), units, first);
    if (state != 1) return state == 0 ? text : NULL;
    TeaVM_String* string = take_string(units);
    if (string) millrace_ascii_flip(millrace_string_characters(string), millrace_string_characters(text), units, first);
    return string;
}

void* millrace_cell_text(int32_t cells, int32_t index, int32_t row) {
    if (!millrace_cell_has(cells, index, MILLRACE_UTF8, row)) return NULL;
    const millrace_cell* cell = &((millrace_cells*) cells)->cells[index];
    const int32_t* offsets = (const int32_t*) cell->data;
    return millrace_string_try(cell->bytes + offsets[row], offsets[row + 1] - offsets[row]);
}

// The component's start: runs the static initialisers and the entry class.
__attribute__((export_name("_initialize"))) void _initialize(void) {
    char* arguments[] = {"component", NULL};
    __wasm_call_ctors();
    millrace_stack_use_reserve(0);
    teavm_main(1, arguments);
}
