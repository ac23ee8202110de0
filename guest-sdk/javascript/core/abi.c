// Memory of arguments, and what the C library expects of a system.
//
// Invariant: the component imports nothing of WASI; what the C library could ask of a system is answered here, by errors
// or by nothing.
#include "abi.h"

#include <stdlib.h>

static void **lent;
static size_t lent_count, lent_capacity;

EXPORT("cabi_realloc")
void *cabi_realloc(void *old, size_t old_size, size_t align, size_t new_size) {
  (void)old_size;
  if (new_size == 0) return (void *)align;
  // malloc aligns by 16 bytes, more than any type of the contract needs.
  void *memory = realloc(old, new_size);
  if (!memory) __builtin_trap();
  if (old) {
    for (size_t i = 0; i < lent_count; i++)
      if (lent[i] == old) lent[i] = memory;
    return memory;
  }
  if (lent_count == lent_capacity) {
    lent_capacity = lent_capacity ? lent_capacity * 2 : 64;
    lent = realloc(lent, lent_capacity * sizeof(void *));
    if (!lent) __builtin_trap();
  }
  lent[lent_count++] = memory;
  return memory;
}

void abi_release(void) {
  for (size_t i = 0; i < lent_count; i++) free(lent[i]);
  lent_count = 0;
}

#define WASI(name) __imported_wasi_snapshot_preview1_##name
enum { WASI_BADF = 8, WASI_NOSYS = 52 };

// The engine reads the clock once, to seed its random numbers; scripts read it by the capability.
int32_t WASI(clock_time_get)(int32_t id, int64_t precision, int64_t *time) {
  (void)id, (void)precision;
  static uint64_t seed;
  if (!seed) seed = host_random_seed() >> 2;
  *time = (int64_t)seed;
  return 0;
}
int32_t WASI(clock_res_get)(int32_t id, int64_t *resolution) { return (void)id, *resolution = 1000000, 0; }
int32_t WASI(environ_sizes_get)(int32_t *count, int32_t *size) { return *count = 0, *size = 0, 0; }
int32_t WASI(environ_get)(int32_t a, int32_t b) { return (void)a, (void)b, 0; }
int close(int descriptor) { return (void)descriptor, -1; }
int32_t WASI(fd_fdstat_get)(int32_t a, int32_t b) { return (void)a, (void)b, WASI_BADF; }
int32_t WASI(fd_seek)(int32_t a, int64_t b, int32_t c, int32_t d) { return (void)a, (void)b, (void)c, (void)d, WASI_BADF; }
int32_t WASI(fd_read)(int32_t a, int32_t b, int32_t c, int32_t d) { return (void)a, (void)b, (void)c, (void)d, WASI_BADF; }
int32_t WASI(fd_write)(int32_t a, int32_t b, int32_t c, int32_t d) { return (void)a, (void)b, (void)c, (void)d, WASI_BADF; }
int32_t WASI(fd_prestat_get)(int32_t a, int32_t b) { return (void)a, (void)b, WASI_BADF; }
int32_t WASI(fd_prestat_dir_name)(int32_t a, int32_t b, int32_t c) { return (void)a, (void)b, (void)c, WASI_BADF; }
int32_t WASI(sched_yield)(void) { return WASI_NOSYS; }
_Noreturn void WASI(proc_exit)(int32_t code) { (void)code; __builtin_trap(); }
