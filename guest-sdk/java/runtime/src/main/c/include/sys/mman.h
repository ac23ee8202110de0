// Stands in for the system's header in TeaVM's memory.c: places and pages come from heap.c.
#pragma once
#include <stdint.h>

extern void* millrace_pages(int64_t bytes);
extern void millrace_commit(void* at, int64_t bytes);

#define PROT_NONE 0
#define PROT_READ 1
#define PROT_WRITE 2
#define MAP_PRIVATE 2
#define MAP_ANONYMOUS 32
#define mmap(address, bytes, protection, flags, file, offset) millrace_pages(bytes)
#define mprotect(address, bytes, protection) ((protection) == PROT_NONE ? (void) 0 : millrace_commit(address, bytes))
