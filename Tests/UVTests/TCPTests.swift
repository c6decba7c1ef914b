import Testing

@testable import UV

/// Bytes that a stream may write.
final class Blob {
  let memory: UnsafeMutableRawBufferPointer

  init(_ bytes: [UInt8]) {
    memory = .allocate(byteCount: max(bytes.count, 1), alignment: 1)
    memory.copyBytes(from: bytes)
    count = bytes.count
  }

  private let count: Int
  var part: StreamBuffer {
    StreamBuffer(owner: self, bytes: UnsafeRawBufferPointer(rebasing: memory[..<count]))
  }
  deinit { memory.deallocate() }
}

/// A listener, and a connection to it with both of its ends.
final class Pair {
  let loop: Loop
  let listener: Listener
  var near: TCPStream?
  var far: TCPStream?

  init() throws {
    let loop = try Loop()
    self.loop = loop
    var accepted: TCPStream?
    listener = try Listener(loop, on: SocketAddress(host: "127.0.0.1", port: 0)) {
      accepted = $0
      loop.stop()
    }
    TCPStream.connect(loop, to: listener.address) { self.near = try? $0.get() }
    while accepted == nil || near == nil { loop.run() }
    far = accepted
    accepted = nil
  }

  deinit {
    near?.close()
    far?.close()
    loop.close()
  }
}

