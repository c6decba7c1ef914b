import Glibc
import Testing

@testable import UV

@Suite struct StrangerTests {
  /// A listener, and connections to it; what they send is counted by `served`.
  private final class Hall {
    let loop: Loop
    var listener: Listener?
    var guests: [TCPStream] = []
    var callers: [TCPStream] = []
    /// Who was served, in turn: its place among the guests.
    var served: [Int] = []
    /// How many of them in each turn.
    var turns: [Int] = []
    var isDone: ([Int]) -> Bool = { _ in false }
    private var before = 0

    init(_ count: Int, known: Set<Int> = []) throws {
      loop = try Loop()
      let listener = try Listener(loop, on: SocketAddress(host: "127.0.0.1", port: 0)) { stream in
        self.welcome(stream, isKnown: known.contains(self.guests.count), count)
      }
      self.listener = listener
      connect(count)
      loop.run()
    }

    private func connect(_ rest: Int) {
      guard rest > 0, let address = listener?.address else { return }
      TCPStream.connect(loop, to: address) { result in
        if let stream = try? result.get() { self.callers.append(stream) }
        self.connect(rest - 1)
      }
    }

    private func welcome(_ stream: TCPStream, isKnown: Bool, _ count: Int) {
      let place = guests.count
      guests.append(stream)
      stream.isStranger = !isKnown
      stream.onRead = { _ in
        self.served.append(place)
        // Longer than a slice.
        if !isKnown { usleep(400) }
        if self.isDone(self.served) { self.loop.stop() }
      }
      if guests.count == count { loop.stop() }
    }

    /// All callers say something, then all guests are read.
    func run(until isDone: @escaping ([Int]) -> Bool) {
      self.isDone = isDone
      let bytes = Hello()
      for caller in callers { caller.write(bytes.part) }
      for guest in guests { guest.startReading() }
      loop.atTurn = {
        if self.served.count > self.before { self.turns.append(self.served.count - self.before) }
        self.before = self.served.count
      }
      loop.run()
    }

    func close() {
      loop.atTurn = nil
      for stream in guests + callers { stream.close() }
      listener?.close()
    }
  }

  private final class Much {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 1)
    init() { bytes.initializeMemory(as: UInt8.self, repeating: 0) }
    deinit { bytes.deallocate() }
    var part: StreamBuffer { StreamBuffer(owner: self, bytes: UnsafeRawBufferPointer(bytes)) }
  }

  private final class Hello {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 1)
    init() { bytes[0] = 7 }
    deinit { bytes.deallocate() }
    var part: StreamBuffer { StreamBuffer(owner: self, bytes: UnsafeRawBufferPointer(bytes)) }
  }

  @Test func strangersAreServedASliceATurnAndNoneIsLeftOut() throws {
    let hall = try Hall(40)
    defer { hall.close() }
    hall.run { Set($0).count == 40 }
    #expect(Set(hall.served) == Set(0..<40))
    #expect(hall.turns.allSatisfy { $0 == 1 }, "\(hall.turns)")
  }

  @Test func whoSpeaksOnAndOnLetsOthersSpeak() throws {
    let hall = try Hall(12)
    defer { hall.close() }
    let much = Much()
    hall.callers[0].write([much.part])
    hall.run { Set($0).count == 12 }
    #expect(Set(hall.served) == Set(0..<12))
    #expect(hall.served.count { $0 == 0 } <= 3, "\(hall.served)")
  }

  @Test func whoIsKnownIsServedInTheFirstTurn() throws {
    let hall = try Hall(40, known: [39])
    defer { hall.close() }
    hall.run { Set($0).count == 40 }
    #expect(hall.served.prefix(2).contains(39), "\(hall.served)")
    #expect(Set(hall.served) == Set(0..<40))
  }

  @Test func aListenerLetsStrangersSpeakThatCameBefore() throws {
    let hall = try Hall(4)
    defer { hall.close() }
    // Each that is accepted takes a slice, and as many wait as the system holds.
    var accepted = 0
    let listener = try Listener(hall.loop, on: SocketAddress(host: "127.0.0.1", port: 0)) {
      accepted += 1
      usleep(400)
      $0.close()
    }
    var waiting: [TCPStream] = []
    for _ in 0..<64 { waiting.append(TCPStream.connect(hall.loop, to: listener.address) { _ in }) }
    hall.run { Set($0).count == 4 }
    #expect(Set(hall.served) == Set(0..<4))
    #expect(accepted < 64)
    for stream in waiting { stream.close() }
    listener.close()
  }

  @Test func aSliceIsFollowedByAPauseWhereOthersAreServed() {
    var allowance = Allowance()
    allowance.spend(Allowance.slice - 1)
    #expect(!allowance.isSpent)
    allowance.spend(1)
    #expect(allowance.isSpent)
    #expect(!allowance.mustPause)
    allowance.share()
    #expect(allowance.mustPause)
    // Whoever was heard lately may be heard again soon.
    for _ in 0..<Allowance.patience {
      allowance.renew()
      #expect(!allowance.isSpent)
      allowance.spend(Allowance.slice)
      #expect(allowance.isSpent && allowance.mustPause)
    }
    allowance.renew()
    allowance.spend(Allowance.slice)
    #expect(!allowance.mustPause)
  }
}
