#define _GNU_SOURCE
#include "cmemoryhints.h"

#include <sys/mman.h>

void synod_prefer_large_pages(void *memory, size_t length) {
#ifdef MADV_HUGEPAGE
  (void)madvise(memory, length, MADV_HUGEPAGE);
#else
  (void)memory;
  (void)length;
#endif
}
