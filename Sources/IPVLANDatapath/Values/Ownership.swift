// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// How kernel objects of this module are told from everybody else's.
///
/// Nothing without such a mark is ever deleted.
public enum Ownership {
  /// The protocol number of routes and rules: 84, the letter T.
  ///
  /// Unused in iproute2's `rt_protos`.
  public static let routeProtocol: UInt8 = 84
  /// What the alias of every link begins with.
  public static let aliasPrefix = "terwaykit:"

  /// The alias of a pod's links: `terwaykit:pod:NAMESPACE/NAME`, at most 255 bytes.
  ///
  /// - Parameter pod: Which pod.
  /// - Returns: The text.
  public static func alias(of pod: PodIdentity) -> String {
    String(decoding: "\(aliasPrefix)pod:\(pod)".utf8.prefix(255), as: UTF8.self)
  }

  /// The alias of the node's helper slave on an ENI: `terwaykit:node:MAC`.
  ///
  /// - Parameter eni: The parent.
  /// - Returns: The text.
  public static func alias(ofHelperOn eni: ENIAttachment) -> String { "\(aliasPrefix)node:\(eni.mac)" }

  /// The name of a pod's link on the node: `twk` and 11 hexadecimal digits of a hash over the pod and its interface.
  ///
  /// - Parameter pod: The pod.
  /// - Returns: The name.
  public static func nodeLink(of pod: PodAttachment) -> InterfaceName {
    .built("twk" + hexadecimal(StableHash.of("\(pod.pod)/\(pod.interface)") >> 20, digits: 11))
  }

  /// The MAC address of one end of a pod's veth pair, locally administered.
  static func mac(of pod: PodAttachment, end: String) -> MACAddress {
    let hash = StableHash.of("\(end)/\(pod.pod)/\(pod.interface)")
    return MACAddress(truncating: 0x0200_0000_0000 | (hash >> 24))
  }

  /// The name of the node's helper slave: `ipvl_` and the parent's index.
  ///
  /// - Parameter eni: The parent.
  /// - Returns: The name.
  public static func helper(on eni: ENIAttachment) -> InterfaceName { .built("ipvl_\(eni.index)") }

  private static func hexadecimal(_ value: UInt64, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}

/// FNV-1a, 64 bits: the same in every process, unlike Swift's own hashing.
enum StableHash {
  static func of(_ text: String) -> UInt64 {
    text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }
}

extension InterfaceName {
  /// A name this module puts together from parts that can't make it invalid.
  static func built(_ text: String) -> InterfaceName {
    guard let name = InterfaceName(text) else { preconditionFailure("\"\(text)\" is not a link name") }
    return name
  }
}
