// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import Testing

@Suite("Lost records")
struct RecordLossTests {
  @Test func `a count that a program made nonsense of is no reason to trap`() {
    #expect(BPFRecordLoss(inProgram: 3, inBuffer: 4).total == 7)
    #expect(BPFRecordLoss(inProgram: .max, inBuffer: 1).total == 0)
  }
}
