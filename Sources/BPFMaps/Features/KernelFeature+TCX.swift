// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem

extension KernelFeature {
  /// Traffic control programs attached by links instead of clsact filters.
  public static let tcx = KernelFeature("tcx", minimumKernel: KernelVersion(6, 6)) {
    switch BPFFeature.tcx() {
    case .present: .available
    case .absent: .missing(reason: "BPF_LINK_CREATE does not know BPF_TCX_INGRESS")
    case .unknown: .missing(reason: "a probe program cannot be loaded; it needs CAP_BPF and CAP_NET_ADMIN, or root")
    }
  }
}
