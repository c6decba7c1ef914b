/// How a commit becomes durable, by what the file system takes.
package enum WriteMode: String, Sendable, CaseIterable {
  /// `O_DIRECT | O_DSYNC`: one `pwrite` past the page cache.
  case direct
  /// `O_DSYNC`: one `pwrite` through it.
  case synchronous
  /// `pwrite`, then `fdatasync`.
  case separate
  /// No sync at all: acknowledged records are lost with the power. For the rig that proves that
  /// the rig sees it.
  case unsafe
}

/// What a sync is for.
package enum FileSync: Sendable {
  /// The bytes of a file, and its size.
  case data
  /// The names in a directory.
  case directory
}
