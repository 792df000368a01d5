// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import Glibc
public import LinuxSystem

extension BPFFeature {
  /// How an interface runs XDP programs.
  public enum XDPMode: Sendable, Hashable, CaseIterable {
    /// In its driver, before a packet is one of the kernel's. `XDP_FLAGS_DRV_MODE`
    case native
    /// In the kernel, for any driver. `XDP_FLAGS_SKB_MODE`
    case generic

    var flags: UInt32 { self == .native ? 1 << 2 : 1 << 1 }
  }

  /// Whether an interface runs XDP programs in a mode, found out by attaching one that lets everything pass.
  ///
  /// It is there for a moment only. Drivers of real devices may reset their queues for it: ask when the interface is set
  /// up, not under traffic. The answer belongs to the device and is not remembered.
  ///
  /// - Parameters:
  ///   - mode: How programs run.
  ///   - interface: The interface's index in `namespace`.
  ///   - namespace: Where the interface is.
  /// - Returns: `unknown` where a program is attached already, and where there is no such interface.
  public static func xdp(
    _ mode: XDPMode, on interface: UInt32, in namespace: NetworkNamespace
  ) async -> Availability {
    let operation = "attach a probe program to interface \(interface) (XDP, \(mode))"
    let answer = try? await BPFError.inside(namespace, operation) { FeatureProbe.xdp(mode, interface, operation) }
    return answer ?? .unknown(reason: "\(operation): its namespace cannot be entered")
  }
}

extension FeatureProbe {
  static func xdp(_ mode: BPFFeature.XDPMode, _ interface: UInt32, _ operation: String) -> BPFFeature.Availability {
    LibbpfMessages.silence()
    // XDP_PASS
    let load = load(BPFProgramKind.xdp.rawValue, attachType: 37, returning: 2)
    guard load.status >= 0 else { return refused("load a probe program of type xdp", status: load.status) }
    let program = OwnedFileDescriptor(taking: load.status)
    let status = unsafe withZeroed(bpf_link_create_opts.self) { options in
      unsafe options.sz = unsafe MemoryLayout<bpf_link_create_opts>.size
      unsafe options.flags = mode.flags
      return unsafe bpf_link_create(program.rawValue, CInt(clamping: interface), bpf_attach_type(37), &options)
    }
    switch status {
    // The kernel has one error for an unknown interface and for a driver that refuses.
    case -EINVAL where interfaceStatus(interface) == -ENODEV, -ENODEV:
      return .unknown(reason: "\(operation): there is no such interface in this network namespace")
    case 0...:
      _ = OwnedFileDescriptor(taking: status)
      return .available
    case -EOPNOTSUPP, -EINVAL:
      return .missing(
        reason: "\(operation): the driver refuses it (errno \(-status))", minimumKernel: nil)
    case -EBUSY, -EEXIST: return .unknown(reason: "\(operation): another program is attached there")
    default: return refused(operation, status: status)
    }
  }
}
