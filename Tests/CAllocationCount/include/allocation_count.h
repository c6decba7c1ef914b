#pragma once

/// Whether allocations are counted: not under a sanitizer, which has an allocator of its own.
int synod_counts_allocations(void);

/// How often this thread has asked for memory.
unsigned long synod_allocation_count(void);
