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

  func run() throws {
    // Blocked before anything starts, so that no signal is lost: we wait for them below.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    if !once { sigprocmask(SIG_BLOCK, &signals, nil) }

    let cluster = try DemoCluster(preferred: once ? [] : [7001, 7002, 7003])
    var isClean = false
    defer {
      cluster.stop()
      if isClean {
        cluster.removeDirectory()
      } else {
        complain("What the nodes wrote is in \(cluster.directory)")
      }
    }
    var show = DemoShow(cluster)
    try show.run()
    if !once {
      stayUp(cluster, &signals)
    }
    isClean = true
  }

  private func stayUp(_ cluster: DemoCluster, _ signals: inout sigset_t) {
    print("\nThe cluster stays up until Ctrl-C. Connect to any node:")
    for port in cluster.clientPorts { print("  redis-cli -p \(port)") }
    print("Try: SET greeting hello   INCR visits   CAS greeting hello goodbye   INFO peers")
    fflush(nil)
    while true {
      var wait = timespec(tv_sec: 1, tv_nsec: 0)
      if sigtimedwait(&signals, nil, &wait) > 0 { break }
      if let node = cluster.fallen() {
        complain("node \(node) ended; its last words:\n\(cluster.lastWords(of: node))")
      }
    }
    print("\nStopping.")
  }
}
