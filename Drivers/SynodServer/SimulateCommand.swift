import ArgumentParser
#if PlantedBugs
  import Synod
#endif
import SynodSimulation

/// `synod simulate`: a protocol in a world that attacks it.
struct SimulateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Run the real machine in simulated worlds that attack it, and check all it does.",
    discussion: """
      A run is a function of its seed: how many nodes, which load, which faults and when. Whatever \
      fails is made small, and the command that shows it again is printed. Exits with 0 where every \
      run passed, 1 where one failed or could not be judged, 2 where it was used wrongly.

      Faults, for --without: \(FaultPlan.allParts.joined(separator: ", ")).
      """)

  @Option(
    name: .customLong("protocol"),
    help: ArgumentHelp(
      "What to run: \(SimulatedProtocol.all.map(\.name).joined(separator: ", ")).",
      valueName: "name"))
  var subject = SimulatedProtocol.caspaxos.name

  @Option(help: "Run this one seed.")
  var seed: UInt64?

  @Option(help: "Run so many seeds, from a base that is drawn and printed. (default: 100)")
  var seeds: Int?

  @Option(help: ArgumentHelp("The first of the seeds, instead of a drawn one.", valueName: "base"))
  var from: UInt64?

  @Option(
    help: ArgumentHelp("Cut each run after so many events and judge it.", valueName: "events"))
  var steps: UInt64?

  @Option(help: "Nodes, 1 to 7, instead of a drawn number.")
  var nodes: Int?

  @Option(help: "Operations of a run, instead of a drawn number.")
  var operations: Int?

  @Option(help: "Clients, instead of a drawn number.")
  var clients: Int?

  @Option(help: "Keys, instead of a drawn number.")
  var keys: Int?

  @Option(help: "Nodes that may join, instead of a drawn number; with 0 the members stay.")
  var spares: Int?

  @Option(help: "Clients that watch, instead of a drawn number.")
  var watchers: Int?

  @Option(
    help: ArgumentHelp(
      "Of a hundred operations, how many are to be made once, instead of a drawn number.",
      valueName: "percent"))
  var once: Int?

  @Option(
    help: ArgumentHelp("Leave out faults: their names with commas, or all.", valueName: "faults"))
  var without: String?

  @Option(
    help: ArgumentHelp(
      "Draw the run, or the first that fails, on one self-contained page.", valueName: "file.html"))
  var trace: String?

  @Option(help: ArgumentHelp("Draw the newest so many events.", valueName: "events"))
  var traceEvents = 5_000

  @Option(help: "Threads; the results do not depend on it. (default: one for each core)")
  var jobs: Int?

  @Flag(help: "Run all seeds, whatever fails.")
  var keepGoing = false

  @Flag(help: "A run that a check could not judge within its budget is not a failure.")
  var allowUndecided = false

  @Flag(
    name: [.customLong("explain"), .customLong("verbose")], help: "Print the plan of each run.")
  var explain = false

  @Flag(help: "Instead, walk every run of small worlds to the end.")
  var exhaustive = false

  @Option(help: ArgumentHelp("With --exhaustive, the world to walk.", valueName: "name"))
  var world: String?

  #if PlantedBugs
    @Flag(
      help: """
        Plant one mistake after the other, and run seeds from drawn bases until each is found; \
        --seeds is how many it may take (default: 10000).
        """)
    var plantedBugs = false

    @Option(
      help: ArgumentHelp(
        "Plant a mistake: \(PlantedBug.allCases.map { "\($0)" }.joined(separator: ", ")).",
        valueName: "mistake"))
    var plant: String?
  #endif

  func run() throws {
    if exhaustive || world != nil { return try explore() }
    let options = try SimulateOptions(self)
    #if PlantedBugs
      if plantedBugs { return try PlantedBugShow(options, limit: seeds ?? 10_000).run() }
    #endif
    var simulation = SimulationShow(options)
    try simulation.run()
  }

  private func explore() throws {
    guard seed == nil, seeds == nil, from == nil, steps == nil, trace == nil, without == nil,
      nodes == nil, operations == nil, clients == nil, keys == nil, spares == nil,
      watchers == nil, once == nil
    else {
      throw Failure.usage(
        "--exhaustive takes --protocol and --world, and nothing else: a small world is walked to its "
          + "end, not drawn")
    }
    let show = try ExhaustiveShow(world: world, of: subject)
    #if PlantedBugs
      if let plant {
        guard let bug = PlantedBug.named(plant) else {
          throw Failure.usage(
            "--plant: there is no mistake '\(plant)'; 'synod simulate --help' names them")
        }
        return try PlantedBug.$planted.withValue(bug) { try show.run() }
      }
    #endif
    try show.run()
  }
}
