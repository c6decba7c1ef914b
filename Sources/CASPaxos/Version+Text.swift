internal import Synod

/// A version as people and programs write it: epoch, counter and voter of the ballot and the step,
/// `0.6.1+1`; `-` for a register that was never written.
extension Version: LosslessStringConvertible {
  /// What `description` gave; nil where it is no version.
  public init?(_ description: String) {
    if description == "-" {
      self = .zero
      return
    }
    let parts = description.split(separator: "+", omittingEmptySubsequences: false)
    let names = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, names.count == 3, let step = UInt32(plain: parts[1]),
      let epoch = UInt32(plain: names[0]), let counter = UInt64(plain: names[1]),
      let voter = UInt32(plain: names[2]), counter > 0, counter <= Ballot.counterLimit, voter > 0
    else { return nil }
    self.init(
      ballot: Ballot(epoch: Epoch(epoch), counter: counter, voter: VoterID(voter)), step: step)
  }
}

extension FixedWidthInteger {
  /// Digits alone: no sign.
  fileprivate init?(plain text: Substring) {
    guard text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
    self.init(text, radix: 10)
  }
}
