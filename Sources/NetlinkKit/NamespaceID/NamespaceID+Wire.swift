// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import LinuxSystem

extension NamespaceID {
  static let headerSize = MemoryLayout<rtgenmsg>.size

  /// Reads an `RTM_NEWNSID` message; nil when it says that there is no number.
  init?(_ message: Message, in datagram: RawSpan) throws(WireError) {
    var found: NamespaceID?
    var cursor = message.attributes(after: NamespaceID.headerSize)
    while let attribute = try cursor.next(in: datagram) {
      guard attribute.kind == Int(NETNSA_NSID) else { continue }
      found = NamespaceID(rawValue: try datagram.value(attribute))
    }
    guard let found, found != .notAssigned else { return nil }
    self = found
  }

  /// Writes what the kernel says about a number.
  func encodeReply(into writer: MessageWriter) {
    writer.put(header: rtgenmsg())
    writer.put(Int(NETNSA_NSID), rawValue)
  }
}

/// `RTM_GETNSID`, for one namespace or as a dump.
struct FindNamespaceID: NetlinkQuery {
  /// The namespace; nil for all that have numbers.
  let namespace: NetworkNamespace?

  var type: Int { Int(RTM_GETNSID) }
  var name: String { "RTM_GETNSID" }
  var operation: String {
    namespace.map { "find the id of network namespace \($0.identity.inode)" } ?? "list ids of network namespaces"
  }

  func encode(into writer: MessageWriter) {
    writer.put(header: rtgenmsg())
    if let namespace { writer.put(Int(NETNSA_FD), UInt32(bitPattern: namespace.descriptor)) }
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> NamespaceID? {
    guard Int(message.type) == Int(RTM_NEWNSID) else { return nil }
    return try NamespaceID(message, in: datagram)
  }
}

/// `RTM_NEWNSID`.
struct AssignNamespaceID: NetlinkRequest {
  /// The number; nil for the kernel's choice.
  let id: NamespaceID?
  let namespace: NetworkNamespace

  var type: Int { Int(RTM_NEWNSID) }
  var name: String { "RTM_NEWNSID" }
  var operation: String {
    "give network namespace \(namespace.identity.inode) \(id.map { "the id \($0)" } ?? "an id")"
  }

  var objection: String? {
    // The kernel takes -1 for "any".
    guard let id, id.rawValue < 0 else { return nil }
    return "the id must not be negative"
  }

  func encode(into writer: MessageWriter) {
    writer.put(header: rtgenmsg())
    writer.put(Int(NETNSA_NSID), (id ?? .notAssigned).rawValue)
    writer.put(Int(NETNSA_FD), UInt32(bitPattern: namespace.descriptor))
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    guard ErrorNumber.meaning(failure.errno).code == .exists else { return nil }
    // Which of the two the kernel objects to: the number comes first.
    let isNumber = failure.attributeOffset == Message.headerSize + Attribute.aligned(NamespaceID.headerSize)
    guard isNumber, let id else { return (.exists, "it has an id already") }
    return (.exists, "another namespace has the id \(id)")
  }
}
