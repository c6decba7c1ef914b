import Glibc

/// Three nodes on this computer, each a process of its own, with their data in a directory that is
/// removed in the end.
final class DemoCluster {
  let directory: String
  let clientPorts: [Int]
  private let peerPorts: [Int]
  private let consensus: String
  private var processes: [ChildProcess?] = [nil, nil, nil]

  /// - Parameter preferred: client ports to use where they (and those 100 above) are free.
  /// - Parameter consensus: as `--protocol` has it.
  init(preferred: [Int], protocol consensus: String) throws(Failure) {
    self.consensus = consensus
    var template = Array("/tmp/synod-demo-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw Failure("cannot make a directory in /tmp: \(String(cString: strerror(errno)))")
    }
    directory = String(
      decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let wanted = preferred + preferred.map { $0 + 100 }
    let ports = !preferred.isEmpty && wanted.allSatisfy(Self.isFree) ? wanted : Self.freePorts(6)
    guard ports.count == 6 else { throw Failure("cannot find six free ports on 127.0.0.1") }
    clientPorts = Array(ports[..<3])
    peerPorts = Array(ports[3...])
  }

  /// Starts a node, 1 to 3.
  func start(_ node: Int) throws(Failure) {
    let members = (1...3).map { "\($0)=127.0.0.1:\(peerPorts[$0 - 1])" }.joined(separator: ",")
    processes[node - 1] = try ChildProcess(
      arguments: [
        "serve", "--node-id", "\(node)", "--data-dir", "\(directory)/node\(node)",
        "--listen-client", "127.0.0.1:\(clientPorts[node - 1])", "--initial-cluster", members,
        "--cluster-token", "demo", "--protocol", consensus, "--exit-with-parent", "\(getpid())",
      ], log: log(of: node))
  }

  /// Ends a node as a crash would: it has no time to do anything.
  func kill(_ node: Int) {
    processes[node - 1]?.signal(SIGKILL)
    processes[node - 1]?.waitForEnd(within: 1000)
    processes[node - 1] = nil
  }

  /// Waits until a node answers and can write.
  func waitUntilReady(_ node: Int) throws(Failure) {
    let deadline = monotonicMicroseconds() + 30_000_000
    var last = "no answer"
    while monotonicMicroseconds() < deadline {
      try Interruption.check()
      do throws(BlockingClient.Broken) {
        let reply = try client(node).ask("SET", "demo:ready", "\(node)")
        if reply == .text("OK") { return }
        last = "\(reply)"
      } catch {
        last = error.why
      }
      if processes[node - 1]?.hasEnded() ?? true {
        processes[node - 1] = nil
        throw Failure("node \(node) ended by itself; its last words:\n\(lastWords(of: node))")
      }
      usleep(20_000)
    }
    throw Failure(
      "node \(node) is not ready after 30 s (\(last)); its last words:\n\(lastWords(of: node))")
  }

  func client(_ node: Int) throws(BlockingClient.Broken) -> BlockingClient {
    try BlockingClient(port: clientPorts[node - 1], timeout: 10_000)
  }

  /// A node that ended by itself, if any.
  func fallen() -> Int? {
    for node in 1...3 where processes[node - 1]?.hasEnded() ?? false {
      processes[node - 1] = nil
      return node
    }
    return nil
  }

  func stop() {
    for process in processes { process?.signal(SIGTERM) }
    for process in processes { process?.waitForEnd(within: 5000) }
    processes = [nil, nil, nil]
  }

  func removeDirectory() {
    removeTree(directory)
  }

  func log(of node: Int) -> String { "\(directory)/node\(node).log" }

  func lastWords(of node: Int) -> String {
    guard let file = fopen(log(of: node), "r") else { return "(none)" }
    defer { fclose(file) }
    var lines: [String] = []
    var buffer = [CChar](repeating: 0, count: 4096)
    while fgets(&buffer, Int32(buffer.count), file) != nil {
      lines.append(
        String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
      if lines.count > 10 { lines.removeFirst() }
    }
    return lines.joined()
  }

  // MARK: - Ports

  private static func isFree(_ port: Int) -> Bool { listening(port) != nil }

  private static func freePorts(_ count: Int) -> [Int] {
    var ports: Set<Int> = []
    for _ in 0..<(count * 10) where ports.count < count {
      if let port = listening(0) { ports.insert(port) }
    }
    return ports.sorted()
  }

  /// Listens on a port for a moment.
  /// - Returns: the port; nil where it is in use.
  private static func listening(_ port: Int) -> Int? {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var on: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    var address = loopback(port)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    return withUnsafeMutablePointer(to: &address) { pointer -> Int? in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> Int? in
        guard bind(descriptor, address, length) == 0, listen(descriptor, 1) == 0,
          getsockname(descriptor, address, &length) == 0
        else { return nil }
        return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
          Int(UInt16(bigEndian: $0.pointee.sin_port))
        }
      }
    }
  }
}

/// Removes a directory and what is in it. Links are removed, not followed.
func removeTree(_ path: String) {
  if let directory = opendir(path) {
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard name != "." && name != ".." else { continue }
      let inner = "\(path)/\(name)"
      if entry.pointee.d_type == DT_DIR { removeTree(inner) } else { unlink(inner) }
    }
  }
  rmdir(path)
}

/// Of a clock that only goes forward.
func monotonicMicroseconds() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
}
