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

  @Test func `the verifier's last line that is no statistic is the reason`() {
    let error = LoadFailure.describe(
      object: "pod", status: -13,
      messages: [
        "prog 'from_pod': BPF program load failed: Permission denied",
        """
        prog 'from_pod': -- BEGIN PROG LOAD LOG --
        0: R1=ctx(off=0,imm=0) R10=fp0
        ; return data[100];
        3: (71) r0 = *(u8 *)(r1 +100)
        R1 invalid mem access 'scalar'
        processed 4 insns (limit 1000000) max_states_per_insn 0 total_states 0
        -- END PROG LOAD LOG --
        """,
        "prog 'from_pod': failed to load: -13", "failed to load object 'pod'",
      ])
    #expect(error.code == .verifierRejected)
    #expect(
      error.message
        == #"load object "pod": the verifier refused program "from_pod": R1 invalid mem access 'scalar'"#)
    #expect(error.verifierLog?.hasPrefix("0: R1=ctx") == true)
    #expect(error.verifierLog?.contains("processed 4 insns") == true)
    #expect(error.verifierLog?.contains("END PROG") == false)
  }

  @Test func `a load that fails without a log says what libbpf said first`() {
    let error = LoadFailure.describe(
      object: "pod", status: -1,
      messages: [
        "map 'flow': failed to create: Operation not permitted(-1)", "failed to load object 'pod'",
      ])
    #expect(error.code == .permissionDenied)
    #expect(error.message.contains("map 'flow': failed to create"))
    #expect(error.message.contains("CAP_BPF"))
    #expect(error.verifierLog == nil)
  }

  @Test func `an empty log is no trap`() {
    let error = LoadFailure.describe(
      object: "pod", status: -13, messages: ["prog 'x': -- BEGIN PROG LOAD LOG --\n-- END PROG LOAD LOG --"])
    #expect(error.message.contains("no reason was given"))
    #expect(LoadFailure.describe(object: "pod", status: -22, messages: []).code == .invalidArgument)
  }

  @Test func `maps that differ are described by every difference, both sides`() {
    let mine = BPFMapInfo(
      name: "flow", identifier: 1, kind: .hash, keySize: 4, valueSize: 8, maximumEntryCount: 10, flags: 0)
    var theirs = mine
    #expect(mine.incompatibility(with: theirs) == nil)
    theirs.kind = .lruHash
    theirs.keySize = 8
    theirs.flags = 1
    #expect(
      mine.incompatibility(with: theirs)
        == "it has type LRU hash but the object wants hash, key size 8 but the object wants 4, flags 0x1 but the object wants 0x0"
    )
  }
}
