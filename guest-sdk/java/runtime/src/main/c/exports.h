// How exports of an interface of the contract are named.
#pragma once
#include "millrace.h"

// Functions of Java by number: those of the world from 0, in the order of its interface, then what every world has.
#define MILLRACE_OUT_OF_MEMORY 14
#define MILLRACE_STACK_OVERFLOW 15
#define MILLRACE_EXPORTS 16
extern void* millrace_exports[MILLRACE_EXPORTS];

#define CALL(number, result, parameters) ((result (*) parameters) millrace_exports[number])

#define EXPORT(interface, name) __attribute__((export_name("millrace:plugin/" interface "@0.1.0#" name)))
// After the host has read an answer, the memory of the call is free.
#define POST_RETURN_NAME2(line) post_return_##line
#define POST_RETURN_NAME(line) POST_RETURN_NAME2(line)
#define POST_RETURN(interface, name) \
    __attribute__((export_name("cabi_post_millrace:plugin/" interface "@0.1.0#" name))) \
    void POST_RETURN_NAME(__LINE__)(int32_t answer) { (void) answer; millrace_release_all(); }
