// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

/// Whether a link has a carrier, and why not (`ETHTOOL_MSG_LINKSTATE_GET`).
public struct LinkStateInformation: Sendable, Hashable {
  /// Whether it has a carrier.
  public var hasCarrier: Bool?
  /// How good the signal is, from 0 to ``maximumSignalQuality``; nil when the device does not say.
  public var signalQuality: UInt32?
  /// The best that ``signalQuality`` can be.
  public var maximumSignalQuality: UInt32?
  /// Why there is no carrier (`ETHTOOL_LINK_EXT_STATE_...`); nil when the device does not say.
  public var downReason: UInt8?
  /// The details of ``downReason`` (`ETHTOOL_LINK_EXT_SUBSTATE_...`).
  public var downReasonDetail: UInt8?
  /// What the kernel sent besides (`ETHTOOL_A_LINKSTATE_...`).
  public var otherAttributes = RawAttributes()
}

extension LinkStateInformation: EthtoolReply {
  static var noun: String { "link state" }
  static var get: (command: Int, name: String) { (Int(ETHTOOL_MSG_LINKSTATE_GET), "ETHTOOL_MSG_LINKSTATE_GET") }
  static var reply: Int { Int(ETHTOOL_MSG_LINKSTATE_GET_REPLY) }

  init(attributes: AttributeCursor, in datagram: RawSpan) throws(WireError) {
    var cursor = attributes
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(ETHTOOL_A_LINKSTATE_LINK): hasCarrier = try datagram.value(attribute, as: UInt8.self) != 0
      case Int(ETHTOOL_A_LINKSTATE_SQI): signalQuality = try datagram.value(attribute)
      case Int(ETHTOOL_A_LINKSTATE_SQI_MAX): maximumSignalQuality = try datagram.value(attribute)
      case Int(ETHTOOL_A_LINKSTATE_EXT_STATE): downReason = try datagram.value(attribute)
      case Int(ETHTOOL_A_LINKSTATE_EXT_SUBSTATE): downReasonDetail = try datagram.value(attribute)
      default: try otherAttributes.append(attribute, from: datagram)
      }
    }
  }

  /// Writes the attributes as the kernel does.
  func encodeReply(into writer: MessageWriter) {
    if let hasCarrier { writer.put(Int(ETHTOOL_A_LINKSTATE_LINK), UInt8(hasCarrier ? 1 : 0)) }
    if let signalQuality { writer.put(Int(ETHTOOL_A_LINKSTATE_SQI), signalQuality) }
    if let maximumSignalQuality { writer.put(Int(ETHTOOL_A_LINKSTATE_SQI_MAX), maximumSignalQuality) }
    if let downReason { writer.put(Int(ETHTOOL_A_LINKSTATE_EXT_STATE), downReason) }
    if let downReasonDetail { writer.put(Int(ETHTOOL_A_LINKSTATE_EXT_SUBSTATE), downReasonDetail) }
    writer.put(otherAttributes)
  }
}
