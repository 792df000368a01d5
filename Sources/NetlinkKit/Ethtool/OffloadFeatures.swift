// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

/// The offload features of a device (`ETHTOOL_MSG_FEATURES_GET`).
public struct OffloadFeatures: Sendable, Hashable {
  /// The state of one feature.
  public struct State: Sendable, Hashable {
    /// Whether it is in effect.
    public var isActive: Bool
    /// Whether somebody asked for it; it is not in effect as long as something it needs is off.
    public var isWanted: Bool
    /// Whether it can be switched: the device has it, and it is not fixed.
    public var isChangeable: Bool
  }

  var hardware = EthtoolBitset()
  var wanted = EthtoolBitset()
  var active = EthtoolBitset()
  var fixed = EthtoolBitset()
  /// The names of the bits, in their order.
  var names: [String] = []
  /// What the kernel sent besides (`ETHTOOL_A_FEATURES_...`).
  public private(set) var otherAttributes = RawAttributes()

  /// The state of a feature; nil when the kernel does not know it.
  public subscript(feature: OffloadFeature) -> State? {
    guard let place = names.firstIndex(of: feature.rawValue) else { return nil }
    return state(place)
  }

  /// All features that the kernel knows, in its order.
  public var all: [OffloadFeature] { list { _ in true } }
  /// Those that are in effect.
  public var allActive: [OffloadFeature] { list { $0.isActive } }
  /// Those that somebody asked for.
  public var allWanted: [OffloadFeature] { list { $0.isWanted } }
  /// Those that can be switched.
  public var allChangeable: [OffloadFeature] { list { $0.isChangeable } }

  /// Whether a feature is in effect; false when the kernel does not know it.
  public func isActive(_ feature: OffloadFeature) -> Bool { self[feature]?.isActive == true }

  private func state(_ place: Int) -> State {
    State(isActive: active[place], isWanted: wanted[place], isChangeable: hardware[place] && !fixed[place])
  }

  private func list(_ isMeant: (State) -> Bool) -> [OffloadFeature] {
    names.indices.filter { !names[$0].isEmpty && isMeant(state($0)) }.map { OffloadFeature(rawValue: names[$0]) }
  }
}

extension OffloadFeatures: EthtoolReply {
  static var noun: String { "features" }
  static var get: (command: Int, name: String) { (Int(ETHTOOL_MSG_FEATURES_GET), "ETHTOOL_MSG_FEATURES_GET") }
  static var reply: Int { Int(ETHTOOL_MSG_FEATURES_GET_REPLY) }

  init(attributes: AttributeCursor, in datagram: RawSpan) throws(WireError) {
    var cursor = attributes
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(ETHTOOL_A_FEATURES_HW): hardware = try EthtoolBitset(attribute, in: datagram)
      case Int(ETHTOOL_A_FEATURES_WANTED): wanted = try EthtoolBitset(attribute, in: datagram)
      case Int(ETHTOOL_A_FEATURES_ACTIVE): active = try EthtoolBitset(attribute, in: datagram)
      case Int(ETHTOOL_A_FEATURES_NOCHANGE): fixed = try EthtoolBitset(attribute, in: datagram)
      default: try otherAttributes.append(attribute, from: datagram)
      }
    }
  }

  /// Writes the attributes as the kernel does when it is asked for bits in words.
  func encodeReply(into writer: MessageWriter) {
    hardware.encodeReply(as: Int(ETHTOOL_A_FEATURES_HW), into: writer)
    wanted.encodeReply(as: Int(ETHTOOL_A_FEATURES_WANTED), into: writer)
    active.encodeReply(as: Int(ETHTOOL_A_FEATURES_ACTIVE), into: writer)
    fixed.encodeReply(as: Int(ETHTOOL_A_FEATURES_NOCHANGE), into: writer)
    writer.put(otherAttributes)
  }
}

/// `ETHTOOL_MSG_FEATURES_SET`: only the features that are named, by their names.
struct SetOffloadFeatures: NetlinkRequest {
  let family: UInt16
  let device: EthtoolDevice
  /// In an order, so that the same changes are the same bytes.
  let changes: [(feature: OffloadFeature, isOn: Bool)]

  var type: Int { Int(family) }
  var name: String { "ETHTOOL_MSG_FEATURES_SET" }
  var operation: String {
    let words = changes.map { "\($0.feature) \($0.isOn ? "on" : "off")" }
    return "set \(words.joined(separator: ", ")) of \(device)"
  }
  var objection: String? { device.objection }

  func encode(into writer: MessageWriter) {
    writer.put(header: genlmsghdr(Int(ETHTOOL_MSG_FEATURES_SET)))
    EthtoolDevice.encode(device, as: Int(ETHTOOL_A_FEATURES_HEADER), hasBitsets: true, into: writer)
    writer.nested(Int(ETHTOOL_A_FEATURES_WANTED)) { writer in
      writer.nested(Int(ETHTOOL_A_BITSET_BITS)) { writer in
        for change in changes {
          writer.nested(Int(ETHTOOL_A_BITSET_BITS_BIT)) { writer in
            writer.put(Int(ETHTOOL_A_BITSET_BIT_NAME), string: change.feature.rawValue)
            if change.isOn { writer.put(flag: Int(ETHTOOL_A_BITSET_BIT_VALUE)) }
          }
        }
      }
    }
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    switch ErrorNumber.meaning(failure.errno).code {
    case .notSupported: (.notSupported, "this kernel does not know all of these features")
    case .invalidArgument: (.invalidArgument, "not all of these features can ever be switched")
    default: nil
    }
  }
}
