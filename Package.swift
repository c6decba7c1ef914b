// swift-tools-version: 6.1
import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// A module without IO, with the test target that is named after it.
func pure(_ name: String, _ dependencies: [Target.Dependency] = []) -> [Target] {
  [
    .target(name: name, dependencies: dependencies, swiftSettings: settings),
    .testTarget(
      name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies,
      swiftSettings: settings),
  ]
}

/// A module that touches the world, with the test target that is named after it.
func driver(_ name: String, _ dependencies: [Target.Dependency]) -> [Target] {
  [
    .target(
      name: name, dependencies: dependencies, path: "Drivers/\(name)", swiftSettings: settings),
    .testTarget(
      name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies,
      swiftSettings: settings),
  ]
}

let package = Package(
  name: "synod",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "Synod", targets: ["Synod"]),
    .library(name: "CASPaxos", targets: ["CASPaxos"]),
    .library(name: "MultiPaxos", targets: ["MultiPaxos"]),
    .library(name: "EPaxos", targets: ["EPaxos"]),
    .library(name: "KeyValue", targets: ["KeyValue"]),
    .library(name: "SynodJournal", targets: ["SynodJournal"]),
    .library(name: "SynodWire", targets: ["SynodWire"]),
    .library(name: "SynodSimulation", targets: ["SynodSimulation"]),
    .library(name: "CASPaxosSimulation", targets: ["CASPaxosSimulation"]),
    .library(name: "MultiPaxosSimulation", targets: ["MultiPaxosSimulation"]),
    .library(name: "EPaxosSimulation", targets: ["EPaxosSimulation"]),
    .library(name: "RESP", targets: ["RESP"]),
    // With the loop that a transport or a storage of a user's own lives on.
    .library(name: "SynodRuntime", targets: ["SynodRuntime", "UV"]),
    .library(name: "SynodConformance", targets: ["SynodConformance"]),
    .library(name: "SynodTLS", targets: ["SynodTLS"]),
    .executable(name: "synod", targets: ["SynodServer"]),
  ],
  traits: [
    .trait(
      name: "PlantedBugs",
      description: "Mistakes to be switched on, to see that the simulator finds them."),
    .trait(
      name: "TLS",
      description: "Encryption between nodes and to clients, by OpenSSL: needs libssl-dev."),
    .trait(
      name: "SQLite",
      description: "Compiles the example of a storage on SQLite; needs libsqlite3-dev."),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
  ],
  targets: [
    // CRC32C in hardware: an instruction that Swift cannot name.
    .target(name: "CCRC32C"),
    // Hints to the processor and the system about memory, likewise.
    .target(name: "CMemoryHints"),
  ]
    + pure("Synod", ["CCRC32C"])
    + pure("CASPaxos", ["Synod", "CMemoryHints"])
    + pure("MultiPaxos", ["Synod"])
    + pure("EPaxos", ["Synod"])
    // The state that the server keeps, for machines that apply commands to one.
    + pure("KeyValue", ["Synod"])
    + pure("SynodJournal", ["Synod"])
    + pure("SynodWire", ["Synod"])
    + pure("RESP")
    // A world that attacks any machine, and what it must know of each protocol.
    + pure("SynodSimulation", ["Synod", "SynodJournal", "CMemoryHints"])
    + pure("CASPaxosSimulation", ["Synod", "SynodJournal", "CASPaxos", "SynodSimulation"])
    + pure("MultiPaxosSimulation", ["Synod", "SynodJournal", "MultiPaxos", "SynodSimulation"])
    + pure("EPaxosSimulation", ["Synod", "SynodJournal", "EPaxos", "SynodSimulation"])
    + [
      .systemLibrary(
        name: "CLibUV", path: "Drivers/CLibUV", pkgConfig: "libuv",
        providers: [.apt(["libuv1-dev"]), .brew(["libuv"])]),
      // Hashing of passwords; a part of the C library's headers on Debian.
      .systemLibrary(name: "CCrypt", path: "Drivers/CCrypt"),
      // Its headers are looked at with the trait only.
      .systemLibrary(name: "COpenSSL", path: "Drivers/COpenSSL"),
      // What a transport or a storage of a user's own must hold to; a library, so that they can run it.
      .target(
        name: "SynodConformance", dependencies: ["Synod", "SynodRuntime", "UV"],
        path: "Drivers/SynodConformance", swiftSettings: settings),
    ]
    + driver("UV", ["CLibUV"])
    + driver(
      "SynodRuntime",
      ["Synod", "SynodJournal", "SynodWire", "UV", .product(name: "Logging", package: "swift-log")])
    // Without the trait there is nothing in it.
    + driver(
      "SynodTLS",
      [.target(name: "COpenSSL", condition: .when(traits: ["TLS"])), "Synod", "SynodRuntime", "UV"])
    + [
      .executableTarget(
        name: "SynodServer",
        dependencies: [
          "Synod", "CASPaxos", "MultiPaxos", "EPaxos", "KeyValue", "SynodJournal", "SynodWire",
          "RESP", "UV", "SynodRuntime", "CLibUV", "CCrypt", "SynodSimulation", "CASPaxosSimulation",
          "MultiPaxosSimulation", "EPaxosSimulation", "CMemoryHints",
          .target(name: "SynodTLS", condition: .when(traits: ["TLS"])),
          .product(name: "ArgumentParser", package: "swift-argument-parser"),
          .product(name: "Logging", package: "swift-log"),
        ],
        path: "Drivers/SynodServer", swiftSettings: settings),
      .testTarget(
        name: "SynodServerTests",
        dependencies: [
          "SynodServer", "Synod", "CASPaxos", "MultiPaxos", "KeyValue", "RESP", "SynodRuntime",
          "UV",
          "SynodSimulation", "CASPaxosSimulation",
          .product(name: "ArgumentParser", package: "swift-argument-parser"),
          .product(name: "Logging", package: "swift-log"),
        ],
        swiftSettings: settings),
      // What the documents quote, and tests that they do.
      .systemLibrary(name: "CSQLite", path: "Tests/CSQLite", providers: [.apt(["libsqlite3-dev"])]),
      .testTarget(
        name: "Examples",
        dependencies: [
          "Synod", "CASPaxos", "MultiPaxos", "SynodRuntime", "UV", "SynodConformance",
          "SynodSimulation", "CASPaxosSimulation",
          .target(name: "CSQLite", condition: .when(traits: ["SQLite"])),
        ],
        swiftSettings: settings),
    ],
  swiftLanguageModes: [.v6]
)
// The rules of the house.
package.targets.append(.testTarget(name: "TidyTests", swiftSettings: settings))
// What reads bytes from outside is fed what the fuzzers kept.
package.targets.append(
  .testTarget(
    name: "FuzzingTests",
    dependencies: [
      "Synod", "CASPaxos", "MultiPaxos", "EPaxos", "KeyValue", "SynodJournal", "SynodWire", "RESP",
      "SynodSimulation", "SynodServer",
    ],
    exclude: ["Corpora"], swiftSettings: settings))
