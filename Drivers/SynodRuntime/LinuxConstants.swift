// Constants of Linux that Glibc's module does not show, since they need _GNU_SOURCE.

#if arch(arm64) || arch(arm)
  /// Past the page cache.
  let O_DIRECT: Int32 = 0o200000
#else
  /// Past the page cache.
  let O_DIRECT: Int32 = 0o40000
#endif

/// Locks a range for an open file, not for a process.
let F_OFD_SETLK: Int32 = 37

/// Asks who holds such a lock.
let F_OFD_GETLK: Int32 = 36
