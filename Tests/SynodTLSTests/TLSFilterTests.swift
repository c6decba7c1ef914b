#if TLS
  import Synod
  import Testing

  @testable import SynodTLS

  // One after another: some hear the secrets of the connection that is made.
  @Suite(.serialized) struct TLSFilterTests {
    @Test(arguments: [1, 2, 5, 100, 16_384, 65_536, Int.max])
    func whatIsSentArrivesHoweverTheStreamCutsIt(_ most: Int) throws {
      let bench = try TLSBench()
      let pair = TLSPair.nodes(try bench.node(1), try bench.node(2))
      pair.most = most
      // Said before anybody has shaken hands.
      pair.sendA([[1], [2, 3]])
      pair.sendB([[4]])
      #expect(!pair.a.isOpen)
      pair.run()
      #expect(pair.a.isOpen && pair.b.isOpen)
      #expect(pair.gotB == [1, 2, 3] && pair.gotA == [4])
      let many = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      pair.sendB([Array(many[..<10]), Array(many[10..<40_000]), Array(many[40_000...])])
      pair.sendA([many])
      pair.run()
      #expect(pair.gotA == [4] + many && pair.gotB == [1, 2, 3] + many)
      #expect(pair.failureA == nil && pair.failureB == nil)
      pair.endA()
      pair.run()
      #expect(pair.b.hasEnded && !pair.a.hasEnded)
    }

    @Test func nothingIsReadableOnTheWire() throws {
      let bench = try TLSBench()
      let pair = TLSPair.nodes(try bench.node(1), try bench.node(2))
      pair.sendA([])
      pair.run()
      pair.sendA([Array("a secret".utf8)])
      pair.change { wire in
        #expect(!String(decoding: wire, as: UTF8.self).contains("secret"))
        #expect(wire.count < 8 + 64)
      }
      pair.run()
      #expect(pair.gotB == Array("a secret".utf8))
    }

    @Test func theKeyIsAnotherAfterSoManyRecords() throws {
      let bench = try TLSBench()
      let pair = TLSPair.nodes(try bench.node(1), try bench.node(2), mostSealed: 3)
      pair.sendA([])
      pair.run()
      for number in 0..<50 as Range<UInt8> {
        pair.sendA([[number]])
        pair.sendB([[number]])
        if number % 7 == 0 { pair.run() }
      }
      pair.run()
      #expect(pair.gotA == Array(0..<50) && pair.gotB == Array(0..<50))
      #expect(pair.failureA == nil && pair.failureB == nil)
    }

    @Test func aChangedRecordEndsTheConnection() throws {
      let bench = try TLSBench()
      let pair = TLSPair.nodes(try bench.node(1), try bench.node(2))
      pair.sendA([])
      pair.run()
      pair.sendA([[1, 2, 3]])
      pair.sendA([[4]])
      pair.change { $0[$0.count - 30] ^= 1 }
      pair.run()
      #expect(pair.failureB == .broken("decryption failed or bad record mac"), "\(pair)")
      #expect(pair.gotB == [] || pair.gotB == [1, 2, 3])
      // Nothing more is heard, or said.
      let before = pair.gotB
      pair.sendA([[5]])
      pair.run()
      #expect(pair.gotB == before)
      pair.sendB([[6]])
      pair.run()
      #expect(pair.gotA == [])
    }

    @Test func newKeysWithoutEndEndTheConnection() throws {
      let bench = try TLSBench()
      let pair = TLSPair.nodes(try bench.node(1), try bench.node(2))
      pair.sendA([[1]])
      pair.run()
      for _ in 0..<100 { pair.changeKeyOfA() }
      pair.run()
      #expect(pair.failureB == nil)
      for _ in 0..<10_000 { pair.changeKeyOfA() }
      pair.run()
      #expect(pair.failureB == .broken("it sends much and says nothing"))
      #expect(pair.b.failure != nil && !pair.b.isOpen)
      #expect(pair.gotB == [1])
    }

    @Test func whoSaysLittleInManyRecordsIsHeard() throws {
      let bench = try TLSBench()
      let pair = TLSPair.nodes(try bench.node(1), try bench.node(2))
      for _ in 0..<10_000 { pair.sendA([[7]]) }
      pair.run()
      for _ in 0..<10_000 {
        pair.changeKeyOfA()
        pair.sendA([[7]])
      }
      pair.run()
      #expect(pair.gotB.count == 20_000)
      #expect(pair.failureB == nil)
    }

    @Test func whatIsSaidWhileAMessageHasComeInPartIsKept() throws {
      let bench = try TLSBench()
      let client = try bench.node(1)
      OwnRecords.listen(to: client)
      let pair = TLSPair.nodes(client, try bench.node(2))
      pair.sendA([])
      pair.run()
      // A new key is told in five bytes: here in two records.
      var own = OwnRecords()
      pair.inject(toB: own.seal([24, 0, 0, 1], type: 22))
      pair.run()
      let many = [UInt8](repeating: 3, count: 40_000)
      pair.sendB([[1], [2]])
      pair.sendB([many])
      pair.run()
      #expect(pair.gotA.count == 0)
      #expect(pair.b.failure == nil && pair.b.isOpen)
      pair.inject(toB: own.seal([0], type: 22))
      pair.run()
      let isWhole = pair.gotA == [1, 2] + many
      #expect(isWhole)
    }

    @Test func littleIsKeptForWhoNeverEndsAMessage() throws {
      let bench = try TLSBench()
      let client = try bench.node(1)
      OwnRecords.listen(to: client)
      let pair = TLSPair.nodes(client, try bench.node(2))
      pair.sendA([])
      pair.run()
      var own = OwnRecords()
      pair.inject(toB: own.seal([24, 0, 0, 1], type: 22))
      pair.run()
      let many = [UInt8](repeating: 3, count: TLSFilter.mostKept)
      pair.sendB([many])
      #expect(pair.b.failure == nil)
      pair.sendB([[1]])
      #expect(pair.b.failure != nil)
      pair.run()
      #expect(pair.gotA == [])
    }

    @Test func whatIsNotTLSIsSaidToBeSo() throws {
      let bench = try TLSBench()
      for text in ["GET / HTTP/1.1\r\n\r\n", "*1\r\n$4\r\nPING\r\n", "SYNW\u{1}\u{1}\u{0}\u{0}"] {
        let pair = TLSPair.nodes(try bench.node(1), try bench.node(2))
        pair.inject(toB: Array(text.utf8))
        pair.run()
        guard case .notTLS = pair.failureB else {
          Issue.record("\(text): \(String(describing: pair.failureB))")
          continue
        }
      }
    }

    @Test func hostileBytesTrapNothing() throws {
      let bench = try TLSBench()
      let (one, two) = (try bench.node(1), try bench.node(2))
      var random = SplitMix(seed: 7, voter: VoterID(1))
      for _ in 0..<200 {
        let pair = TLSPair.nodes(one, two)
        let isOpen = Bool.random(using: &random)
        pair.sendA([[1, 2, 3]])
        if isOpen { pair.run() }
        pair.sendA([Array(repeating: 7, count: Int.random(in: 0..<20_000, using: &random))])
        pair.change { wire in
          for _ in 0..<Int.random(in: 1...4, using: &random) where !wire.isEmpty {
            let place = Int.random(in: wire.indices, using: &random)
            switch UInt8.random(in: 0..<3, using: &random) {
            case 0: wire[place] ^= UInt8.random(in: 1...255, using: &random)
            case 1: wire.removeSubrange(place..<min(wire.count, place + 9))
            default: wire.insert(UInt8.random(in: 0...255, using: &random), at: place)
            }
          }
        }
        pair.most = Int.random(in: 100...9_000, using: &random)
        pair.run()
        // What is heard at all was said.
        #expect(pair.gotB.allSatisfy { $0 == 7 || (1...3).contains($0) })
      }
    }
  }
#endif
