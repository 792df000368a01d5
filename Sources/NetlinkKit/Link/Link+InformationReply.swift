// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

extension Link {
  /// Writes `IFLA_LINKINFO` as the kernel does.
  func encodeInformationReply(into writer: MessageWriter) {
    guard kind != nil || port != nil || !otherInformationAttributes.isEmpty else { return }
    writer.nested(Int(IFLA_LINKINFO)) { writer in
      if let kind {
        writer.put(Int(IFLA_INFO_KIND), string: kind.name)
        if kind.hasData || !otherKindAttributes.isEmpty {
          writer.nested(Int(IFLA_INFO_DATA)) { writer in
            kind.encodeData(into: writer, asReply: true)
            writer.put(otherKindAttributes)
          }
        }
      }
      if let port {
        writer.put(Int(IFLA_INFO_SLAVE_KIND), string: port.name)
        writer.nested(Int(IFLA_INFO_SLAVE_DATA)) { writer in
          port.encodeData(into: writer, asReply: true)
          writer.put(otherPortAttributes)
        }
      }
      writer.put(otherInformationAttributes)
    }
  }
}

extension LinkKind {
  /// Whether the kernel describes links of this kind by `IFLA_INFO_DATA`.
  fileprivate var hasData: Bool {
    switch self {
    case .veth, .dummy, .ifb, .other: false
    default: true
    }
  }
}
