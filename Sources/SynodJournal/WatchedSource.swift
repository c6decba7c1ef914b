/// A source that remembers a failure which says nothing of what the disk holds (too many open files,
/// no memory): what was read then is no ground for a verdict.
struct WatchedSource<Source: JournalSource>: JournalSource {
  private final class Memory {
    var failure: FileFailure?
  }

  private let source: Source
  private let memory = Memory()

  init(_ source: Source) { self.source = source }

  /// The first such failure.
  var failure: FileFailure? { memory.failure }

  func files() throws(FileFailure) -> [JournalFile: UInt64] { try source.files() }

  func read(
    _ file: JournalFile, at offset: UInt64, into target: UnsafeMutableRawBufferPointer
  ) throws(FileFailure) -> Int {
    do throws(FileFailure) {
      return try source.read(file, at: offset, into: target)
    } catch {
      if error.kind != .unreadable, memory.failure == nil { memory.failure = error }
      throw error
    }
  }
}
