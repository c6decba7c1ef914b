import ArgumentParser
import Glibc

/// `synod demo`: a cluster of three on this computer.
struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract:
      "Start three nodes here, kill one in the middle of writes, and show that none is lost.",
    discussion: "The nodes then stay up for redis-cli until Ctrl-C.")

  @Flag(help: "Exit when the show is over: 0 if everything held, 1 if not.")
  var once = false

  @Option(name: .customLong("protocol"), help: "What replicates: caspaxos, multipaxos or epaxos.")
  var consensus = ServeCommand.Consensus.caspaxos

  func run() throws {
    Interruption.hold()
    let cluster = try DemoCluster(
      preferred: once ? [] : [7001, 7002, 7003], protocol: consensus.rawValue)
    var isClean = false
    defer {
      let wasInterrupted = Interruption.isPending
      cluster.stop()
      if isClean || wasInterrupted {
        cluster.removeDirectory()
      } else {
        complain("What the nodes wrote is in \(cluster.directory)")
      }
    }
    var show = DemoShow(cluster)
    try show.run()
    if !once { stayUp(cluster) }
    isClean = true
  }

  private func stayUp(_ cluster: DemoCluster) {
    print("\nThe cluster stays up until Ctrl-C. Connect to any node:")
    for port in cluster.clientPorts { print("  redis-cli -p \(port)") }
    print("Try: SET greeting hello   INCR visits   CAS greeting hello goodbye   INFO peers")
    fflush(nil)
    while !Interruption.wait(seconds: 1) {
      if let node = cluster.fallen() {
        complain("node \(node) ended; its last words:\n\(cluster.lastWords(of: node))")
      }
    }
    print("\nStopping.")
  }
}
