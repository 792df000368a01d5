// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

/// How many packets a device's queues hold, and could (`ETHTOOL_MSG_RINGS_GET`).
///
/// What the device does not have is nil. When written, what is nil stays as it is, and the maxima do not matter.
public struct DeviceRings: Sendable, Hashable {
  /// Packets in a queue for receiving.
  public var receive: UInt32?
  /// Packets in a queue for receiving small packets.
  public var receiveMini: UInt32?
  /// Packets in a queue for receiving large packets.
  public var receiveJumbo: UInt32?
  /// Packets in a queue for sending.
  public var transmit: UInt32?
  /// How large the buffers for receiving are, in bytes.
  public var receiveBufferLength: UInt32?
  /// The most that ``receive`` can be.
  public private(set) var maximumReceive: UInt32?
  /// The most that ``receiveMini`` can be.
  public private(set) var maximumReceiveMini: UInt32?
  /// The most that ``receiveJumbo`` can be.
  public private(set) var maximumReceiveJumbo: UInt32?
  /// The most that ``transmit`` can be.
  public private(set) var maximumTransmit: UInt32?
  /// What the kernel sent besides (`ETHTOOL_A_RINGS_...`).
  ///
  /// Not sent.
  public private(set) var otherAttributes = RawAttributes()

  /// Describes sizes of queues.
  ///
  /// - Parameters:
  ///   - receive: packets in a queue for receiving.
  ///   - receiveMini: packets in a queue for receiving small packets.
  ///   - receiveJumbo: packets in a queue for receiving large packets.
  ///   - transmit: packets in a queue for sending.
  ///   - receiveBufferLength: how large the buffers for receiving are, in bytes; Linux 5.17.
  public init(
    receive: UInt32? = nil, receiveMini: UInt32? = nil, receiveJumbo: UInt32? = nil, transmit: UInt32? = nil,
    receiveBufferLength: UInt32? = nil
  ) {
    self.receive = receive
    self.receiveMini = receiveMini
    self.receiveJumbo = receiveJumbo
    self.transmit = transmit
    self.receiveBufferLength = receiveBufferLength
  }
}

extension DeviceRings: EthtoolSettings {
  static var noun: String { "rings" }
  static var get: (command: Int, name: String) { (Int(ETHTOOL_MSG_RINGS_GET), "ETHTOOL_MSG_RINGS_GET") }
  static var set: (command: Int, name: String) { (Int(ETHTOOL_MSG_RINGS_SET), "ETHTOOL_MSG_RINGS_SET") }
  static var reply: Int { Int(ETHTOOL_MSG_RINGS_GET_REPLY) }

  static var fields: [EthtoolField<DeviceRings>] {
    [
      EthtoolField("receive", Int(ETHTOOL_A_RINGS_RX), \.receive),
      EthtoolField("receiveMini", Int(ETHTOOL_A_RINGS_RX_MINI), \.receiveMini),
      EthtoolField("receiveJumbo", Int(ETHTOOL_A_RINGS_RX_JUMBO), \.receiveJumbo),
      EthtoolField("transmit", Int(ETHTOOL_A_RINGS_TX), \.transmit),
      EthtoolField("receiveBufferLength", Int(ETHTOOL_A_RINGS_RX_BUF_LEN), \.receiveBufferLength),
    ]
  }

  init(attributes: AttributeCursor, in datagram: RawSpan) throws(WireError) {
    var cursor = attributes
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(ETHTOOL_A_RINGS_RX_MAX): maximumReceive = try datagram.value(attribute)
      case Int(ETHTOOL_A_RINGS_RX_MINI_MAX): maximumReceiveMini = try datagram.value(attribute)
      case Int(ETHTOOL_A_RINGS_RX_JUMBO_MAX): maximumReceiveJumbo = try datagram.value(attribute)
      case Int(ETHTOOL_A_RINGS_TX_MAX): maximumTransmit = try datagram.value(attribute)
      case Int(ETHTOOL_A_RINGS_RX): receive = try datagram.value(attribute)
      case Int(ETHTOOL_A_RINGS_RX_MINI): receiveMini = try datagram.value(attribute)
      case Int(ETHTOOL_A_RINGS_RX_JUMBO): receiveJumbo = try datagram.value(attribute)
      case Int(ETHTOOL_A_RINGS_TX): transmit = try datagram.value(attribute)
      case Int(ETHTOOL_A_RINGS_RX_BUF_LEN): receiveBufferLength = try datagram.value(attribute)
      default: try otherAttributes.append(attribute, from: datagram)
      }
    }
  }

  /// Writes the attributes as the kernel does.
  func encodeReply(into writer: MessageWriter) {
    let words: [(type: Int, value: UInt32?)] = [
      (Int(ETHTOOL_A_RINGS_RX_MAX), maximumReceive), (Int(ETHTOOL_A_RINGS_RX_MINI_MAX), maximumReceiveMini),
      (Int(ETHTOOL_A_RINGS_RX_JUMBO_MAX), maximumReceiveJumbo), (Int(ETHTOOL_A_RINGS_TX_MAX), maximumTransmit),
    ]
    for (type, value) in words { if let value { writer.put(type, value) } }
    for field in Self.fields { field.encode(self, into: writer) }
    writer.put(otherAttributes)
  }
}
