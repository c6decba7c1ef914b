import ArgumentParser
import Foundation
import Testing

@testable import SynodServer

/// A name for a file that goes with the test.
private func withPath<R>(_ body: (String) throws -> R) throws -> R {
  let path = NSTemporaryDirectory() + "synod-test-backup-\(UUID().uuidString)"
  defer {
    for name in [path, path + ".part"] { try? FileManager.default.removeItem(atPath: name) }
  }
  return try body(path)
}

private func entries(_ count: Int, valueBytes: Int = 5) -> [BackupFile.Entry] {
  (0..<count).map { number in
    .init(
      key: Array("k\(number)".utf8),
      value: (0..<valueBytes).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) })
  }
}

private func write(_ entries: [BackupFile.Entry], to path: String) throws {
  let writer = try BackupWriter(path)
  for entry in entries { try writer.add(entry) }
  try writer.finish()
}

private func read(_ path: String) throws -> [BackupFile.Entry] {
  let reader = try BackupReader(path)
  var all: [BackupFile.Entry] = []
  while let some = try reader.next() { all += some }
  return all
}

@Test(arguments: [(0, 0), (1, 0), (3, 5), (50, 100_000)])
func aBackupIsReadAsItWasWritten(_ count: Int, _ valueBytes: Int) throws {
  try withPath { path in
    let all = entries(count, valueBytes: valueBytes)
    try write(all, to: path)
    #expect(try read(path) == all)
    #expect(access(path + ".part", F_OK) != 0)
    #expect(throws: Failure.self, "it is not written over") { _ = try BackupWriter(path) }
  }
}

@Test func aBackupThatWasNotFinishedLeavesNothing() throws {
  try withPath { path in
    do {
      let writer = try BackupWriter(path)
      try writer.add(entries(1)[0])
    }
    #expect(access(path, F_OK) != 0 && access(path + ".part", F_OK) != 0)
  }
}

@Test func everyDamageToABackupIsNoticed() throws {
  try withPath { path in
    try write(entries(3), to: path)
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    for length in 0..<whole.count {
      try whole.prefix(length).write(to: URL(fileURLWithPath: path))
      #expect(throws: Failure.self, "cut off at \(length)") { try read(path) }
    }
    for place in whole.indices {
      for bit in [UInt8(1), 0x80] {
        var damaged = whole
        damaged[place] ^= bit
        try damaged.write(to: URL(fileURLWithPath: path))
        #expect(throws: Failure.self, "byte \(place)") { try read(path) }
      }
    }
    try (whole + Data([0])).write(to: URL(fileURLWithPath: path))
    #expect(throws: Failure.self, "more behind the end") { try read(path) }
  }
}

@Test func aClusterIsCopiedIntoAnother() throws {
  let old = try TestCluster(3)
  let client = try old.client(1)
  for number in 0..<300 {
    #expect(try client.ask("SET", "key\(number)", "value\(number)") == .text("OK"))
  }
  #expect(try client.ask("DEL", "key7") == .integer(1))
  try client.send([[Array("SET".utf8), [0, 255, 10], [13, 10, 0, 254]]])
  #expect(try client.reply() == .text("OK"))
  let longest = [UInt8](repeating: 7, count: 512 * 1024)
  try client.send([[Array("SET".utf8), Array("long".utf8), longest]])
  #expect(try client.reply() == .text("OK"))
  try withPath { path in
    let port = "127.0.0.1:"
    try BackupCommand.parse([path, "--node", port + "\(old.ports[1])"]).run()
    let new = try TestCluster(3)
    let node = port + "\(new.ports[2])"
    try RestoreCommand.parse([path, "--node", node]).run()
    let reader = try new.client(1)
    #expect(try reader.ask("DBSIZE") == .integer(301))
    #expect(try reader.ask("STRLEN", "long") == .integer(Int64(longest.count)))
    #expect(try reader.ask("GET", "key299") == .text("value299"))
    #expect(try reader.ask("EXISTS", "key7") == .integer(0))
    reader.givesBytes = true
    try reader.send([[Array("GET".utf8), [0, 255, 10]]])
    #expect(try reader.reply() == .bytes([13, 10, 0, 254]))
    #expect(throws: Failure.self, "it is not empty") {
      try RestoreCommand.parse([path, "--node", node]).run()
    }
    try RestoreCommand.parse([path, "--node", node, "--overwrite"]).run()
  }
}

@Test func whatNobodyKnowsOfARestoreIsAskedForUnderTheSameNumber() {
  var change = RestoreChange(.init(key: Array("k".utf8), value: Array("v".utf8)), run: "r")
  func words(_ command: [[UInt8]]) -> String {
    command.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
  }
  #expect(words(change.command) == "SYNOD.ONCE r 1 SET k v")
  change.fail("UNKNOWN its time ran out")
  #expect(words(change.command) == "SYNOD.ONCE r 1 RETRY SET k v")
  change.fail("TRYAGAIN the disk is full")
  #expect(words(change.command) == "SYNOD.ONCE r 1 RETRY SET k v")
  change.fail("UNKNOWN the key no longer knows what became of an earlier attempt")
  #expect(words(change.command) == "SYNOD.ONCE r 2 SET k v")
  #expect(words(change.farewell) == "SYNOD.FORGET r 2 k")
}

@Test func nothingOfARestoreTakesEffectBehindItsEnd() throws {
  let cluster = try TestCluster(3)
  let copier = CopyingClient(try cluster.client(1))
  try copier.set([.init(key: Array("k".utf8), value: Array("old".utf8))])
  let client = try cluster.client(2)
  #expect(try client.ask("GET", "k") == .text("old"))
  #expect(try client.ask("SET", "k", "new") == .text("OK"))
  // An attempt that was under way all the time.
  let late = try cluster.client(3).ask("SYNOD.ONCE", copier.run, "1", "SET", "k", "old")
  guard case .error(let why) = late else {
    Issue.record("it took effect: \(late)")
    return
  }
  #expect(why.hasPrefix("UNKNOWN the key no longer knows"))
  #expect(try client.ask("GET", "k") == .text("new"))
}
