public import Synod

/// Asks that a change has its effect once, however often it is sent, through whichever node: what it
/// came to is kept with the register (rule 24).
///
/// A client numbers its changes of a register upwards, and has one of them under way at a time. Where
/// one ends unknown it sends the same change with the same number again, as a retry, once the earlier
/// attempt has ended or its node is gone. It is told what came of the first one that wrote, whether
/// that was this attempt or an earlier one; or `unknown(.forgotten)`, where the register had to forget.
///
/// Only writes are kept: a change that kept the register as it was, or refused, is tried anew.
public final class Once: Sendable {
  /// Who asks: drawn at random once, so that no two clients have one.
  public let client: Identity128
  /// Which of its changes of this register it is; higher ones are later.
  public let sequence: UInt64
  /// An attempt before this one may have had its effect.
  public let isRetry: Bool

  /// One made of its parts.
  public init(_ client: Identity128, _ sequence: UInt64, isRetry: Bool = false) {
    self.client = client
    self.sequence = sequence
    self.isRetry = isRetry
  }
}

extension Once: Hashable {
  /// Whether their contents are the same.
  public static func == (a: Once, b: Once) -> Bool {
    a.client == b.client && a.sequence == b.sequence && a.isRetry == b.isRetry
  }
  /// Feeds its contents.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(client)
    hasher.combine(sequence)
    hasher.combine(isRetry)
  }
}

extension Once: CustomStringConvertible {
  /// For people to read.
  public var description: String { "\(client) \(sequence)\(isRetry ? " retry" : "")" }
}
