// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import Testing

@testable import BPFMaps

@Suite("Errors")
struct ErrorTests {
  @Test(
    arguments: [
      (1, BPFError.Code.permissionDenied, "CAP_BPF"), (2, .notFound, ""), (7, .full, ""), (12, .systemCall, "memory"),
      (16, .busy, ""), (24, .systemCall, "ulimit -n"), (17, .alreadyExists, ""), (19, .notFound, "network namespace"),
      (22, .invalidArgument, ""),
      (28, .full, ""), (95, .notSupported, ""), (524, .notSupported, "errno 524"), (71, .systemCall, ""),
    ] as [(CInt, BPFError.Code, String)])
  func `a kernel refusal has a code, its operation and a remedy`(number: CInt, code: BPFError.Code, remedy: String) {
    let error = BPFError.kernel("load object \"pod\"", status: -number)
    #expect(error.code == code)
    #expect(error.errno == Errno(rawValue: number))
    #expect(error.message.hasPrefix("load object \"pod\": "))
    #expect(error.message.contains(remedy))
  }
}
