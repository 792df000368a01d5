// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem
internal import NetlinkKit
internal import NetworkTypes

/// Switches offload features of an interface on and off.
///
/// - Parameters:
///   - changes: The kernel's names of features (`ethtool -k`), and whether they are to be on.
///   - interface: The interface's name.
///   - namespace: Where it is.
/// - Throws: What the kernel refuses.
public func setOffloads(
  _ changes: [String: Bool], of interface: String, in namespace: NetworkNamespace
) async throws {
  let features = Dictionary(uniqueKeysWithValues: changes.map { (OffloadFeature(rawValue: $0.key), $0.value) })
  guard let name = InterfaceName(interface) else { throw BadName(interface: interface) }
  try await GenericNetlinkSocket(in: namespace).ethtool.setFeatures(features, of: .name(name))
}

private struct BadName: Error {
  var interface: String
}
