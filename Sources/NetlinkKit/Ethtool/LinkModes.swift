// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

/// How fast a link is, and what it could do (`ETHTOOL_MSG_LINKMODES_GET`).
public struct LinkModes: Sendable, Hashable {
  /// Whether both ends may send at the same time.
  public enum Duplex: UInt8, Sendable, Hashable {
    /// One at a time.
    case half = 0
    /// Both at the same time.
    case full = 1
  }

  /// Whether the ends agree on speed and duplex by themselves.
  public var isAutonegotiating: Bool?
  /// Its speed, in megabits per second; nil when it is not known, as without a carrier.
  public var speed: UInt32?
  /// Whether both ends may send at the same time; nil when it is not known.
  public var duplex: Duplex?
  /// Over how many lanes it is spread; nil when the device does not say.
  public var lanes: UInt32?
  var ours = EthtoolBitset()
  var peers: EthtoolBitset?
  /// The names of the bits, in their order.
  var names: [String] = []
  /// What the kernel sent besides (`ETHTOOL_A_LINKMODES_...`).
  ///
  /// ``speed``, 5, and ``duplex``, 6, are here when they have no meaning.
  public var otherAttributes = RawAttributes()

  /// What it can do, in the kernel's words such as `10000baseT/Full`, and `Autoneg`.
  public var supported: [String] { names.indices.filter(ours.counts).map { names[$0] } }
  /// What it tells the peer that it can do.
  public var advertised: [String] { names.indices.filter { ours[$0] }.map { names[$0] } }
  /// What the peer told; nil when it told nothing.
  public var advertisedByPeer: [String]? { peers.map { peers in names.indices.filter { peers[$0] }.map { names[$0] } } }
}

extension LinkModes: EthtoolReply {
  static var noun: String { "link modes" }
  static var get: (command: Int, name: String) { (Int(ETHTOOL_MSG_LINKMODES_GET), "ETHTOOL_MSG_LINKMODES_GET") }
  static var reply: Int { Int(ETHTOOL_MSG_LINKMODES_GET_REPLY) }

  init(attributes: AttributeCursor, in datagram: RawSpan) throws(WireError) {
    var cursor = attributes
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(ETHTOOL_A_LINKMODES_AUTONEG): isAutonegotiating = try datagram.value(attribute, as: UInt8.self) != 0
      case Int(ETHTOOL_A_LINKMODES_SPEED):
        let value = try datagram.value(attribute, as: UInt32.self)
        // SPEED_UNKNOWN
        if value == .max { try otherAttributes.append(attribute, from: datagram) } else { speed = value }
      case Int(ETHTOOL_A_LINKMODES_DUPLEX):
        duplex = Duplex(rawValue: try datagram.value(attribute))
        if duplex == nil { try otherAttributes.append(attribute, from: datagram) }
      case Int(ETHTOOL_A_LINKMODES_LANES): lanes = try datagram.value(attribute)
      case Int(ETHTOOL_A_LINKMODES_OURS): ours = try EthtoolBitset(attribute, in: datagram)
      case Int(ETHTOOL_A_LINKMODES_PEER): peers = try EthtoolBitset(attribute, in: datagram)
      default: try otherAttributes.append(attribute, from: datagram)
      }
    }
  }

  /// Writes the attributes as the kernel does.
  func encodeReply(into writer: MessageWriter) {
    if let isAutonegotiating { writer.put(Int(ETHTOOL_A_LINKMODES_AUTONEG), UInt8(isAutonegotiating ? 1 : 0)) }
    ours.encodeReply(as: Int(ETHTOOL_A_LINKMODES_OURS), into: writer)
    peers?.encodeReply(as: Int(ETHTOOL_A_LINKMODES_PEER), into: writer)
    if let speed { writer.put(Int(ETHTOOL_A_LINKMODES_SPEED), speed) }
    if let duplex { writer.put(Int(ETHTOOL_A_LINKMODES_DUPLEX), duplex.rawValue) }
    if let lanes { writer.put(Int(ETHTOOL_A_LINKMODES_LANES), lanes) }
    writer.put(otherAttributes)
  }
}
