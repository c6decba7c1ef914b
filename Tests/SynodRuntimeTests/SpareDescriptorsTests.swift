import Glibc
import Testing

@testable import SynodRuntime

@Suite struct SpareDescriptorsTests {
  @Test func aFileIsOpenedInThePlaceOfASpareWhereThereIsNoOther() {
    let spares = SpareDescriptors()
    var made: [Int32] = []
    spares.refill {
      made.append(dup(STDERR_FILENO))
      return made[made.count - 1]
    }
    #expect(made.count == SpareDescriptors.most)
    var attempts = 0
    func attempt(failing failures: Int, _ code: Int32 = EMFILE) -> Int32 {
      attempts = 0
      return spares.open {
        attempts += 1
        if attempts > failures { return 7 }
        errno = code
        return -1
      }
    }
    #expect(attempt(failing: 0) == 7 && attempts == 1)
    #expect(attempt(failing: 3) == 7 && attempts == 4)
    // Nothing is given away for another reason.
    #expect(attempt(failing: 1, EACCES) == -1 && attempts == 1)
    #expect(attempt(failing: 100) == -1 && attempts == SpareDescriptors.most - 3 + 1)
    #expect(errno == EMFILE)
    made = []
    spares.refill {
      guard made.count < 2 else { return -1 }
      made.append(dup(STDERR_FILENO))
      return made[made.count - 1]
    }
    #expect(attempt(failing: 2) == 7)
  }
}
