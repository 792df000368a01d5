// SPDX-License-Identifier: Apache-2.0

/// Why a request to the kernel did not succeed.
///
/// ```swift
/// do throws(NetlinkError) {
///   try await socket.routes.add(route)
/// } catch {
///   guard error.code == .exists else { throw error }
///   // Somebody was faster.
/// }
/// ```
public struct NetlinkError: Error, Sendable, Hashable {
  /// What kind of failure it is: the thing to catch by.
  public let code: Code
  /// What was attempted, on which object, such as `create link "eth0"`.
  public let operation: String
  /// What stood in the way and, where there is one, the remedy.
  public let reason: String
  /// The kernel's name of the request, such as `RTM_NEWLINK`; nil when no request was made.
  public let request: String?
  /// The kernel's error number; nil when it was not the kernel that refused.
  public let errno: Int32?
  /// The kernel's own words (extended acknowledgement); nil when it gave none.
  public let kernelMessage: String?
  /// Where the attribute that the kernel objects to lies in the request, in bytes from the start of its header.
  public let attributeOffset: Int?
  /// The type of the attribute that the kernel objects to.
  public let attributeType: UInt16?

  init(
    _ code: Code, operation: String, reason: String, request: String? = nil, errno: Int32? = nil,
    kernelMessage: String? = nil, attributeOffset: Int? = nil, attributeType: UInt16? = nil
  ) {
    self.code = code
    self.operation = operation
    self.reason = reason
    self.request = request
    self.errno = errno
    self.kernelMessage = kernelMessage
    self.attributeOffset = attributeOffset
    self.attributeType = attributeType
  }
}

extension NetlinkError: CustomStringConvertible {
  /// The whole story in one sentence: `create link "a": already exists (RTM_NEWLINK: EEXIST: ...)`.
  public var message: String {
    var origin: [String] = []
    if let request { origin.append(request) }
    if let errno { origin.append(ErrorNumber.name(errno)) }
    if let kernelMessage { origin.append(kernelMessage) }
    var text = "\(operation): \(reason)"
    if !origin.isEmpty {
      text += " (" + origin.joined(separator: ": ")
      if let attributeOffset {
        text += ", attribute \(attributeType.map { "\($0) " } ?? "")at byte \(attributeOffset)"
      }
      text += ")"
    }
    return text
  }

  /// The same as ``message``.
  public var description: String { message }
}