// The fuzzers themselves need a flag of the compiler's that no package may ask for: `.ci/fuzz` gives it.
if Context.environment["SYNOD_FUZZ"] != nil {
  package.targets.append(
    .executableTarget(
      name: "Fuzzing",
      dependencies: [
        "Synod", "CASPaxos", "MultiPaxos", "EPaxos", "KeyValue", "SynodJournal", "SynodWire",
        "RESP",
        "SynodSimulation", "CCrypt",
      ],
      path: "Tests/Fuzzing",
      swiftSettings: settings + [.define("FUZZING"), .unsafeFlags(["-parse-as-library"])]))
}
// SynodRuntimeTests also run the conformance suites and a machine of ours, and count allocations.
package.targets.append(.target(name: "CAllocationCount", path: "Tests/CAllocationCount"))
package.targets.first { $0.name == "SynodRuntimeTests" }?.dependencies += [
  "CASPaxos", "SynodConformance", "CAllocationCount",
]
// SynodTLSTests also run the conformance suite.
package.targets.first { $0.name == "SynodTLSTests" }?.dependencies += [
  "SynodConformance", "SynodWire", .product(name: "Logging", package: "swift-log"),
]
// SynodJournalTests write to a simulated disk.
package.targets.first { $0.name == "SynodJournalTests" }?.dependencies += ["SynodSimulation"]
// CASPaxosTests also run the contract's suite, and read their golden scripts.
if let tests = package.targets.first(where: { $0.name == "CASPaxosTests" }) {
  tests.dependencies += ["SynodSimulation"]
  tests.resources = [.copy("Golden")]
}
// MultiPaxosTests also run the contract's suite, and read their golden scripts.
if let tests = package.targets.first(where: { $0.name == "MultiPaxosTests" }) {
  tests.dependencies += ["SynodSimulation"]
  tests.resources = [.copy("Golden")]
}
// EPaxosTests run it, too.
package.targets.first { $0.name == "EPaxosTests" }?.dependencies += ["SynodSimulation"]
// CASPaxosSimulationTests read the hashes of runs that are written down.
package.targets.first { $0.name == "CASPaxosSimulationTests" }?.resources = [.copy("Golden")]
