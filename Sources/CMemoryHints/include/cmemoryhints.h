#ifndef CMEMORYHINTS_H
#define CMEMORYHINTS_H

#include <stddef.h>

/// Tells the processor that the line at `address` is about to be used. A hint: any address will do.
static inline void synod_prefetch(const void *address) { __builtin_prefetch(address, 1); }

/// Tells the system that `length` bytes from `memory` on, which begins a page, are looked at in no
/// order: where it can, it gives them large pages. A hint: nothing is said where it cannot.
void synod_prefer_large_pages(void *memory, size_t length);

/// Gives memory that was freed, and that the allocator keeps, back to the system, where it can. The
/// process stands still meanwhile: some 0.5 ms for each MiB.
void synod_give_back_memory(void);

#endif
