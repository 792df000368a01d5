// SPDX-License-Identifier: Apache-2.0

extension NetlinkError {
  /// The kernel refused `request`, which it got as `bytes`.
  init(_ failure: KernelFailure, during request: some NetlinkRequest, sent bytes: [UInt8]) {
    let (code, reason) = request.explain(failure) ?? ErrorNumber.meaning(failure.errno)
    var type: UInt16?
    if let offset = failure.attributeOffset, offset >= Message.headerSize {
      type = unsafe try? bytes.span.bytes.load(UInt16.self, at: offset + 2) & Attribute.typeMask
    }
    self.init(
      code, operation: request.operation, reason: reason, request: request.name, errno: failure.errno,
      kernelMessage: failure.message, attributeOffset: failure.attributeOffset, attributeType: type)
  }

  /// The socket failed while `request` was under way.
  init(_ error: TransportError, during request: some NetlinkRequest) {
    let isOverrun = error.errno == ErrorNumber.noBuffers
    let general = ErrorNumber.meaning(error.errno)
    self.init(
      isOverrun ? .overrun : general.code == .permissionDenied ? .permissionDenied : .socket,
      operation: request.operation,
      reason: isOverrun
        ? "the kernel dropped replies; a change may have been made all the same" : "\(error.call) failed",
      request: request.name, errno: error.errno)
  }

  /// This module refused to send `request`.
  init(_ objection: String, against request: some NetlinkRequest) {
    self.init(.invalidArgument, operation: request.operation, reason: objection, request: request.name)
  }

  /// The same failure, for another operation that was under way with this one.
  func about(_ operation: String) -> NetlinkError {
    NetlinkError(
      code, operation: operation, reason: reason, request: request, errno: errno, kernelMessage: kernelMessage)
  }

  /// The same failure, for operations that were to be sent after this one.
  var asNotSent: NetlinkError {
    NetlinkError(code, operation: operation, reason: "not sent: earlier, \(reason)", request: request, errno: errno)
  }

  static func cancelled(_ request: some NetlinkRequest) -> NetlinkError {
    NetlinkError(
      .cancelled, operation: request.operation,
      reason: "the task was cancelled; a change may have been made all the same", request: request.name)
  }

  static func cancelledInLine(_ request: some NetlinkRequest) -> NetlinkError {
    NetlinkError(
      .cancelled, operation: request.operation, reason: "the task was cancelled before the request was sent",
      request: request.name)
  }
}
