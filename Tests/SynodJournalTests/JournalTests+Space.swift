import Synod
import SynodSimulation
import Testing

@testable import SynodJournal

extension JournalTests {
  @Test func closingOnAFullDiskDoesNotWait() throws {
    let life = try Life(disk)
    disk.fault = { if case .fill = $0 { Self.noSpace } else { nil } }
    for _ in 0..<40 { life.append(3000) }
    life.run()
    #expect(life.isLowOnSpace)
    life.journal.close()
    life.run()
    #expect(life.events.last == .closed && life.failure == nil)
    disk.fault = nil
    #expect(try count() == life.acknowledged.count)
  }

  @Test func aFullDiskIsNoFailureBeforeItMatters() throws {
    let life = try Life(disk)
    life.run()
    disk.fault = { if case .fill = $0 { Self.noSpace } else { nil } }
    for _ in 0..<5 {
      life.append(3000)
      life.run()
    }
    #expect(life.isLowOnSpace && life.acknowledged.last == 5)
    disk.fault = nil
    life.journal.retrySpace()
    life.run()
    #expect(!life.isLowOnSpace && life.events.contains(.ready))
  }

  @Test func whatWaitsOnAFullDiskIsBounded() throws {
    var settings = Self.settings
    settings.maxWaiting = 100_000
    let life = try Life(disk, settings)
    disk.fault = { if case .fill = $0 { Self.noSpace } else { nil } }
    var batches = 0
    while life.journal.failure == nil, batches < 200 {
      life.append(3000)
      life.run()
      batches += 1
    }
    #expect(life.failure != nil && life.queuedBytes < 110_000)
    life.append(3000)
    #expect(life.queuedBytes < 110_000)
  }
}
