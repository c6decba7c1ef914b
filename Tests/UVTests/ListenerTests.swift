import Glibc
import Testing

@testable import UV

@Suite struct ListenerTests {
  @Test func aPortInUseIsSaidSo() throws {
    let loop = try Loop()
    let first = try Listener(loop, on: SocketAddress(host: "127.0.0.1", port: 0)) { _ in }
    #expect(first.address.port != 0)
    #expect(throws: UVError.addressInUse("127.0.0.1:\(first.address.port)")) {
      _ = try Listener(loop, on: first.address) { _ in }
    }
    first.close()
    first.close()
    let second = try Listener(loop, on: first.address) { _ in }
    #expect(second.address.port == first.address.port)
  }

  @Test func aForeignAddressIsSaidSo() throws {
    let loop = try Loop()
    #expect(throws: UVError.addressNotAvailable("192.0.2.1:0")) {
      _ = try Listener(loop, on: SocketAddress(host: "192.0.2.1", port: 0)) { _ in }
    }
  }

  @Test func aPausedListenerAcceptsLater() throws {
    let loop = try Loop()
    var streams: [TCPStream] = []
    let listener = try Listener(loop, on: SocketAddress(host: "127.0.0.1", port: 0)) {
      streams.append($0)
      loop.stop()
    }
    listener.pause()
    var connected: TCPStream?
    TCPStream.connect(loop, to: listener.address) {
      connected = try? $0.get()
      loop.stop()
    }
    loop.run()
    #expect(connected != nil)
    #expect(streams.isEmpty)
    listener.resume()
    loop.run()
    #expect(streams.count == 1)
  }

  @Test func withoutDescriptorsAcceptingPausesAndDoesNotSpin() throws {
    let loop = try Loop()
    var streams: [TCPStream] = []
    let listener = try Listener(loop, on: SocketAddress(host: "127.0.0.1", port: 0)) {
      streams.append($0)
      loop.stop()
    }
    let accept = listener.takeConnection
    var calls = 0
    listener.takeConnection = {
      calls += 1
      guard calls <= 2 else { return accept($0) }
      errno = EMFILE
      return -1
    }
    var client: TCPStream?
    TCPStream.connect(loop, to: listener.address) { client = try? $0.get() }
    loop.run()
    #expect(client != nil)
    #expect(streams.count == 1)
    #expect(listener.shortages == 2)
    #expect(calls <= 4)
  }

  @Test func connectingWhereNobodyListensFails() throws {
    let loop = try Loop()
    let listener = try Listener(loop, on: SocketAddress(host: "127.0.0.1", port: 0)) { _ in }
    let address = listener.address
    listener.close()
    var error: UVError?
    TCPStream.connect(loop, to: address) { result in
      if case .failure(let reason) = result { error = reason }
    }
    loop.run()
    #expect(error == .connectionRefused)
  }

  @Test func aConnectionThatIsGivenUpSaysSo() throws {
    let loop = try Loop()
    var error: UVError?
    // A network for documentation: nobody answers.
    let stream = TCPStream.connect(loop, to: try SocketAddress(host: "192.0.2.1", port: 9)) {
      if case .failure(let reason) = $0 { error = reason }
    }
    stream.close()
    loop.run()
    #expect(error == .cancelled)
  }

  @Test func addressesAreCheckedAndPrinted() throws {
    #expect(try SocketAddress(host: "127.0.0.1", port: 7001).description == "127.0.0.1:7001")
    #expect(try SocketAddress(host: "::1", port: 1).description == "[::1]:1")
    #expect(throws: UVError.malformedAddress("127.0.0.1:65536")) {
      _ = try SocketAddress(host: "127.0.0.1", port: 65_536)
    }
    #expect(throws: UVError.malformedAddress("nowhere:1")) {
      _ = try SocketAddress(host: "nowhere", port: 1)
    }
  }

  @Test func whoAnswersForAnAddress() throws {
    func origin(_ host: String) throws -> NetworkOrigin {
      try SocketAddress(host: host, port: 1).origin
    }
    #expect(try origin("10.0.0.1") == origin("::ffff:10.0.0.1"))
    #expect(try origin("10.0.0.1") != origin("10.0.0.2"))
    #expect(try origin("2001:db8:1:2::1") == origin("2001:db8:1:2:ffff::9"))
    #expect(try origin("2001:db8:1:2::1") != origin("2001:db8:1:3::1"))
    #expect(try origin("0.0.0.1") != origin("::"))
    #expect(try origin("127.0.0.2").isLoopback && origin("::1").isLoopback)
    #expect(try !origin("::2").isLoopback && !origin("::").isLoopback)
    #expect(try !origin("10.0.0.127").isLoopback)
  }

  @Test func namesAreLookedUpInOrderAndNoMoreThanTwoAtOnce() throws {
    let loop = try Loop()
    let resolver = Resolver(loop)
    var ports: [Int] = []
    for port in 1...6 {
      resolver.resolve(host: "localhost", port: port) {
        if let address = try? $0.get() { ports.append(address.port) }
      }
    }
    resolver.resolve(host: "127.0.0.1", port: 7) {
      if let address = try? $0.get() { ports.append(address.port) }
    }
    #expect(ports.isEmpty)
    loop.run()
    #expect(ports.sorted() == [1, 2, 3, 4, 5, 6, 7])
  }
}
