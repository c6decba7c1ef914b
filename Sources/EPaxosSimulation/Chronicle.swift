internal import EPaxos
internal import Synod

/// What every key holds, as far as any node has come: all nodes must hold beginnings of the same.
///
/// A reference, since it grows whenever a node is looked at.
final class Chronicle {
  private(set) var lines = [[Scrolls.Line]](repeating: [], count: Int(Scrolls.keys))
  /// By keys, the hash after each number of lines.
  private var hashes = [[UInt64]](repeating: [0], count: Int(Scrolls.keys))
  private var seen: [VoterID: UInt64] = [:]

  /// Compares a node's state.
  /// - Returns: what is wrong; nil where all is well.
  func observe(_ state: Scrolls, of voter: VoterID) -> String? {
    let digest = state.digest
    guard seen.updateValue(digest, forKey: voter) != digest else { return nil }
    for key in 0..<Scrolls.keys {
      if let wrong = observe(state.lines[Int(key)], state.head(key), of: voter) { return wrong }
    }
    return nil
  }

  private func observe(
    _ found: [Scrolls.Line], _ head: Scrolls.Head, of voter: VoterID
  ) -> String? {
    let key = Int(head.key)
    var hash = hashes[key][min(found.count, lines[key].count)]
    if found.count > lines[key].count {
      for line in found[lines[key].count...] {
        if let last = lines[key].last, last.position >= line.position {
          return "voter \(voter): a write of key \(key) stands at \(line.position), behind one at "
            + "\(last.position)"
        }
        if lines[key].contains(where: { $0.item == line.item }) {
          return "voter \(voter) applied command \(line.item) to key \(key) twice"
        }
        hash = Scrolls.hash(line, after: hash)
        lines[key].append(line)
        hashes[key].append(hash)
      }
    }
    return hash == head.hash
      ? nil : "voter \(voter) holds another key \(key) after \(found.count) writes than others do"
  }

  /// Whether a key ever stood so.
  func holds(_ head: Scrolls.Head) -> Bool {
    guard head.key < Scrolls.keys, head.count < hashes[Int(head.key)].count else { return false }
    return hashes[Int(head.key)][Int(head.count)] == head.hash
  }

  /// Which write of a key a command is, from 1; nil for none.
  func place(of item: UInt64, in key: UInt8) -> Int? {
    lines[Int(key)].firstIndex { $0.item == item }.map { $0 + 1 }
  }
}
