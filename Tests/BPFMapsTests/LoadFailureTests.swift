// SPDX-License-Identifier: Apache-2.0

import LinuxSystem
import SystemPackage
import Testing

@testable import BPFMaps

@Suite("Failed loads in words")
struct LoadFailureTests {
  private static let log = """
    0: R1=ctx(off=0,imm=0) R10=fp0
    ; return data[100];
    3: (71) r0 = *(u8 *)(r1 +100)
    R1 invalid mem access 'scalar'
    processed 4 insns (limit 1000000) max_states_per_insn 0 total_states 0

    """

  @Test func `the program with a log is the one refused, and the log is kept to the letter`() {
    let failure = LoadFailure(
      object: "pod", status: -13,
      messages: [
        "prog 'from_pod': BPF program load failed: Permission denied",
        "prog 'from_pod': -- BEGIN PROG LOAD LOG --\n\(Self.log)-- END PROG LOAD LOG --",
        "prog 'from_pod': failed to load: -13", "failed to load object 'pod'",
      ])
    #expect(failure.subject == .program("from_pod", log: Self.log))
    let error = failure.refusal(of: "from_pod", .trafficControl, Self.log) { _ in .available }
    #expect(error.code == .verifierRejected)
    #expect(error.errno == .permissionDenied)
    #expect(
      error.message
        == #"load object "pod": the verifier refused program "from_pod": R1 invalid mem access 'scalar'"#)
    #expect(error.verifierLog == Self.log)
  }

  @Test func `a log that quotes the end mark is not cut off there`() {
    let log = "; the source says -- END PROG LOAD LOG --\nR1 invalid mem access\n"
    let failure = LoadFailure(
      object: "pod", status: -13, messages: ["prog 'x': -- BEGIN PROG LOAD LOG --\n\(log)-- END PROG LOAD LOG --"])
    #expect(failure.subject == .program("x", log: log))
  }

  @Test func `an empty log is no refusal of the verifier`() {
    let failure = LoadFailure(
      object: "pod", status: -22,
      messages: [
        "prog 'x': BPF program load failed: Invalid argument",
        "prog 'x': -- BEGIN PROG LOAD LOG --\n-- END PROG LOAD LOG --",
      ])
    #expect(failure.subject == .program("x", log: ""))
    let known = failure.refusal(of: "x", .netfilter, "") { _ in .available }
    #expect(known.code == .invalidArgument)
    #expect(known.message.hasPrefix(#"load program "x" of object "pod": "#))
    let unknown = failure.refusal(of: "x", .netfilter, "") { feature in
      #expect(feature == .programType(.netfilter))
      return .missing(reason: "Linux 6.4 brought it", minimumKernel: KernelVersion(6, 4))
    }
    #expect(unknown.code == .notSupported)
    #expect(unknown.message.contains("no programs of type netfilter: Linux 6.4 brought it"))
    let large = LoadFailure(object: "pod", status: -7, messages: failure.messages).refusal(of: "x", .xdp, "") { _ in
      .available
    }
    #expect(large.code == .invalidArgument && large.message.contains("1 000 000 instructions"))
    #expect(LoadFailure(object: "pod", status: -22, messages: []).subject == .other(words: nil))
  }

  @Test func `a helper that the kernel lacks is named with the Linux that brought it`() {
    let error = LoadFailure(object: "pod", status: -22, messages: []).refusal(
      of: "from_pod", .trafficControl, "0: (85) call unknown#210\ninvalid func unknown#210\nprocessed 1 insns\n"
    ) { _ in .available }
    #expect(error.code == .notSupported)
    #expect(error.message.contains("calls bpf_cgrp_storage_get, which this kernel does not have; Linux 6.2 brought it"))
    #expect(error.verifierLog?.isEmpty == false)
  }

  @Test func `a helper of other program types is the verifier's refusal`() {
    let error = LoadFailure(object: "pod", status: -22, messages: []).refusal(
      of: "x", .xdp, "unknown func bpf_skb_load_bytes#26\n"
    ) { _ in .available }
    #expect(error.code == .verifierRejected)
    #expect(error.message.hasSuffix("unknown func bpf_skb_load_bytes#26"))
  }

  @Test(
    arguments: [
      (-7, BPFError.Code.invalidArgument, "too large"), (-12, .systemCall, "memory limit"),
      (-1, .permissionDenied, "CAP_BPF"), (-22, .invalidArgument, "hash, key 4 bytes, value 8 bytes, max_entries 10"),
    ] as [(CInt, BPFError.Code, String)])
  func `a map that cannot be made is named with its shape and a remedy`(
    status: CInt, code: BPFError.Code, words: String
  ) {
    let failure = LoadFailure(
      object: "pod", status: status,
      messages: ["map 'flow': failed to create: Some words(\(status))", "failed to load object 'pod'"])
    #expect(failure.subject == .map("flow"))
    let map = BPFMapInfo(
      name: "flow", identifier: 0, kind: .hash, keySize: 4, valueSize: 8, maximumEntryCount: 10, flags: 0)
    let error = failure.refusal(ofMap: "flow", map) { _ in .available }
    #expect(error.code == code)
    #expect(error.message.hasPrefix(#"create map "flow" of object "pod": "#))
    #expect(error.message.contains(words), "\(error.message)")
    #expect(error.errno == Errno(rawValue: -status))
  }

  @Test func `a kind of map that the kernel lacks is not supported`() {
    let map = BPFMapInfo(
      name: "heap", identifier: 0, kind: BPFMapKind(rawValue: 33), keySize: 0, valueSize: 0, maximumEntryCount: 1,
      flags: 0)
    let error = LoadFailure(object: "pod", status: -22, messages: []).refusal(ofMap: "heap", map) { feature in
      .missing(reason: "Linux 6.9 brought it", minimumKernel: feature.minimumKernel)
    }
    #expect(error.code == .notSupported)
    #expect(error.message.contains("no maps of kind arena: Linux 6.9 brought it"))
  }

  @Test func `statistics are read from the end of a log, old and new`() {
    let new = VerifierStatistics(
      parsing: """
        R1 invalid mem access 'scalar'
        verification time 83 usec
        stack depth 64+16
        processed 3540 insns (limit 1000000) max_states_per_insn 4 total_states 195 peak_states 190 mark_read 12
        """)
    #expect(new?.processedInstructions == 3540)
    #expect(new?.limit == 1_000_000)
    #expect(new?.microseconds == 83)
    #expect(new?.stackDepths == [64, 16])
    #expect(new?.peakStates == 190)
    let short = VerifierStatistics(parsing: "processed 4 insns (limit 1000000) max_states_per_insn 0")
    #expect(short?.processedInstructions == 4)
    #expect(short?.microseconds == nil)
    #expect(VerifierStatistics(parsing: "processed") == nil)
    #expect(VerifierStatistics(parsing: "") == nil)
  }
}
