import Testing

@testable import UV

@Suite struct GatheringTests {
  @Test func aLoneQuestionEndsItsTurnAtOnce() {
    var gathering = Gathering()
    gathering.add(100)
    let (again, wentOn) = (gathering.looksAgain(), gathering.end())
    #expect(!again)
    #expect(!wentOn)
  }

  @Test func inputOfSeveralStreamsIsLookedForAgainAsLongAsItComes() {
    var gathering = Gathering()
    gathering.add(100)
    gathering.add(100)
    let second = gathering.looksAgain()
    #expect(second)
    #expect(gathering.isUnderWay)
    let third = gathering.looksAgain()
    #expect(!third, "the second look gave nothing")
    let wentOn = gathering.end()
    #expect(wentOn)
    #expect(!gathering.isUnderWay)
  }

  @Test func muchInputOfOneStreamCountsAsThatOfSeveral() {
    var gathering = Gathering()
    gathering.add(Gathering.much + 1)
    let second = gathering.looksAgain()
    #expect(second)
    gathering.add(100)
    let third = gathering.looksAgain()
    #expect(!third, "what the last look gave decides")
  }

  @Test func aTurnEndsThoughInputGoesOn() {
    var gathering = Gathering()
    for _ in 0..<3 {
      var looks = 0
      repeat {
        for _ in 0..<5 { gathering.add(10) }
        looks += 1
      } while gathering.looksAgain()
      #expect(looks == Gathering.most + 1)
      let wentOn = gathering.end()
      #expect(wentOn)
    }
  }

  @Test func aTurnEndsAfterItsFillOfBytes() {
    var gathering = Gathering()
    gathering.add(100)
    gathering.add(Gathering.mostBytes)
    let again = gathering.looksAgain()
    #expect(!again)
  }

  @Test func aLoopThatStopsLooksNoMore() {
    var gathering = Gathering()
    gathering.add(100)
    gathering.add(100)
    gathering.mayGoOn = false
    let again = gathering.looksAgain()
    #expect(!again)
  }

  /// Two pairs that answer each other without end: turns come meanwhile, and `stop()` ends the run.
  @Test func turnsComeWhileStreamsAnswerEachOtherForEver() throws {
    let loop = try Loop()
    var streams: [TCPStream] = []
    let listener = try Listener(loop, on: SocketAddress(host: "127.0.0.1", port: 0)) {
      streams.append($0)
      if streams.count == 8 { loop.stop() }
    }
    for _ in 0..<4 {
      TCPStream.connect(loop, to: listener.address) {
        if let stream = try? $0.get() { streams.append(stream) }
        if streams.count == 8 { loop.stop() }
      }
    }
    loop.run()
    #expect(streams.count == 8)
    let blob = Blob([1])
    var (turns, reads, readsOfTurn, mostReads) = (0, 0, 0, 0)
    for stream in streams {
      stream.onRead = { [unowned stream] _ in
        reads += 1
        readsOfTurn += 1
        stream.write(blob.part)
      }
      stream.startReading()
      stream.write(blob.part)
    }
    loop.atTurn = {
      turns += 1
      mostReads = max(mostReads, readsOfTurn)
      readsOfTurn = 0
      if reads > 2_000 { loop.stop() }
    }
    loop.run()
    #expect(turns > 2_000 / (streams.count * (Gathering.most + 1)))
    #expect(mostReads <= streams.count * (Gathering.most + 1))
    for stream in streams { stream.close() }
    loop.close()
  }

  @Test func aStopAmidLooksStillEndsTheTurn() throws {
    let loop = try Loop()
    var streams: [TCPStream] = []
    let listener = try Listener(loop, on: SocketAddress(host: "127.0.0.1", port: 0)) {
      streams.append($0)
      if streams.count == 4 { loop.stop() }
    }
    for _ in 0..<2 {
      TCPStream.connect(loop, to: listener.address) {
        if let stream = try? $0.get() { streams.append(stream) }
        if streams.count == 4 { loop.stop() }
      }
    }
    loop.run()
    let blob = Blob([1])
    var (reads, handled) = (0, 0)
    for stream in streams {
      stream.onRead = { [unowned stream] _ in
        reads += 1
        if reads == 6 { loop.stop() }
        stream.write(blob.part)
      }
      stream.startReading()
      stream.write(blob.part)
    }
    loop.atTurn = { handled = reads }
    loop.run()
    #expect(handled == reads)
    #expect(reads >= 6)
    for stream in streams { stream.close() }
    loop.close()
  }
}
