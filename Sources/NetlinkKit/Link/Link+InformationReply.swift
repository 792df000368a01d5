// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

extension Link {
  /// Writes `IFLA_LINKINFO` as the kernel does.
  func encodeInformationReply(into writer: MessageWriter) {
    guard let kind else { return }
    writer.nested(Int(IFLA_LINKINFO)) { writer in
      writer.put(Int(IFLA_INFO_KIND), string: kind.name)
      if case .veth = kind, otherKindAttributes.isEmpty { return }
      writer.nested(Int(IFLA_INFO_DATA)) { writer in
        kind.encodeData(into: writer)
        writer.put(otherKindAttributes)
      }
    }
  }
}
