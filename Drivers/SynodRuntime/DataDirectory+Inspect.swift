internal import Glibc
public import SynodJournal

extension DataDirectory {
  /// Surveys a directory without touching it: nothing is locked, repaired or written. Where a node
  /// runs on it, its write under way may look like a torn one.
  /// - Parameter body: gets what was found, and where to read on.
  /// - Throws: `DataDirectoryError`, or what `body` throws.
  public static func inspect<R>(
    _ path: String, _ body: (Survey, FileSource) throws -> R
  ) throws -> R {
    let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw DataDirectoryError.cannot(path: path, reason: String(cString: strerror(errno)))
    }
    defer { Glibc.close(descriptor) }
    let source = FileSource(directory: descriptor, isDirect: false)
    guard let survey = try survey(source, path: path) else {
      throw DataDirectoryError.cannot(path: path, reason: "there is no store in it")
    }
    return try body(survey, source)
  }
}
