import Glibc
import Synod
import SynodSimulation

#if !FUZZING
  // The fuzzers compile these files of the server themselves: a program has no other program's parts.
  @testable import SynodServer
#endif

extension FuzzedParser {
  static func feedSettings(_ bytes: UnsafeRawBufferPointer) {
    guard let text = String(validating: bytes, as: UTF8.self) else { return }
    do throws(SettingsText.Malformed) {
      let settings = try SettingsText(text)
      for table in settings.tables {
        for entry in table.entries {
          check(entry.line >= 1, "lines are counted from one")
          // What is printed is read as the same.
          let printed = "key = \(entry.value)"
          do throws(SettingsText.Malformed) {
            let again = try SettingsText(printed).tables[0].entries[0].value
            check(again == entry.value, "'\(printed)' is read as \(again)")
          } catch {
            fatalError("'\(printed)' is not read: \(error)")
          }
        }
      }
    } catch {
      check(error.line >= 1, "lines are counted from one")
    }
  }

  static func feedUsers(_ bytes: UnsafeRawBufferPointer) {
    guard let text = String(validating: bytes, as: UTF8.self) else { return }
    guard let settings = try? SettingsText(text), let users = try? UserBook(settings) else {
      return
    }
    for user in users.all { check(users[user.name]?.name == user.name, "users have their names") }
    _ = users.initial
  }

  /// The first byte says where the bytes are split.
  static func feedHTTP(_ bytes: UnsafeRawBufferPointer) {
    guard let place = bytes.first else { return }
    let stream = bytes.dropFirst()
    var (whole, split) = (HTTPRequest(), HTTPRequest())
    _ = whole.receive(stream)
    _ = split.receive(stream.prefix(Int(place)))
    _ = split.receive(stream.dropFirst(Int(place)))
    check(whole.status == split.status, "a request depends on how it is split")
  }

  /// The checksums of blocks are made right, but for files whose first byte is odd.
  static func feedBackup(_ bytes: UnsafeRawBufferPointer) {
    guard let first = bytes.first else { return }
    var file = Array(bytes.dropFirst())
    if first & 1 == 0 { mendBackup(&file) }
    var template = Array("/dev/shm/synod-fuzz-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else { return }
    unlink(template)
    defer { close(descriptor) }
    _ = file.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    guard let reader = try? BackupReader("/proc/self/fd/\(descriptor)") else { return }
    var entries = 0
    while let block = try? reader.next() { entries += block.count }
    check(entries <= file.count, "an entry takes bytes")
  }

  private static func mendBackup(_ file: inout [UInt8]) {
    var start = BackupFile.firstLine.count
    file.replaceSubrange(..<min(start, file.count), with: BackupFile.firstLine)
    while start + 8 <= file.count {
      var length = Int(file[start]) | Int(file[start + 1]) << 8
      if length == 0 { length = 8 }
      let end = min(start + 8 + length, file.count)
      let sum = file[(start + 8)..<end].withUnsafeBytes { CRC32C.checksum($0) }
      put(sum, at: start + 4, &file)
      start = end
    }
  }

  static func feedHistory(_ bytes: UnsafeRawBufferPointer) {
    guard let text = String(validating: bytes, as: UTF8.self) else { return }
    _ = try? RecordedHistory(text)
  }
}
