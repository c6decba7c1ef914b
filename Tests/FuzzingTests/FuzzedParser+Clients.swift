import KeyValue
import RESP
import Synod

extension FuzzedParser {
  /// The first byte says where the bytes are split.
  static func feedRequests(_ bytes: UnsafeRawBufferPointer) {
    guard let place = bytes.first else { return }
    let stream = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
    let whole = requests(in: stream, splitAt: stream.count)
    check(
      whole == requests(in: stream, splitAt: Int(place)), "commands depend on how they are split")
  }

  private struct Requests: Equatable {
    var commands: [[[UInt8]]] = []
    var error: ProtocolError?
  }

  private static func requests(in stream: UnsafeRawBufferPointer, splitAt place: Int) -> Requests {
    let limits = RequestLimits(
      maxArguments: 1000, maxInline: 512, maxBulk: 4096, maxRequest: 8192)
    var parser = RequestParser(limits: limits)
    var found = Requests()
    let place = min(place, stream.count)
    for part in [stream[..<place], stream[place...]] {
      let part = UnsafeRawBufferPointer(rebasing: part)
      var offset = 0
      do throws(ProtocolError) {
        while try parser.next(in: part, from: &offset) {
          found.commands.append((0..<parser.argumentCount).map { Array(parser.argument($0)) })
        }
      } catch {
        found.error = found.error ?? error
      }
      check(parser.pendingCapacity <= 64 << 10, "what a client makes a node hold is bounded")
    }
    return found
  }

  /// Commands of an agreed log, applied, and a snapshot of what they make.
  static func feedCommands(_ bytes: UnsafeRawBufferPointer) {
    var reader = ByteReader(Bytes(copying: bytes))
    var state = KeyValueState()
    var position: UInt64 = 0
    while let command = try? KeyValueCommand(from: &reader) {
      position += 1
      check(KeyValueCommand(encoded: command.encoded) == command, "a command comes back")
      _ = command.footprint
      let before = state.digest
      let (outcome, _) = state.apply(command, at: ApplyContext(position: position))
      check(KeyValueReplyForm.comesBack(outcome), "an outcome comes back")
      if command.isReadOnly { check(state.digest == before, "what only reads changes nothing") }
    }
    var pieces: [Bytes] = []
    var cursor: KeyValueState.Cursor?
    repeat {
      cursor = state.snapshot(after: cursor, limit: 1024, into: &pieces)
    } while cursor != nil
    var copy = KeyValueState()
    for piece in pieces {
      do throws(RestoreError) { try copy.restore(piece) } catch { fatalError("\(error)") }
    }
    check(copy.digest == state.digest, "a snapshot makes an equal state")
    // Any bytes as a piece: refused, or taken.
    var other = KeyValueState()
    try? other.restore(Bytes(copying: bytes))
  }
}

private enum KeyValueReplyForm {
  static func comesBack(_ outcome: KeyValueState.Outcome) -> Bool {
    KeyValueState.Outcome(encoded: outcome.encoded) == outcome
  }
}
