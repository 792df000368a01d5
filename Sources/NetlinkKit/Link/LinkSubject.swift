// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

/// The link, or links, that a request is about.
enum LinkSubject: Sendable {
  case index(InterfaceIndex)
  /// By its name, or an alternative name of no more than 15 bytes.
  case name(InterfaceName)
  /// By any of its names.
  case alternativeName(String)
  case group(LinkGroup)

  /// What to put in the fixed header.
  var index: InterfaceIndex? { if case .index(let index) = self { index } else { nil } }

  /// Writes what is not in the fixed header.
  func encode(into writer: MessageWriter) {
    switch self {
    case .index: break
    case .name(let name): writer.put(Int(IFLA_IFNAME), string: name.rawValue)
    case .alternativeName(let name): writer.put(Int(IFLA_ALT_IFNAME), string: name)
    case .group(let group): writer.put(Int(IFLA_GROUP), group.rawValue)
    }
  }

  /// Why the kernel would take it for something else; nil when it is fine.
  var objection: String? {
    switch self {
    case .index(let index) where index.isBeyondKernel: "the index must be 1...\(Int32.max)"
    case .alternativeName(let name): LinkSubject.objection(toAlternativeName: name)
    default: nil
    }
  }

  /// Why the kernel would not take the name, or another one for it; nil when it is fine.
  static func objection(toAlternativeName name: String) -> String? {
    guard !(1...127).contains(name.utf8.count) || name.utf8.contains(0) else { return nil }
    return "an alternative name has 1...127 bytes, none of them zero"
  }
}

extension LinkSubject: CustomStringConvertible {
  var description: String {
    switch self {
    case .index(let index): "link \(index)"
    case .name(let name): "link \"\(name)\""
    case .alternativeName(let name): "link \"\(name)\""
    case .group(let group): "links of group \(group)"
    }
  }
}

extension InterfaceIndex {
  /// Whether the kernel, which has 31 bits for it, would take it for no index at all and go by a name instead.
  var isBeyondKernel: Bool { rawValue > UInt32(Int32.max) }
}
