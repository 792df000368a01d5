// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

/// How long a device waits for more packets before it interrupts (`ETHTOOL_MSG_COALESCE_GET`).
///
/// What the device does not have is nil. When written, what is nil stays as it is. The rarer settings, for rates of
/// packets, are in ``otherAttributes``.
public struct DeviceCoalescing: Sendable, Hashable {
  /// How long it waits after a packet was received, in microseconds.
  public var receiveMicroseconds: UInt32?
  /// After how many received packets it waits no longer.
  public var receiveFrames: UInt32?
  /// How long it waits after a packet was sent, in microseconds.
  public var transmitMicroseconds: UInt32?
  /// After how many sent packets it waits no longer.
  public var transmitFrames: UInt32?
  /// Whether the driver adapts how long it waits after a received packet.
  public var isReceiveAdaptive: Bool?
  /// Whether the driver adapts how long it waits after a sent packet.
  public var isTransmitAdaptive: Bool?
  /// What the kernel sent besides (`ETHTOOL_A_COALESCE_...`).
  ///
  /// Not sent.
  public private(set) var otherAttributes = RawAttributes()

  /// Describes how long to wait.
  ///
  /// - Parameters:
  ///   - receiveMicroseconds: how long after a packet was received.
  ///   - receiveFrames: after how many received packets no longer.
  ///   - transmitMicroseconds: how long after a packet was sent.
  ///   - transmitFrames: after how many sent packets no longer.
  ///   - isReceiveAdaptive: whether the driver adapts how long after a received packet.
  ///   - isTransmitAdaptive: whether the driver adapts how long after a sent packet.
  public init(
    receiveMicroseconds: UInt32? = nil, receiveFrames: UInt32? = nil, transmitMicroseconds: UInt32? = nil,
    transmitFrames: UInt32? = nil, isReceiveAdaptive: Bool? = nil, isTransmitAdaptive: Bool? = nil
  ) {
    self.receiveMicroseconds = receiveMicroseconds
    self.receiveFrames = receiveFrames
    self.transmitMicroseconds = transmitMicroseconds
    self.transmitFrames = transmitFrames
    self.isReceiveAdaptive = isReceiveAdaptive
    self.isTransmitAdaptive = isTransmitAdaptive
  }
}

extension DeviceCoalescing: EthtoolSettings {
  static var noun: String { "coalescing" }
  static var get: (command: Int, name: String) { (Int(ETHTOOL_MSG_COALESCE_GET), "ETHTOOL_MSG_COALESCE_GET") }
  static var set: (command: Int, name: String) { (Int(ETHTOOL_MSG_COALESCE_SET), "ETHTOOL_MSG_COALESCE_SET") }
  static var reply: Int { Int(ETHTOOL_MSG_COALESCE_GET_REPLY) }

  static var fields: [EthtoolField<DeviceCoalescing>] {
    [
      EthtoolField("receiveMicroseconds", Int(ETHTOOL_A_COALESCE_RX_USECS), \.receiveMicroseconds),
      EthtoolField("receiveFrames", Int(ETHTOOL_A_COALESCE_RX_MAX_FRAMES), \.receiveFrames),
      EthtoolField("transmitMicroseconds", Int(ETHTOOL_A_COALESCE_TX_USECS), \.transmitMicroseconds),
      EthtoolField("transmitFrames", Int(ETHTOOL_A_COALESCE_TX_MAX_FRAMES), \.transmitFrames),
      EthtoolField(switch: "isReceiveAdaptive", Int(ETHTOOL_A_COALESCE_USE_ADAPTIVE_RX), \.isReceiveAdaptive),
      EthtoolField(switch: "isTransmitAdaptive", Int(ETHTOOL_A_COALESCE_USE_ADAPTIVE_TX), \.isTransmitAdaptive),
    ]
  }

  init(attributes: AttributeCursor, in datagram: RawSpan) throws(WireError) {
    var cursor = attributes
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(ETHTOOL_A_COALESCE_RX_USECS): receiveMicroseconds = try datagram.value(attribute)
      case Int(ETHTOOL_A_COALESCE_RX_MAX_FRAMES): receiveFrames = try datagram.value(attribute)
      case Int(ETHTOOL_A_COALESCE_TX_USECS): transmitMicroseconds = try datagram.value(attribute)
      case Int(ETHTOOL_A_COALESCE_TX_MAX_FRAMES): transmitFrames = try datagram.value(attribute)
      case Int(ETHTOOL_A_COALESCE_USE_ADAPTIVE_RX):
        isReceiveAdaptive = try datagram.value(attribute, as: UInt8.self) != 0
      case Int(ETHTOOL_A_COALESCE_USE_ADAPTIVE_TX):
        isTransmitAdaptive = try datagram.value(attribute, as: UInt8.self) != 0
      default: try otherAttributes.append(attribute, from: datagram)
      }
    }
  }

  /// Writes the attributes as the kernel does.
  func encodeReply(into writer: MessageWriter) {
    for field in Self.fields { field.encode(self, into: writer) }
    writer.put(otherAttributes)
  }
}
