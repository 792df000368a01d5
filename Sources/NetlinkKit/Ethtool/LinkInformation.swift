// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

/// What a link is made of (`ETHTOOL_MSG_LINKINFO_GET`).
public struct LinkInformation: Sendable, Hashable {
  /// The kind of plug.
  public struct Port: RawRepresentable, Sendable, Hashable {
    /// The kernel's number (`PORT_...`).
    public let rawValue: UInt8

    /// Makes a kind from the kernel's number.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Twisted pair.
    public static let twistedPair = Port(rawValue: 0)
    /// Attachment unit interface.
    public static let aui = Port(rawValue: 1)
    /// Media-independent interface.
    public static let mii = Port(rawValue: 2)
    /// Fibre.
    public static let fibre = Port(rawValue: 3)
    /// Thin coaxial cable.
    public static let bnc = Port(rawValue: 4)
    /// A cable with the transceivers at its ends.
    public static let directAttach = Port(rawValue: 5)
    /// None: nothing is plugged in, or there is no such thing.
    public static let none = Port(rawValue: 0xef)
    /// Another one.
    public static let other = Port(rawValue: 0xff)
  }

  /// The kind of plug.
  public var port: Port?
  /// The address of the physical layer's chip on its bus.
  public var physicalAddress: UInt8?
  /// Whether transmitting and receiving wires are crossed (`ETH_TP_MDI_...`): 0 unknown, 1 no, 2 yes, 3 by itself.
  public var crossover: UInt8?
  /// What ``crossover`` shall be.
  public var crossoverControl: UInt8?
  /// 0 for a transceiver in the device, 1 for one outside.
  public var transceiver: UInt8?
  /// What the kernel sent besides (`ETHTOOL_A_LINKINFO_...`).
  public var otherAttributes = RawAttributes()
}

extension LinkInformation: EthtoolReply {
  static var noun: String { "link information" }
  static var get: (command: Int, name: String) { (Int(ETHTOOL_MSG_LINKINFO_GET), "ETHTOOL_MSG_LINKINFO_GET") }
  static var reply: Int { Int(ETHTOOL_MSG_LINKINFO_GET_REPLY) }

  init(attributes: AttributeCursor, in datagram: RawSpan) throws(WireError) {
    var cursor = attributes
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(ETHTOOL_A_LINKINFO_PORT): port = Port(rawValue: try datagram.value(attribute))
      case Int(ETHTOOL_A_LINKINFO_PHYADDR): physicalAddress = try datagram.value(attribute)
      case Int(ETHTOOL_A_LINKINFO_TP_MDIX): crossover = try datagram.value(attribute)
      case Int(ETHTOOL_A_LINKINFO_TP_MDIX_CTRL): crossoverControl = try datagram.value(attribute)
      case Int(ETHTOOL_A_LINKINFO_TRANSCEIVER): transceiver = try datagram.value(attribute)
      default: try otherAttributes.append(attribute, from: datagram)
      }
    }
  }

  /// Writes the attributes as the kernel does.
  func encodeReply(into writer: MessageWriter) {
    let octets: [(type: Int, value: UInt8?)] = [
      (Int(ETHTOOL_A_LINKINFO_PORT), port?.rawValue), (Int(ETHTOOL_A_LINKINFO_PHYADDR), physicalAddress),
      (Int(ETHTOOL_A_LINKINFO_TP_MDIX), crossover), (Int(ETHTOOL_A_LINKINFO_TP_MDIX_CTRL), crossoverControl),
      (Int(ETHTOOL_A_LINKINFO_TRANSCEIVER), transceiver),
    ]
    for (type, value) in octets { if let value { writer.put(type, value) } }
    writer.put(otherAttributes)
  }
}
