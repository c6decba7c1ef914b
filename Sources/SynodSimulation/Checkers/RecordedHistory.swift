public import Synod

/// A history of a key-value store as text, one operation a line, in any order:
///
///     synod-history 1
///     # client  called  answered  key  command  ->  answer
///     3  1200  1450  a  SET 17       ->  OK
///     4  1300  1500  a  GET          ->  17
///     4  1510  1600  b  GET          ->  (nil)
///     5  1600  1650  c  INCR         ->  1
///     5  1660  1700  a  INCR         ->  (refused)
///     3  1700  1750  a  CAS 17 18    ->  1
///     6  1700  -     a  DEL          ->  ?
///
/// Moments are whole numbers of one clock, in any unit. `-` and `?` stand for an operation that was
/// never answered: it may have taken effect at any moment after its call, or never. One that
/// certainly had no effect is left out. Words are visible ASCII; any other byte, `%` itself, and `(`
/// or `?` in front, are written as `%` and two hexadecimal digits, and no bytes at all as `()`.
/// Empty lines and those that begin with `#` are skipped.
public struct RecordedHistory: Sendable {
  /// An operation on one key.
  public typealias Timed = TimedOperation<KeyValueOperation>

  /// The operations of one key.
  public struct Key: Sendable {
    /// Which key.
    public var name: Bytes
    /// In the order of the lines.
    public var operations: [Timed]
  }

  /// In the order in which they appear first.
  public private(set) var keys: [Key] = []
  private var places: [Bytes: Int] = [:]

  /// The first line.
  public static let header = "synod-history 1"

  /// No operations.
  public init() {}

  /// Operations in all.
  public var count: Int { keys.reduce(0) { $0 + $1.operations.count } }
  /// Operations without an answer.
  public var unknownCount: Int {
    keys.reduce(0) { $0 + $1.operations.count { $0.returned == nil } }
  }

  /// Adds an operation.
  public mutating func append(_ operation: Timed, of key: Bytes) {
    if let place = places[key] {
      keys[place].operations.append(operation)
    } else {
      places[key] = keys.count
      keys.append(Key(name: key, operations: [operation]))
    }
  }

  /// The history in its written form, key by key.
  public var text: String {
    var text = Self.header + "\n"
    for key in keys {
      for one in key.operations { text += RecordedLine(key: key.name, operation: one).text + "\n" }
    }
    return text
  }

  /// Reads the written form.
  /// - Throws: what is wrong, and in which line, from 1.
  public init(_ text: String) throws(HistoryError) {
    var number = 0
    var hasHeader = false
    for line in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      let words = Substring(line).utf8.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }
      guard let first = words.first, first.first != UInt8(ascii: "#") else { continue }
      if !hasHeader {
        guard words.count == 2, words[0].elementsEqual("synod-history".utf8),
          words[1].elementsEqual("1".utf8)
        else { throw HistoryError(line: number, problem: .noHeader) }
        hasHeader = true
        continue
      }
      do throws(HistoryError.Problem) {
        let line = try RecordedLine(words)
        append(line.operation, of: line.key)
      } catch {
        throw HistoryError(line: number, problem: error)
      }
    }
    if !hasHeader { throw HistoryError(line: max(1, number), problem: .noHeader) }
  }
}

/// Why a text is no history.
public struct HistoryError: Error, Hashable, CustomStringConvertible {
  /// From 1.
  public var line: Int
  /// What is wrong there.
  public var problem: Problem

  /// One made of its parts.
  public init(line: Int, problem: Problem) {
    self.line = line
    self.problem = problem
  }

  /// What is wrong with a line.
  public enum Problem: Error, Hashable {
    /// It must begin with `RecordedHistory.header`.
    case noHeader
    /// It does not have the parts that it needs.
    case notAnOperation
    /// The word is not what it should be.
    case wrong(word: String, expected: String)
    /// The answer is earlier than the call.
    case answeredBeforeCalled
  }

  /// In a sentence.
  public var description: String {
    switch problem {
    case .noHeader: "line \(line): a history begins with '\(RecordedHistory.header)'"
    case .notAnOperation:
      "line \(line): this is no operation; write it as '3 1200 1450 key GET -> value'"
    case .wrong(let word, let expected): "line \(line): '\(word)' is not \(expected)"
    case .answeredBeforeCalled: "line \(line): it was answered before it was called"
    }
  }
}