@Suite struct TCPTests {
  @Test func whatOneSideWritesTheOtherReadsInOrder() throws {
    let pair = try Pair()
    let (near, far) = (try #require(pair.near), try #require(pair.far))
    var received: [UInt8] = []
    var ends: [StreamEnd] = []
    far.onRead = { received += $0 }
    far.onEnd = {
      ends.append($0)
      pair.loop.stop()
    }
    far.startReading()
    near.write([Blob(Array("one ".utf8)).part, Blob([]).part, Blob(Array("two".utf8)).part])
    near.write(Blob(Array(" three".utf8)).part)
    near.closeAfterWrites()
    pair.loop.run()
    #expect(received == Array("one two three".utf8))
    #expect(ends == [.eof])
    far.close()
    #expect(ends == [.eof])
  }

  @Test func whatTheSocketDoesNotTakeWaitsAndKeepsItsOwners() throws {
    let pair = try Pair()
    let (near, far) = (try #require(pair.near), try #require(pair.far))
    let size = 16 << 20
    let bytes = (0..<size >> 3).flatMap { word in
      withUnsafeBytes(of: UInt64(word) &* 0x9e37_79b9_7f4a_7c15) { Array($0) }
    }
    let expected = [1, 2, 3] + bytes + [9]
    var received: [UInt8] = []
    var drained = false
    weak var held: Blob?
    do {
      let blob = Blob(bytes)
      held = blob
      near.write([Blob([1, 2, 3]).part, blob.part])
      near.write(Blob([9]).part)
    }
    #expect(held != nil)
    #expect(near.queuedBytes > 0)
    near.onDrained = { drained = true }
    far.onRead = {
      received += $0
      if received.count == expected.count { pair.loop.stop() }
    }
    far.startReading()
    pair.loop.run()
    #expect(received == expected)
    #expect(drained)
    #expect(near.queuedBytes == 0)
    #expect(held == nil)
    near.close()
    far.close()
  }

  @Test func whoSendsMuchHasItReadInSeveralTurns() throws {
    let pair = try Pair()
    let (near, far) = (try #require(pair.near), try #require(pair.far))
    let size = 4 << 20
    var (received, inTurn, most) = (0, 0, 0)
    far.onRead = {
      received += $0.count
      inTurn += $0.count
      if received == size { pair.loop.stop() }
    }
    pair.loop.atTurn = {
      most = max(most, inTurn)
      inTurn = 0
    }
    far.startReading()
    near.write(Blob([UInt8](repeating: 7, count: size)).part)
    pair.loop.run()
    #expect(received == size)
    // Two full reads, and what a look before them gave.
    #expect(most <= 3 * Loop.readBufferSize)
    near.close()
    far.close()
  }

  @Test func whereManySendMuchEachIsReadALittleInATurn() throws {
    let loop = try Loop()
    var far: [TCPStream] = []
    let listener = try Listener(loop, on: SocketAddress(host: "127.0.0.1", port: 0)) {
      far.append($0)
      if far.count == 24 { loop.stop() }
    }
    var near: [TCPStream] = []
    for _ in 0..<24 {
      TCPStream.connect(loop, to: listener.address) {
        if let one = try? $0.get() { near.append(one) }
      }
    }
    while far.count < 24 || near.count < 24 { loop.run() }
    let size = 256 << 10
    var received = Array(repeating: 0, count: 24)
    var (inTurn, most) = (0, 0)
    for (place, stream) in far.enumerated() {
      stream.onRead = {
        received[place] += $0.count
        inTurn += $0.count
        if received.allSatisfy({ $0 == size }) { loop.stop() }
      }
      stream.startReading()
    }
    loop.atTurn = {
      most = max(most, inTurn)
      inTurn = 0
    }
    for stream in near { stream.write(Blob([UInt8](repeating: 7, count: size)).part) }
    loop.run()
    #expect(received.allSatisfy { $0 == size })
    // What is enough, one read beyond that, and a little of everyone.
    #expect(most <= Gathering.enough + Loop.readBufferSize + 24 * Loop.littleToRead)
    #expect(most < 24 * Loop.readBufferSize / 2)
    for stream in near + far { stream.close() }
    loop.close()
  }

  @Test func aStreamThatIsPausedReadsNothing() throws {
    let pair = try Pair()
    let (near, far) = (try #require(pair.near), try #require(pair.far))
    var received = 0
    far.onRead = {
      received += $0.count
      far.stopReading()
    }
    far.startReading()
    let timer = Timer(pair.loop) { near.write(Blob([1]).part) }
    timer.start(every: 1)
    let end = Timer(pair.loop) { pair.loop.stop() }
    end.start(after: 20)
    pair.loop.run()
    #expect(received == 1)
    end.start(after: 20)
    far.startReading()
    pair.loop.run()
    #expect(received > 1)
  }

  @Test func theEndIsToldOnceAndHandlersAreDropped() throws {
    let pair = try Pair()
    let far = try #require(pair.far)
    final class Owner { var stream: TCPStream? }
    weak var held: Owner?
    var ends: [StreamEnd] = []
    do {
      let owner = Owner()
      owner.stream = far
      far.onEnd = {
        ends.append($0)
        owner.stream?.close()
      }
      far.onRead = { _ in _ = owner }
      far.onDrained = { _ = owner }
      held = owner
    }
    far.startReading()
    #expect(held != nil)
    far.close()
    far.close()
    #expect(ends == [.closed])
    #expect(held == nil)
    #expect(far.isClosed)
    far.write(Blob([1]).part)
    #expect(far.queuedBytes == 0)
  }

  @Test func aWriteToABrokenConnectionIsToldLaterAndOnce() throws {
    let pair = try Pair()
    let (near, far) = (try #require(pair.near), try #require(pair.far))
    far.close()
    var ends: [StreamEnd] = []
    near.onEnd = {
      ends.append($0)
      pair.loop.stop()
    }
    let timer = Timer(pair.loop) {
      near.write(Blob([1, 2, 3]).part)
      #expect(ends.isEmpty)
    }
    timer.start(every: 1)
    pair.loop.run()
    #expect(ends == [.failed(.connectionReset)])
    #expect(near.isClosed)
  }

  @Test func droppingAStreamClosesIt() throws {
    let pair = try Pair()
    var end: StreamEnd?
    pair.far?.onEnd = {
      end = $0
      pair.loop.stop()
    }
    pair.far?.startReading()
    weak let held = pair.near
    pair.near = nil
    #expect(held == nil)
    pair.loop.run()
    #expect(end == .eof)
  }

  @Test func anEndOfFileLeavesTheOtherDirectionOpen() throws {
    let pair = try Pair()
    let (near, far) = (try #require(pair.near), try #require(pair.far))
    var answer: [UInt8] = []
    far.onEnd = { _ in
      far.write(Blob(Array("late".utf8)).part)
      far.closeAfterWrites()
    }
    far.startReading()
    near.onRead = { answer += $0 }
    near.onEnd = { _ in pair.loop.stop() }
    near.startReading()
    near.shutdown()
    pair.loop.run()
    #expect(answer == Array("late".utf8))
  }

  @Test func addressesAndOptionsAreReadable() throws {
    let pair = try Pair()
    let (near, far) = (try #require(pair.near), try #require(pair.far))
    near.setKeepAlive(idle: 5, interval: 4, count: 3)
    near.setUserTimeout(milliseconds: 5_000)
    near.setSendBuffer(bytes: 65_536)
    #expect(near.peerAddress?.description == pair.listener.address.description)
    #expect(far.peerAddress?.port == near.localAddress?.port)
  }
}
