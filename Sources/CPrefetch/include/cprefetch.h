#ifndef CPREFETCH_H
#define CPREFETCH_H

/// Tells the processor that the line at `address` is about to be used. A hint: any address will do.
static inline void synod_prefetch(const void *address) { __builtin_prefetch(address, 1); }

#endif
