import Foundation
import Synod
import Testing

/// What the fuzzers kept: each is fed to its parser again.
@Suite struct ReplayTests {
  private static let corpora = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Corpora")

  private static func corpus(of parser: FuzzedParser) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(
      at: corpora.appending(path: parser.rawValue), includingPropertiesForKeys: nil)
  }

  @Test(arguments: FuzzedParser.allCases)
  func whatFuzzersFoundDoesNoHarm(parser: FuzzedParser) throws {
    let corpus = try Self.corpus(of: parser)
    #expect(!corpus.isEmpty)
    for file in corpus {
      try Data(contentsOf: file).withUnsafeBytes { parser.feed($0) }
    }
  }

  /// A few bytes of each are changed, cut off and repeated: what a fuzzer begins with.
  @Test(arguments: FuzzedParser.allCases)
  func whatIsNearItDoesNoHarm(parser: FuzzedParser) throws {
    var random = SplitMix(seed: 1)
    let corpus = try Self.corpus(of: parser).sorted { $0.path() < $1.path() }
    for file in corpus.prefix(6) {
      let original = try [UInt8](Data(contentsOf: file))
      for _ in 0..<2 where !original.isEmpty {
        var bytes = original
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(
            in: 0...255, using: &random)
        }
        bytes.removeLast(Int.random(in: 0...min(3, bytes.count - 1), using: &random))
        bytes.withUnsafeBytes { parser.feed($0) }
      }
    }
  }
}
