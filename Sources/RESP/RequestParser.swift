/// Reads commands from a client's bytes, however they are split: arrays of bulk strings, and inline
/// commands.
///
/// An argument is copied out of the read buffer once. A command that lies in the buffer whole is
/// not copied at all here: its arguments point into the buffer, and the caller copies what it
/// keeps. A command that straddles two reads is gathered in a `RequestStorage` of its own, which
/// the caller may keep instead of copying.
///
/// The protocol: https://redis.io/docs/latest/develop/reference/protocol-spec/
public struct RequestParser {
  /// What a client may ask for at most. Changed between two commands, it holds for the next one.
  public var limits: RequestLimits

  /// Where the command's bytes lie: here once it did not end with the buffer in which it began.
  private var storage: RequestStorage?
  private var phase = Phase.start
  /// Offset in the command of the first byte that was not understood yet.
  private var position = 0
  /// Offset in the command up to which the end of its line was looked for.
  private var scanned = 0
  private var expected = 0
  private var arguments: [(offset: Int, count: Int)] = []
  private var base: UnsafeRawPointer?
  private var failure: ProtocolError?

  private enum Phase {
    /// Before the first byte; leads to `count` or `inline`.
    case start
    /// In `*3`; leads to `length`, or back to `start` where the array is empty.
    case count
    /// In `$5`; leads to `payload`, or to `complete` after the last.
    case length
    /// In the bytes of an argument, or the line end behind them; leads to `length`.
    case payload(Int)
    /// In an inline command; leads to `complete`, or back to `start` where the line is empty.
    case inline
    /// A command was given out; leads to `start` with the next call.
    case complete
  }

  /// A parser before the first byte of a connection.
  public init(limits: RequestLimits = RequestLimits()) { self.limits = limits }

  /// Arguments of the command that was found, its name included; at least 1.
  public var argumentCount: Int { arguments.count }

  /// An argument of the command that was found. The bytes may be read until the next call of
  /// `next(in:from:)` and as long as its buffer lives; longer by whoever holds `ownedStorage`.
  public func argument(_ index: Int) -> UnsafeRawBufferPointer {
    let place = arguments[index]
    guard let base else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return UnsafeRawBufferPointer(start: base + place.offset, count: place.count)
  }

  /// Leaves out the first arguments of the command that was found, where another command follows
  /// behind them.
  public mutating func dropFirst(_ count: Int) { arguments.removeFirst(count) }

  /// What the arguments lie in, where that is not the read buffer.
  public var ownedStorage: RequestStorage? { storage }

  /// Bytes held back of a command that has not ended.
  public var pendingBytes: Int {
    if case .complete = phase { return 0 }
    return storage?.count ?? 0
  }

  /// Bytes of memory set aside for a command that has not ended.
  public var pendingCapacity: Int {
    if case .complete = phase { return 0 }
    return storage?.capacity ?? 0
  }

  /// Looks for the next command.
  /// - Parameters:
  ///   - buffer: bytes as they arrived.
  ///   - offset: where to go on in `buffer`; moved behind what was read.
  /// - Returns: whether a command was found; where not, all of `buffer` was read.
  /// - Throws: `ProtocolError`, now and at every later call.
  public mutating func next(
    in buffer: UnsafeRawBufferPointer, from offset: inout Int
  ) throws(ProtocolError) -> Bool {
    if let failure { throw failure }
    do throws(ProtocolError) {
      return try search(buffer, &offset)
    } catch {
      failure = error
      throw error
    }
  }

  private mutating func search(
    _ buffer: UnsafeRawBufferPointer, _ offset: inout Int
  ) throws(ProtocolError) -> Bool {
    precondition(offset >= 0 && offset <= buffer.count, "offset outside the buffer")
    if case .complete = phase { startAnew() }
    while offset < buffer.count {
      guard let start = buffer.baseAddress else { return false }
      if let storage {
        let rest = UnsafeRawBufferPointer(rebasing: buffer[offset...])
        let taken = wanted(of: rest, held: storage.count)
        storage.append(UnsafeRawBufferPointer(rebasing: rest[..<taken]), target: target)
        offset += taken
        if try advance(UnsafeRawPointer(storage.start), storage.count) {
          if case .complete = phase {
            // An inline command has been unquoted into storage of its own meanwhile.
            base = UnsafeRawPointer((self.storage ?? storage).start)
            return true
          }
          startAnew()
        }
      } else {
        let rest = buffer.count - offset
        if try advance(start + offset, rest) {
          if case .complete = phase {
            base = storage.map { UnsafeRawPointer($0.start) } ?? (start + offset)
            offset += position
            return true
          }
          offset += position
          startAnew()
        } else {
          let held = RequestStorage(capacity: min(rest * 2, max(target, rest)))
          held.append(UnsafeRawBufferPointer(start: start + offset, count: rest), target: target)
          storage = held
          offset = buffer.count
        }
      }
    }
    return false
  }

  private mutating func startAnew() {
    arguments.removeAll(keepingCapacity: true)
    storage = nil
    base = nil
    phase = .start
    position = 0
    scanned = 0
    expected = 0
  }

