// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import Glibc
internal import LinuxSystem

extension FeatureProbe {
  /// What loading a probe program came to.
  struct Load {
    /// A descriptor, or the negative error number.
    var status: CInt
    /// What the verifier wrote.
    var log: String
  }

  static func programType(_ type: BPFProgramKind) -> BPFFeature.Availability {
    let load = load(type.rawValue, attachType: exampleAttachType(of: type), returning: 0)
    if load.status >= 0 {
      _ = OwnedFileDescriptor(taking: load.status)
      return .available
    }
    // These need a function to attach to and are given none: the verifier's words show that the type is known to it.
    if needsTarget(type), !load.log.isEmpty { return .available }
    switch load.status {
    case -EINVAL, -524, -EOPNOTSUPP:
      return missing("BPF_PROG_LOAD does not know program type \(type.rawValue)", since: type.minimumKernel)
    default: return refused("load a probe program of type \(type)", status: load.status)
    }
  }

  static func helper(_ helper: BPFHelper, _ type: BPFProgramKind) -> BPFFeature.Availability {
    var function: UInt32?
    if needsTarget(type) {
      let known = programType(type)
      guard known == .available else { return known }
      function = ProbeTarget.function(for: type)
      if function == nil {
        return .unknown(reason: "helpers of type \(type) depend on what it attaches to; there is no probe")
      }
    }
    let call = bpf_insn(code: 0x85, dst_reg: 0, src_reg: 0, off: 0, imm: Int32(bitPattern: helper.rawValue))
    let load = load(type.rawValue, attachType: exampleAttachType(of: type), [call] + returning(0), function: function)
    if load.status >= 0 {
      _ = OwnedFileDescriptor(taking: load.status)
      return .available
    }
    if load.log.isEmpty {
      let known = programType(type)
      return known == .available ? refused("load a probe program that calls \(helper)", status: load.status) : known
    }
    if load.log.contains("invalid func ") {
      return missing("the verifier does not know helper \(helper.rawValue)", since: helper.minimumKernel)
    }
    // Linux 6.11 changed the words.
    if load.log.contains("unknown func ") || load.log.contains("cannot use helper ") {
      return .missing(reason: "programs of type \(type) may not call it", minimumKernel: helper.minimumKernel)
    }
    if load.log.contains("might sleep") {
      return .missing(reason: "only sleepable programs of type \(type) may call it", minimumKernel: nil)
    }
    // The verifier may have been cut short before it came to the call.
    guard ![-ENOMEM, -EAGAIN, -EINTR].contains(load.status) else {
      return refused("load a probe program that calls \(helper)", status: load.status)
    }
    // It objects to the arguments, of which there are none: so it knows the helper.
    return .available
  }

  /// The program `r0 = number; exit`.
  static func returning(_ number: Int32) -> [bpf_insn] {
    [
      bpf_insn(code: 0xb7, dst_reg: 0, src_reg: 0, off: 0, imm: number),
      bpf_insn(code: 0x95, dst_reg: 0, src_reg: 0, off: 0, imm: 0),
    ]
  }

  static func load(_ type: UInt32, attachType: UInt32, returning number: Int32, function: UInt32? = nil) -> Load {
    load(type, attachType: attachType, returning(number), function: function)
  }

  static func load(_ type: UInt32, attachType: UInt32, _ instructions: [bpf_insn], function: UInt32? = nil) -> Load {
    var log = [CChar](repeating: 0, count: 8192)
    let capacity = log.count
    let status = unsafe log.withUnsafeMutableBufferPointer { log in
      unsafe withZeroed(bpf_prog_load_opts.self) { options in
        unsafe options.sz = unsafe MemoryLayout<bpf_prog_load_opts>.size
        unsafe options.expected_attach_type = bpf_attach_type(attachType)
        unsafe options.log_level = 1
        unsafe options.log_buf = log.baseAddress
        unsafe options.log_size = UInt32(capacity)
        if let function {
          unsafe options.attach_btf_id = function
        } else if needsTarget(BPFProgramKind(rawValue: type)) {
          unsafe options.attach_btf_id = 1
        }
        if type == BPFProgramKind.systemCall.rawValue { unsafe options.prog_flags = 1 << 4 }  // BPF_F_SLEEPABLE
        return unsafe bpf_prog_load(
          bpf_prog_type(type), "probe", "GPL", instructions, instructions.count, &options)
      }
    }
    let text = String(decoding: log.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    // Of a program that it accepts and of one that it never looked at, the verifier says no more than statistics.
    let words = text.split(separator: "\n").filter { !$0.hasPrefix("processed 0 insns") }.joined(separator: "\n")
    return Load(status: status, log: words)
  }

  static func needsTarget(_ type: BPFProgramKind) -> Bool {
    [.tracing, .structOperations, .extension, .securityModule].contains(type)
  }

  /// Some types are loaded for one of their hooks.
  private static func exampleAttachType(of type: BPFProgramKind) -> UInt32 {
    switch type {
    case .cgroupAddress: 10
    case .cgroupSocketOption: 21
    case .socketLookup: 36
    case .netfilter: 45
    case .tracing: 24
    case .securityModule: 27
    default: 0
    }
  }
}
