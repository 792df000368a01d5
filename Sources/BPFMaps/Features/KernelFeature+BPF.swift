// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem

extension KernelFeature {
  /// A BPF feature, where features of all kinds are asked for together.
  ///
  /// An unknown answer counts as missing, with the reason why it could not be found out.
  public init(_ feature: BPFFeature) {
    self.init(feature.description, minimumKernel: feature.minimumKernel) {
      switch feature.availability() {
      case .available: .available
      case .missing(let reason, _): .missing(reason: reason)
      case .unknown(let reason): .missing(reason: reason)
      }
    }
  }

  /// Traffic control programs attached by links instead of clsact filters.
  public static let tcx = KernelFeature("tcx", minimumKernel: KernelVersion(6, 6)) {
    await KernelFeature(BPFFeature.tcx).availability()
  }
}
