// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem
internal import NetworkTypes

extension KernelFeature {
  /// Segmentation limits of IPv4's own: ``SegmentationLimits/gsoIPv4MaximumSize``.
  public static let ipv4SegmentationLimits = KernelFeature(
    "ipv4SegmentationLimits", minimumKernel: KernelVersion(6, 3)
  ) {
    do {
      let socket = try await NetlinkSocket(in: try await NetworkNamespace.makeAnonymous())
      let loopback = try await socket.links.link(at: .loopback)
      return loopback?.segmentation.gsoIPv4MaximumSize == nil
        ? .missing(reason: "the kernel says nothing of such limits") : .available
    } catch {
      return .missing(reason: "\(error)")
    }
  }
}
