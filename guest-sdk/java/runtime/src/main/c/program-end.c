// The end of the compilation unit that TeaVM's files form: what knows both its types and ours.
#include "exports.h"

_Static_assert(offsetof(TeaVM_String, characters) == MILLRACE_STRING_CHARACTERS, "TeaVM's strings have changed");
_Static_assert(sizeof(TeaVM_Array) == MILLRACE_CHARACTERS_DATA, "TeaVM's arrays have changed");

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

// The component's start: runs the static initialisers and the entry class.
__attribute__((export_name("_initialize"))) void _initialize(void) {
    char* arguments[] = {"component", NULL};
    __wasm_call_ctors();
    millrace_stack_use_reserve(0);
    teavm_main(1, arguments);
}
