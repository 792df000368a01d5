// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem

/// Tries features.
///
/// A version says too little: distributions leave out modules, and bring features back. libbpf's own probes are not used:
/// those of its release 1.1 take a refusal for want of privilege for an absent feature, and do not understand how newer
/// kernels refuse a helper.
enum FeatureProbe {
  static func answer(_ subject: BPFFeature.Subject) -> BPFFeature.Availability {
    LibbpfMessages.silence()
    switch subject {
    case .mapKind(let kind): return mapKind(kind)
    case .batch(let batch, let kind): return self.batch(batch, kind)
    case .mappableArray: return mappableArray()
    case .programType(let type): return programType(type)
    case .helper(let helper, let type): return self.helper(helper, type)
    case .attach(let type): return attach(type)
    case .links: return links()
    case .kernelTypes: return kernelTypes()
    case .queryRevisions: return queryRevisions()
    }
  }

  /// The kernel does not know it.
  ///
  /// - Parameters:
  ///   - what: What was asked of it: `BPF_MAP_CREATE does not know map type 30`.
  ///   - kernel: The first Linux with it.
  /// - Returns: The answer, with what keeps it from this kernel.
  static func missing(_ what: String, since kernel: KernelVersion?) -> BPFFeature.Availability {
    guard let kernel else { return .missing(reason: what, minimumKernel: nil) }
    let running = KernelVersion.running
    let cause =
      running < kernel
      ? "Linux \(kernel.major).\(kernel.minor) brought it, this is \(running)"
      : "Linux \(running) is new enough, so its configuration leaves it out"
    return .missing(reason: "\(what); \(cause)", minimumKernel: kernel)
  }

  /// The kernel refused the probe.
  static func refused(_ what: String, status: CInt) -> BPFFeature.Availability {
    guard status == -1 else { return .unknown(reason: "\(what): errno \(-status)") }
    let lacking = Privileges.lacking
    guard lacking.isEmpty else {
      return .unknown(reason: "\(what): this thread lacks \(lacking.joined(separator: ", ")); run the probe as root")
    }
    return .missing(
      reason: "\(what): not permitted, although the thread has CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON; "
        + "lockdown, a security module or a sandbox forbids it", minimumKernel: nil)
  }
}

/// What the calling thread may not do of that which BPF asks for.
enum Privileges {
  /// CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON.
  static var lacking: [String] {
    let held = CapabilitySet.effective
    var needed: CapabilitySet = [.bpf, .netAdmin, .perfmon]
    if held.contains(.sysAdmin) { needed = .netAdmin }
    return needed.subtracting(held).names
  }
}
