import Synod

@testable import EPaxos

/// Footprints on few names, so that they meet.
struct RandomFootprints {
  var random: SplitMix
  var names: Int = 5
  /// Of a hundred, how many have ranges.
  var ranges = 20
  var barriers = 3

  init(seed: UInt64) { random = SplitMix(seed: seed) }

  mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }
  mutating func access() -> Footprint.Access { below(2) == 0 ? .read : .write }
  mutating func name() -> Bytes { Bytes("name \(below(names))") }

  mutating func next() -> Footprint {
    if below(100) < barriers { return below(3) == 0 ? Footprint(everything: .read) : .barrier }
    let points = (0..<below(3)).map { _ in
      Footprint.Point(access(), name(), in: UInt8(below(2)))
    }
    guard below(100) < ranges else { return Footprint(points: points) }
    let range =
      below(3) == 0
      ? Footprint.Range(access(), in: UInt8(below(2)))
      : Footprint.Range(access(), from: name(), to: below(3) == 0 ? nil : name())
    return Footprint(points: points, ranges: [range])
  }
}

func id(_ owner: UInt32, _ number: UInt64) -> InstanceID {
  InstanceID(row: Row(epoch: Epoch(0), owner: VoterID(owner)), number: number)
}

func behind(_ ids: InstanceID...) -> Dependencies {
  var all = Dependencies()
  for id in ids { all.insert(id) }
  return all
}

extension Footprint {
  /// Of a command that writes these.
  static func writing(_ names: Bytes...) -> Footprint {
    Footprint(points: names.map { Point(.write, $0) })
  }
  /// Of a command that reads these.
  static func reading(_ names: Bytes...) -> Footprint {
    Footprint(points: names.map { Point(.read, $0) })
  }
}
