import Glibc
import Testing
import UV

@Suite struct ReadWatcherTests {
  /// Two ends of a pipe.
  private static func pipe() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    try #require(Glibc.pipe(&ends) == 0)
    return (ends[0], ends[1])
  }

  @Test func whatIsLeftIsToldAgain() throws {
    let ends = try Self.pipe()
    let loop = try Loop()
    var read = ""
    var byte: UInt8 = 0
    let watcher = try ReadWatcher(loop, descriptor: ends.read) {
      guard Glibc.read(ends.read, &byte, 1) == 1 else { return }
      read.append(Character(Unicode.Scalar(byte)))
      if read.count == 3 { loop.stop() }
    }
    #expect(Glibc.write(ends.write, "abc", 3) == 3)
    loop.run()
    #expect(read == "abc")
    watcher.close()
    loop.close()
    for end in [ends.read, ends.write] { close(end) }
  }

  @Test func afterItsEndNobodyIsTold() throws {
    let ends = try Self.pipe()
    let loop = try Loop()
    var isTold = false
    let watcher = try ReadWatcher(loop, descriptor: ends.read) { isTold = true }
    watcher.close()
    #expect(watcher.isClosed && Glibc.write(ends.write, "a", 1) == 1)
    let timer = Timer(loop) { loop.stop() }
    timer.start(after: 5)
    loop.run()
    #expect(!isTold)
    timer.close()
    loop.close()
    for end in [ends.read, ends.write] { close(end) }
  }

  @Test func aFileCannotBeWatched() throws {
    let loop = try Loop()
    let file = open("/proc/self/exe", O_RDONLY)
    #expect(throws: UVError.self) { try ReadWatcher(loop, descriptor: file) {} }
    loop.close()
    close(file)
  }
}
