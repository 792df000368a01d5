// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem
public import NetworkTypes

/// What is to change about a link.
///
/// What is nil stays as it is; of the flags only those named are touched.
///
/// The kernel makes the changes one after the other and stops at the first that fails; those before it stay.
public struct LinkChanges: Sendable {
  /// The new name.
  ///
  /// Kernels before 6.2 refuse it (`busy`) while the link is up.
  public var name: InterfaceName?
  /// The new MTU in bytes.
  public var mtu: UInt32?
  /// The new link-layer address.
  public var address: MACAddress?
  /// Up or down.
  public var isUp: Bool?
  /// Whether it resolves neighbours by ARP.
  public var isARPEnabled: Bool?
  /// The new text, up to 255 bytes; empty to take it away.
  public var alias: String?
  /// Where to move it.
  ///
  /// It arrives down, without addresses and routes, perhaps under another index.
  public var namespace: NetworkNamespace?
  /// The bridge or bond it becomes a port of; `.some(nil)` for none.
  public var master: InterfaceIndex??

  /// Describes changes.
  ///
  /// - Parameters:
  ///   - name: the new name.
  ///   - mtu: the new MTU in bytes.
  ///   - address: the new link-layer address.
  ///   - isUp: up or down.
  ///   - isARPEnabled: whether it resolves neighbours by ARP.
  ///   - alias: the new text, up to 255 bytes; empty to take it away.
  ///   - namespace: where to move it.
  ///   - master: the bridge or bond it becomes a port of; `.some(nil)` for none.
  public init(
    name: InterfaceName? = nil, mtu: UInt32? = nil, address: MACAddress? = nil, isUp: Bool? = nil,
    isARPEnabled: Bool? = nil, alias: String? = nil, namespace: NetworkNamespace? = nil,
    master: InterfaceIndex?? = nil
  ) {
    self.name = name
    self.mtu = mtu
    self.address = address
    self.isUp = isUp
    self.isARPEnabled = isARPEnabled
    self.alias = alias
    self.namespace = namespace
    self.master = master
  }

  /// The flags to touch, and what they become.
  var flags: (values: LinkFlags, mask: LinkFlags) {
    var values: LinkFlags = []
    var mask: LinkFlags = []
    if let isUp {
      mask.insert(.up)
      if isUp { values.insert(.up) }
    }
    if let isARPEnabled {
      mask.insert(.noARP)
      if !isARPEnabled { values.insert(.noARP) }
    }
    return (values, mask)
  }
}
