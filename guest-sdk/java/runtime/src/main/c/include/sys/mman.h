// Stands in for the system's header in TeaVM's memory.c: the heap comes from memory.grow.
#pragma once
#include <stdint.h>

extern void* millrace_pages(int64_t bytes);

#define PROT_NONE 0
#define PROT_READ 1
#define PROT_WRITE 2
#define MAP_PRIVATE 2
#define MAP_ANONYMOUS 32
#define mmap(address, bytes, protection, flags, file, offset) millrace_pages(bytes)
#define mprotect(address, bytes, protection) ((void) 0)
