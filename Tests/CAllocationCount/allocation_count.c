// Counts allocations by standing in front of the C library's allocator, in the test process only.
#include "allocation_count.h"

#include <stddef.h>

#if defined(__GLIBC__) || defined(__linux__)
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
#define COUNTS 1
#endif
#endif

static __thread unsigned long count;

#ifdef COUNTS
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

void *malloc(size_t size) {
  count += 1;
  return __libc_malloc(size);
}

void *calloc(size_t elements, size_t size) {
  count += 1;
  return __libc_calloc(elements, size);
}

void *realloc(void *memory, size_t size) {
  count += 1;
  return __libc_realloc(memory, size);
}

int synod_counts_allocations(void) { return 1; }
#else
int synod_counts_allocations(void) { return 0; }
#endif

unsigned long synod_allocation_count(void) { return count; }
