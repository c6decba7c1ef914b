#ifndef CCRC32C_H
#define CCRC32C_H

#include <stddef.h>
#include <stdint.h>

/// Whether this processor has a CRC32C instruction that `synod_crc32c_extend` can use.
int synod_crc32c_available(void);

/// Extends a raw (not inverted) CRC32C over `count` bytes with the processor's instruction.
/// Calling it where `synod_crc32c_available` says 0 is a programming error.
uint32_t synod_crc32c_extend(uint32_t crc, const void *bytes, size_t count);

#endif
