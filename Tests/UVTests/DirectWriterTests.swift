#if os(Linux)
  import Glibc
  import Testing

  @testable import UV

  /// Writes without a thread. What a kernel or a file system may answer differs, so each test takes
  /// both answers: written, or "a thread should do it".
  @Suite struct DirectWriterTests {
    /// Memory as writes past the page cache need it.
    final class Page {
      let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 4096)

      init(_ byte: UInt8) { bytes.initializeMemory(as: UInt8.self, repeating: byte) }
      deinit { bytes.deallocate() }

      var contents: UnsafeRawBufferPointer { UnsafeRawBufferPointer(bytes) }
    }

    /// `O_DIRECT`, which the importer leaves out.
    #if arch(arm64)
      static let pastTheCache: Int32 = 0o200000
    #else
      static let pastTheCache: Int32 = 0o40000
    #endif

    /// A file of 16 pages that are written already, and its descriptor past the page cache.
    final class File {
      let path: String
      let descriptor: Int32

      init() {
        var template = Array("/var/tmp/synod-test-XXXXXX".utf8CString)
        let plain = mkstemp(&template)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let blank = Page(0)
        withExtendedLifetime(blank) {
          for _ in 0..<16 { write(plain, blank.contents.baseAddress, 4096) }
        }
        fsync(plain)
        close(plain)
        let direct = open(path, O_RDWR | DirectWriterTests.pastTheCache | O_DSYNC | O_CLOEXEC)
        descriptor = direct >= 0 ? direct : open(path, O_RDWR | O_DSYNC | O_CLOEXEC)
      }

      deinit {
        close(descriptor)
        unlink(path)
      }

      func byte(at offset: Int) -> UInt8 {
        let page = Page(0xff)
        pread(descriptor, page.bytes.baseAddress, 4096, off_t(offset & ~4095))
        return page.bytes[offset & 4095]
      }
    }

    @Test func aWriteLandsWhereItIsMeantToOrNotAtAll() throws {
      let loop = try Loop()
      let file = File()
      let writer = try DirectWriter(loop)
      var outcomes: [DirectWriter.Outcome] = []
      var refused = 0
      for round in 1...40 {
        let place = round % 16
        let before = file.byte(at: place * 4096)
        let page = Page(UInt8(round))
        let begun = writer.write(
          page.contents, owner: page, to: file.descriptor, at: UInt64(place * 4096)
        ) { outcomes.append($0) }
        loop.run()
        if !begun { refused += 1 }
        let isWritten = begun && outcomes.last == .wrote(4096)
        #expect(file.byte(at: place * 4096) == (isWritten ? UInt8(round) : before))
        #expect(file.byte(at: (place + 1) % 16 * 4096) != UInt8(round))
      }
      #expect(outcomes.count + refused == 40)
      #expect(outcomes.allSatisfy { $0 == .wrote(4096) || $0 == .wouldWait })
      writer.close()
      loop.close()
    }

    @Test func aDescriptorThatCannotBeWrittenIsAnErrorAndNoSuccess() throws {
      let loop = try Loop()
      let file = File()
      let reading = open(file.path, O_RDONLY | O_CLOEXEC)
      defer { close(reading) }
      let writer = try DirectWriter(loop)
      let page = Page(1)
      var outcomes: [DirectWriter.Outcome] = []
      let begun = writer.write(page.contents, owner: page, to: reading, at: 0) {
        outcomes.append($0)
      }
      loop.run()
      #expect(begun ? outcomes == [.failed(EBADF)] : outcomes.isEmpty)
      #expect(file.byte(at: 0) == 0)
      loop.close()
    }

    @Test func closingWaitsForTheWriteUnderWayAndLetsGoOfItsBytes() throws {
      let loop = try Loop()
      let file = File()
      let writer = try DirectWriter(loop)
      var page: Page? = Page(7)
      weak let held = page
      if let bytes = page {
        _ = writer.write(bytes.contents, owner: bytes, to: file.descriptor, at: 0) { _ in
          Issue.record("nothing is told after the end")
        }
      }
      page = nil
      writer.close()
      #expect(held == nil)
      #expect([0, 7].contains(file.byte(at: 0)))
      loop.run()
      loop.close()
    }

    @Test func aWriterWithoutWorkKeepsNoLoopRunning() throws {
      let loop = try Loop()
      let writer = try DirectWriter(loop)
      loop.run()
      #expect(!writer.isClosed)
      loop.close()
      #expect(writer.isClosed)
    }
  }
#endif
