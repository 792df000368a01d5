// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BPFMaps

@Suite("Answers of feature probes")
struct FeatureAnswerTests {
  @Test(arguments: [22, 19, 95, 524] as [CInt])
  func `a kernel that cannot map a map lacks the feature`(number: CInt) {
    guard case .missing(let reason, _) = FeatureProbe.mapping(status: -number) else {
      Issue.record("\(FeatureProbe.mapping(status: -number))")
      return
    }
    #expect(reason.hasPrefix("mmap(2) of a map is refused; "))
  }

  @Test(arguments: [12, 11, 23] as [CInt])
  func `a want of memory says nothing of the kernel, and is asked again`(number: CInt) {
    #expect(
      FeatureProbe.mapping(status: -number) == .unknown(reason: "map a probe map into memory: errno \(number)"))
  }
}
