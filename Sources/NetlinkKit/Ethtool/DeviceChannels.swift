// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

/// How many queues a device uses, and could (`ETHTOOL_MSG_CHANNELS_GET`).
///
/// What the device does not have is nil. When written, what is nil stays as it is, and the maxima do not matter.
public struct DeviceChannels: Sendable, Hashable {
  /// Queues for receiving only.
  public var receive: UInt32?
  /// Queues for sending only.
  public var transmit: UInt32?
  /// Queues for something else.
  public var other: UInt32?
  /// Queues for both.
  public var combined: UInt32?
  /// The most that ``receive`` can be.
  public private(set) var maximumReceive: UInt32?
  /// The most that ``transmit`` can be.
  public private(set) var maximumTransmit: UInt32?
  /// The most that ``other`` can be.
  public private(set) var maximumOther: UInt32?
  /// The most that ``combined`` can be.
  public private(set) var maximumCombined: UInt32?
  /// What the kernel sent besides (`ETHTOOL_A_CHANNELS_...`).
  ///
  /// Not sent.
  public private(set) var otherAttributes = RawAttributes()

  /// Describes numbers of queues.
  ///
  /// - Parameters:
  ///   - receive: queues for receiving only.
  ///   - transmit: queues for sending only.
  ///   - other: queues for something else.
  ///   - combined: queues for both.
  public init(receive: UInt32? = nil, transmit: UInt32? = nil, other: UInt32? = nil, combined: UInt32? = nil) {
    self.receive = receive
    self.transmit = transmit
    self.other = other
    self.combined = combined
  }
}

extension DeviceChannels: EthtoolSettings {
  static var noun: String { "channels" }
  static var get: (command: Int, name: String) { (Int(ETHTOOL_MSG_CHANNELS_GET), "ETHTOOL_MSG_CHANNELS_GET") }
  static var set: (command: Int, name: String) { (Int(ETHTOOL_MSG_CHANNELS_SET), "ETHTOOL_MSG_CHANNELS_SET") }
  static var reply: Int { Int(ETHTOOL_MSG_CHANNELS_GET_REPLY) }

  static var fields: [EthtoolField<DeviceChannels>] {
    [
      EthtoolField("receive", Int(ETHTOOL_A_CHANNELS_RX_COUNT), \.receive),
      EthtoolField("transmit", Int(ETHTOOL_A_CHANNELS_TX_COUNT), \.transmit),
      EthtoolField("other", Int(ETHTOOL_A_CHANNELS_OTHER_COUNT), \.other),
      EthtoolField("combined", Int(ETHTOOL_A_CHANNELS_COMBINED_COUNT), \.combined),
    ]
  }

  init(attributes: AttributeCursor, in datagram: RawSpan) throws(WireError) {
    var cursor = attributes
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(ETHTOOL_A_CHANNELS_RX_MAX): maximumReceive = try datagram.value(attribute)
      case Int(ETHTOOL_A_CHANNELS_TX_MAX): maximumTransmit = try datagram.value(attribute)
      case Int(ETHTOOL_A_CHANNELS_OTHER_MAX): maximumOther = try datagram.value(attribute)
      case Int(ETHTOOL_A_CHANNELS_COMBINED_MAX): maximumCombined = try datagram.value(attribute)
      case Int(ETHTOOL_A_CHANNELS_RX_COUNT): receive = try datagram.value(attribute)
      case Int(ETHTOOL_A_CHANNELS_TX_COUNT): transmit = try datagram.value(attribute)
      case Int(ETHTOOL_A_CHANNELS_OTHER_COUNT): other = try datagram.value(attribute)
      case Int(ETHTOOL_A_CHANNELS_COMBINED_COUNT): combined = try datagram.value(attribute)
      default: try otherAttributes.append(attribute, from: datagram)
      }
    }
  }

  /// Writes the attributes as the kernel does.
  func encodeReply(into writer: MessageWriter) {
    let words: [(type: Int, value: UInt32?)] = [
      (Int(ETHTOOL_A_CHANNELS_RX_MAX), maximumReceive), (Int(ETHTOOL_A_CHANNELS_TX_MAX), maximumTransmit),
      (Int(ETHTOOL_A_CHANNELS_OTHER_MAX), maximumOther), (Int(ETHTOOL_A_CHANNELS_COMBINED_MAX), maximumCombined),
    ]
    for (type, value) in words { if let value { writer.put(type, value) } }
    for field in Self.fields { field.encode(self, into: writer) }
    writer.put(otherAttributes)
  }
}
