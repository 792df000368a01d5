// SPDX-License-Identifier: Apache-2.0

/// Why a cloud call failed.
///
/// Match on ``code``; the cloud's own code is kept in ``apiCode`` even when this version does not know it.
public struct ENIError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The class of the failure, which says what a caller can do.
  public var code: Code

  /// The action and its operand: `AttachNetworkInterface eni-1`.
  public var operation: String

  /// What happened and what helps, in one sentence or two.
  public var reason: String

  /// The cloud's code, `InvalidVSwitchId.IpNotEnough`; nil when no answer was understood.
  public var apiCode: String?

  /// The HTTP status; nil when there was no answer.
  public var httpStatus: Int?

  /// The identifier by which the cloud's support finds the request.
  public var requestID: String?

  /// Describes a failure.
  public init(
    code: Code, operation: String, reason: String, apiCode: String? = nil, httpStatus: Int? = nil,
    requestID: String? = nil
  ) {
    self.code = code
    self.operation = operation
    self.reason = reason
    self.apiCode = apiCode
    self.httpStatus = httpStatus
    self.requestID = requestID
  }

  /// The whole sentence: operation, reason, and the cloud's code, status and request.
  public var message: String {
    let details = [apiCode, httpStatus.map { "HTTP \($0)" }, requestID.map { "request \($0)" }].compactMap { $0 }
    return "\(operation): \(reason)\(details.isEmpty ? "" : " (\(details.joined(separator: ", ")))")"
  }

  /// The same as ``message``.
  public var description: String { message }
}

extension ENIError {
  /// The class of a failure.
  ///
  /// New classes may be added: keep a default case.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    /// A stable name, for logs and metrics.
    public let name: String

    private init(_ name: String) { self.name = name }

    /// Too many calls.
    ///
    /// Retried already; later it may pass.
    public static let throttled = Code("throttled")

    /// The cloud failed inside (HTTP 5xx).
    ///
    /// Retried already.
    public static let unavailable = Code("unavailable")

    /// Another operation on the same object is under way.
    ///
    /// Retried already.
    public static let conflict = Code("conflict")

    /// The object does not exist.
    public static let notFound = Code("notFound")

    /// A limit of the account, the region, the instance or the interface is reached.
    public static let quotaExceeded = Code("quotaExceeded")

    /// The vSwitch has no free address.
    public static let addressesExhausted = Code("addressesExhausted")

    /// An address that was asked for is taken, repeated, or outside the vSwitch.
    public static let addressRefused = Code("addressRefused")

    /// The object is in a state that does not allow the action.
    public static let invalidState = Code("invalidState")

    /// The client token was used before with other parameters.
    public static let tokenMismatch = Code("tokenMismatch")

    /// The signature, key, clock or nonce was refused.
    public static let authentication = Code("authentication")

    /// The key is valid but may not do this.
    public static let permission = Code("permission")

    /// The request itself is wrong: a parameter is missing, malformed, or does not fit another.
    public static let invalidRequest = Code("invalidRequest")

    /// No answer: the connection failed.
    ///
    /// Retried already.
    public static let transport = Code("transport")

    /// An answer that is not what the API promises.
    public static let malformedResponse = Code("malformedResponse")

    /// The deadline passed.
    ///
    /// Whether the cloud did the work is unknown: repeat with the same token, or describe.
    public static let timedOut = Code("timedOut")

    /// The task was cancelled.
    ///
    /// Whether the cloud did the work is unknown.
    public static let cancelled = Code("cancelled")

    /// A code of the cloud that this version does not know; see ``ENIError/apiCode``.
    public static let other = Code("other")

    /// Whether the same call, with the same token, may succeed without any other change.
    public var isTransient: Bool {
      [.throttled, .unavailable, .conflict, .transport, .timedOut].contains(self)
    }

    /// The name.
    public var description: String { name }
  }
}