  /// How many of the bytes at hand surely belong to the command that is being gathered.
  private func wanted(of rest: UnsafeRawBufferPointer, held: Int) -> Int {
    if case .payload(let length) = phase { return min(rest.count, position + length + 2 - held) }
    for index in 0..<rest.count where rest[index] == UInt8(ascii: "\n") { return index + 1 }
    return rest.count
  }

  /// How many bytes the command will have, where that is known: in its last argument. Before, memory
  /// must grow by doubling alone, or every argument would move all those before it.
  private var target: Int {
    if case .payload(let length) = phase, arguments.count == expected - 1 {
      return position + length + 2
    }
    return .max
  }

  /// Reads on in the command's bytes, all of them from its first.
  /// - Returns: whether it ended; an empty one does so with `phase` back at `start`.
  private mutating func advance(
    _ bytes: UnsafeRawPointer, _ count: Int
  ) throws(ProtocolError) -> Bool {
    while true {
      switch phase {
      case .start:
        guard count > 0 else { return false }
        phase = bytes.load(as: UInt8.self) == UInt8(ascii: "*") ? .count : .inline
      case .count:
        guard let end = lineEnd(bytes, count, limit: RequestLimits.maxHeader) else {
          if count - position >= RequestLimits.maxHeader { throw .tooLongMultibulkCount }
          return false
        }
        let found = headerNumber(bytes, end)
        guard let found, found <= limits.maxArguments else {
          throw .invalidMultibulkLength(found: found, limit: limits.maxArguments)
        }
        take(through: end)
        // Redis passes over an array of no arguments without a reply.
        if found <= 0 {
          phase = .start
          return true
        }
        expected = Int(found)
        phase = .length
      case .length:
        if arguments.count == expected {
          phase = .complete
          return true
        }
        guard count > position else { return false }
        let first = bytes.load(fromByteOffset: position, as: UInt8.self)
        guard first == UInt8(ascii: "$") else { throw .expectedBulk(found: first) }
        guard let end = lineEnd(bytes, count, limit: RequestLimits.maxHeader) else {
          if count - position >= RequestLimits.maxHeader { throw .tooLongBulkCount }
          return false
        }
        phase = .payload(try bulkLength(bytes, end))
        take(through: end)
      case .payload(let length):
        let end = position + length
        guard count >= end + 2 else { return false }
        guard bytes.load(fromByteOffset: end, as: UInt8.self) == UInt8(ascii: "\r"),
          bytes.load(fromByteOffset: end + 1, as: UInt8.self) == UInt8(ascii: "\n")
        else { throw .expectedLineEnd }
        arguments.append((position, length))
        take(through: end + 1)
        phase = .length
      case .inline:
        guard let end = lineEnd(bytes, count, limit: limits.maxInline) else {
          if count >= limits.maxInline { throw .tooLongInline(limit: limits.maxInline) }
          return false
        }
        try split(UnsafeRawBufferPointer(start: bytes, count: end))
        take(through: end)
        phase = arguments.isEmpty ? .start : .complete
        return true
      case .complete:
        preconditionFailure("a command that was given out is not read on")
      }
    }
  }

  private mutating func take(through end: Int) {
    position = end + 1
    scanned = position
  }

  /// Offset of the LF that ends the line, where it lies within the limit.
  private mutating func lineEnd(_ bytes: UnsafeRawPointer, _ count: Int, limit: Int) -> Int? {
    let end = min(count, position + limit)
    var index = scanned
    while index < end {
      if bytes.load(fromByteOffset: index, as: UInt8.self) == UInt8(ascii: "\n") { return index }
      index += 1
    }
    scanned = index
    return nil
  }

  private func bulkLength(_ bytes: UnsafeRawPointer, _ end: Int) throws(ProtocolError) -> Int {
    let found = headerNumber(bytes, end)
    guard let found, found >= 0, found <= limits.maxBulk else {
      throw .invalidBulkLength(found: found, limit: limits.maxBulk)
    }
    let length = Int(found)
    guard length <= limits.maxRequest, end + 1 + length + 2 <= limits.maxRequest else {
      throw .tooLargeRequest(limit: limits.maxRequest)
    }
    return length
  }

  /// The number between the first byte of a header and the CR LF that ends it.
  private func headerNumber(_ bytes: UnsafeRawPointer, _ end: Int) -> Int64? {
    guard end > position + 1,
      bytes.load(fromByteOffset: end - 1, as: UInt8.self) == UInt8(ascii: "\r")
    else { return nil }
    return parseInteger(
      UnsafeRawBufferPointer(start: bytes + position + 1, count: end - 1 - position - 1))
  }

  /// Splits an inline command; its arguments go to storage of their own, unquoted.
  private mutating func split(_ line: UnsafeRawBufferPointer) throws(ProtocolError) {
    let unquoted = RequestStorage(capacity: line.count)
    var splitter = InlineSplitter(line)
    while true {
      let start = unquoted.count
      guard try splitter.next(into: unquoted) else { break }
      guard arguments.count < limits.maxArguments else {
        throw .tooManyInlineArguments(limit: limits.maxArguments)
      }
      arguments.append((start, unquoted.count - start))
    }
    if !arguments.isEmpty { storage = unquoted }
  }
}
