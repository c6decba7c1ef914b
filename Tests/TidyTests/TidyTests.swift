import Foundation
import Testing

/// The rules of the house that no compiler knows.
@Suite struct TidyTests {
  /// What each module may import. The arrows run one way: protocols know nothing of each other, and
  /// nothing here knows of IO.
  static let arrows: [String: Set<String>] = [
    "Synod": ["CCRC32C"],
    "CASPaxos": ["Synod", "CMemoryHints"],
    "MultiPaxos": ["Synod"],
    "EPaxos": ["Synod"],
    "KeyValue": ["Synod"],
    "SynodJournal": ["Synod"],
    "SynodWire": ["Synod"],
    "RESP": [],
    "SynodSimulation": ["Synod", "SynodJournal", "SynodWire", "CMemoryHints"],
    "CASPaxosSimulation": ["Synod", "SynodJournal", "SynodSimulation", "CASPaxos"],
    "MultiPaxosSimulation": ["Synod", "SynodJournal", "SynodSimulation", "MultiPaxos"],
    "EPaxosSimulation": ["Synod", "SynodJournal", "SynodSimulation", "EPaxos"],
  ]

  @Test func theTopLevelHasNothingElse() throws {
    let names = try House.names(in: "").filter { !$0.hasPrefix(".") && $0 != "Package.resolved" }
    #expect(names == ["Drivers", "Package.swift", "README.md", "Sources", "Tests"])
  }

  @Test func importsFollowTheArrows() throws {
    for file in try House.swift(in: "Sources") {
      let allowed = try #require(Self.arrows[String(file.module)], "\(file)")
      for name in file.imports { #expect(allowed.contains(name), "\(file) imports \(name)") }
    }
    for file in try House.swift(in: "Drivers") where file.module != "SynodServer" {
      #expect(!file.imports.contains("Foundation"), "\(file)")
    }
  }

  @Test func filesAndFunctionsAreShort() throws {
    for (folder, longest) in [("Sources", 400), ("Drivers", 400), ("Tests", 500)] {
      for file in try House.swift(in: folder) {
        #expect(file.lines.count <= longest, "\(file) has \(file.lines.count) lines")
        for (line, count) in file.functions where folder != "Tests" {
          #expect(count <= 75, "\(file):\(line): a function of \(count) lines")
        }
      }
    }
  }

  @Test func noDefaultSwallowsACaseThatIsAdded() throws {
    for file in try House.swift(in: "Sources") {
      #expect(file.sweepingDefaults.isEmpty, "\(file): lines \(file.sweepingDefaults)")
    }
  }

  @Test func nothingIsUnwrappedByForceOutsideTests() throws {
    for file in try House.swift(in: "Sources") + House.swift(in: "Drivers") {
      #expect(file.forcedUnwraps.isEmpty, "\(file): lines \(file.forcedUnwraps)")
    }
  }

  @Test func everyProductHasALandingPage() throws {
    let products = try House.text("Package.swift").matches(of: /\.library\(name: "(\w+)"/)
      .map { String($0.output.1) }
    #expect(products.count >= 14)
    for product in products {
      let pages = try ["Sources", "Drivers"].filter { folder in
        try House.names(in: folder).contains(product)
          && House.names(in: "\(folder)/\(product)").contains("\(product).docc")
      }
      #expect(pages.count == 1, "\(product)")
    }
  }

  /// The rules see what they look for.
  @Test func theRulesSeeWhatTheyForbid() {
    let file = House.File(
      path: "Sources/Synod/A.swift",
      lines: """
        public import Foundation
        @testable import CASPaxos
        func f(
          _ a: Int
        ) -> Int {
          switch b {
          case .one: return a!
          default: return 0
          }
        }
        func g() -> Int { 1 }
        protocol P {
          func h() -> Int
        }
        """.split(separator: "\n", omittingEmptySubsequences: false))
    #expect(file.imports == ["Foundation", "CASPaxos"])
    #expect(file.functions.map(\.line) == [3] && file.functions.map(\.count) == [8])
    #expect(file.sweepingDefaults == [8])
    #expect(file.forcedUnwraps == [7])
  }
}
