public import Synod

/// One key of a key-value store: what is set, deleted, counted and compared.
public struct KeyValueModel: SequentialModel {
  /// Nil where there is no value.
  public typealias State = RecordedValue?
  /// What is asked of one key, and what came of it.
  public typealias Operation = KeyValueOperation

  /// A missing key.
  public var initial: RecordedValue? { nil }

  /// One for any key.
  public init() {}

  /// As the commands of `synod` do.
  public func after(_ operation: KeyValueOperation, on state: RecordedValue?) -> RecordedValue?? {
    let effect: (state: RecordedValue?, answer: KeyValueOperation.Answer)
    switch operation.call {
    case .set(let value): effect = (value, .done)
    case .get: effect = (state, .value(state))
    case .delete: effect = (nil, .number(state == nil ? 0 : 1))
    case .compareAndSet(let expected, let new):
      effect = state == expected ? (new, .number(1)) : (state, .number(0))
    case .increment:
      switch state {
      case nil: effect = (.number(1), .number(1))
      case .number(let number) where number < .max:
        effect = (.number(number + 1), .number(number + 1))
      case .number, .text: effect = (state, .refused)
      }
    }
    guard operation.answer == .unknown || operation.answer == effect.answer else { return .none }
    return .some(effect.state)
  }
}

/// A value of a key.
public enum RecordedValue: Hashable, Sendable {
  /// Decimal, without leading zeros: what can be counted.
  case number(Int64)
  /// Anything else.
  case text(Bytes)
}

/// What was asked of one key, and what came of it.
public struct KeyValueOperation: Hashable, Sendable {
  /// What was asked.
  public var call: Call
  /// What came of it.
  public var answer: Answer

  /// What is asked of one key.
  public enum Call: Hashable, Sendable {
    /// `SET`
    case set(RecordedValue)
    /// `GET`
    case get
    /// `INCR`: a missing key counts as 0.
    case increment
    /// `CAS`: sets the second value where the key has the first.
    case compareAndSet(RecordedValue, RecordedValue)
    /// `DEL`
    case delete
  }

  /// What came of a call.
  public enum Answer: Hashable, Sendable {
    /// No answer: it may have taken effect.
    case unknown
    /// `SET` was done.
    case done
    /// What `GET` found; nil where there was no value.
    case value(RecordedValue?)
    /// The sum of `INCR`, or how many keys `DEL` deleted or `CAS` set.
    case number(Int64)
    /// `INCR` found something that is no number, or the last of them.
    case refused
  }

  /// One made of its parts.
  public init(_ call: Call, _ answer: Answer) {
    self.call = call
    self.answer = answer
  }
}
