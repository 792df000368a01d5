// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

extension ActionSettings.VLAN {
  /// `TCA_VLAN_ACT_...`.
  private var number: Int32 {
    switch self {
    case .pop: 1
    case .push: 2
    case .modify: 3
    case .popEthernet: 4
    case .pushEthernet: 5
    }
  }

  static func decode(
    _ options: Attribute, in datagram: RawSpan, _ words: inout ActionWords, _ rest: inout RawAttributes
  ) throws(WireError) -> ActionSettings? {
    var number: Int32 = 0
    var tag = Tag(id: 0)
    var destination: MACAddress?
    var source: MACAddress?
    var cursor = AttributeCursor(options.payload)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(TCA_VLAN_PARMS):
        let parameters = try datagram.structure(attribute, as: ActionWordsAndOne.self)
        words = parameters.words
        number = parameters.operation
      case Int(TCA_VLAN_PUSH_VLAN_ID): tag.id = try datagram.value(attribute)
      case Int(TCA_VLAN_PUSH_VLAN_PROTOCOL): tag.etherType = UInt16(bigEndian: try datagram.value(attribute))
      case Int(TCA_VLAN_PUSH_VLAN_PRIORITY): tag.priority = try datagram.value(attribute)
      case Int(TCA_VLAN_PUSH_ETH_DST): destination = try datagram.macAddress(attribute)
      case Int(TCA_VLAN_PUSH_ETH_SRC): source = try datagram.macAddress(attribute)
      default: try rest.append(attribute, from: datagram)
      }
    }
    switch number {
    case 1: return .vlan(.pop)
    case 2: return .vlan(.push(tag))
    case 3: return .vlan(.modify(tag))
    case 4: return .vlan(.popEthernet)
    case 5:
      guard let destination, let source else { return nil }
      return .vlan(.pushEthernet(destination: destination, source: source))
    default: return nil
    }
  }

  func encode(_ words: ActionWords, into writer: MessageWriter) {
    writer.put(Int(TCA_VLAN_PARMS), structure: ActionWordsAndOne(words: words, operation: number))
    switch self {
    case .pop, .popEthernet: break
    case .push(let tag), .modify(let tag):
      writer.put(Int(TCA_VLAN_PUSH_VLAN_ID), tag.id)
      if let etherType = tag.etherType { writer.put(Int(TCA_VLAN_PUSH_VLAN_PROTOCOL), etherType.bigEndian) }
      if let priority = tag.priority { writer.put(Int(TCA_VLAN_PUSH_VLAN_PRIORITY), priority) }
    case .pushEthernet(let destination, let source):
      writer.put(Int(TCA_VLAN_PUSH_ETH_DST), destination)
      writer.put(Int(TCA_VLAN_PUSH_ETH_SRC), source)
    }
  }
}
