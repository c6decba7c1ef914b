#define _GNU_SOURCE
#include "cmemoryhints.h"

#include <stdlib.h>
#include <sys/mman.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

void synod_prefer_large_pages(void *memory, size_t length) {
#ifdef MADV_HUGEPAGE
  (void)madvise(memory, length, MADV_HUGEPAGE);
#else
  (void)memory;
  (void)length;
#endif
}

void synod_give_back_memory(void) {
#ifdef __GLIBC__
  (void)malloc_trim(0);
#endif
}
