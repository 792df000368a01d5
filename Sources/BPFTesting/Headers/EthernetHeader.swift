// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The header of an Ethernet frame. `struct ethhdr`
public struct EthernetHeader: Hashable, Sendable {
  /// The receiving station.
  public var destination: MACAddress
  /// The sending station.
  public var source: MACAddress
  /// What follows; nil: what the next layer is, or 0x88b5 (local experiment) before a bare payload.
  public var type: UInt16?

  /// A header between two made-up stations, unless others are given.
  public init(
    from source: MACAddress = .sender, to destination: MACAddress = .receiver, type: UInt16? = nil
  ) {
    self.destination = destination
    self.source = source
    self.type = type
  }

  func encode(_ next: UInt16) -> [UInt8] {
    var bytes = destination.bytes + source.bytes
    bytes.append(type ?? next)
    return bytes
  }

  init?(_ reader: inout ByteReader) {
    guard let destination = reader.bytes(6).flatMap({ MACAddress(bytes: $0) }),
      let source = reader.bytes(6).flatMap({ MACAddress(bytes: $0) }), let type: UInt16 = reader.take()
    else { return nil }
    self.init(from: source, to: destination, type: type)
  }
}

/// A VLAN tag: 802.1Q, or the outer one of two (802.1ad).
public struct VLANTag: Hashable, Sendable {
  /// The VLAN, at most 4095; more than 12 bits are cut off.
  public var identifier: UInt16
  /// The priority, at most 7.
  public var priority: UInt8
  /// Whether it may be dropped first.
  public var isDropEligible: Bool
  /// How the layer in front announces the tag: 0x8100 (802.1Q) or 0x88a8 (802.1ad).
  public var protocolType: UInt16
  /// What follows; nil: what the next layer is.
  public var type: UInt16?

  /// A tag.
  public init(
    _ identifier: UInt16, priority: UInt8 = 0, isDropEligible: Bool = false, protocolType: UInt16 = 0x8100,
    type: UInt16? = nil
  ) {
    self.identifier = identifier
    self.priority = priority
    self.isDropEligible = isDropEligible
    self.protocolType = protocolType
    self.type = type
  }

  func encode(_ next: UInt16) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(UInt16(priority & 7) << 13 | (isDropEligible ? 0x1000 : 0) | identifier & 0xfff)
    bytes.append(type ?? next)
    return bytes
  }

  init?(_ reader: inout ByteReader, protocolType: UInt16) {
    guard let control: UInt16 = reader.take(), let type: UInt16 = reader.take() else { return nil }
    self.init(
      control & 0xfff, priority: UInt8(control >> 13), isDropEligible: control & 0x1000 != 0,
      protocolType: protocolType,
      type: type)
  }
}

/// An ARP message for IPv4 over Ethernet. RFC 826
public struct ARPMessage: Hashable, Sendable {
  /// What it does; 1 asks, 2 answers.
  public var operation: UInt16
  /// The sender's station.
  public var senderStation: MACAddress
  /// The sender's address.
  public var sender: IPv4Address
  /// The station asked for: zero in a request.
  public var targetStation: MACAddress
  /// The address asked for, or answered.
  public var target: IPv4Address

  /// A message.
  public init(
    operation: UInt16, sender: IPv4Address, senderStation: MACAddress = .sender, target: IPv4Address,
    targetStation: MACAddress
  ) {
    self.operation = operation
    self.senderStation = senderStation
    self.sender = sender
    self.targetStation = targetStation
    self.target = target
  }

  func encode() -> [UInt8] {
    var bytes: [UInt8] = [0, 1, 8, 0, 6, 4]
    bytes.append(operation)
    return bytes + senderStation.bytes + sender.bytes + targetStation.bytes + target.bytes
  }

  init?(_ reader: inout ByteReader) {
    guard reader.bytes(6) == [0, 1, 8, 0, 6, 4], let operation: UInt16 = reader.take(),
      let senderStation = reader.bytes(6).flatMap({ MACAddress(bytes: $0) }), let sender: UInt32 = reader.take(),
      let targetStation = reader.bytes(6).flatMap({ MACAddress(bytes: $0) }), let target: UInt32 = reader.take()
    else { return nil }
    self.init(
      operation: operation, sender: IPv4Address(rawValue: sender), senderStation: senderStation,
      target: IPv4Address(rawValue: target), targetStation: targetStation)
  }
}

extension MACAddress {
  /// A made-up station that sends, 02:00:00:00:00:01.
  public static let sender = MACAddress(truncating: 0x0200_0000_0001)
  /// A made-up station that receives, 02:00:00:00:00:02.
  public static let receiver = MACAddress(truncating: 0x0200_0000_0002)
}
