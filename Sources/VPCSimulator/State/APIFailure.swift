// SPDX-License-Identifier: Apache-2.0

/// A refusal, as the API words it.
public struct APIFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// The code, `InvalidEniId.NotFound`.
  public var code: String

  /// The HTTP status.
  public var status: Int

  /// The sentence.
  public var message: String

  /// Describes a refusal.
  public init(code: String, status: Int, message: String) {
    self.code = code
    self.status = status
    self.message = message
  }

  /// Code, status and sentence.
  public var description: String { "\(code) (HTTP \(status)): \(message)" }
}

extension APIFailure {
  static func missing(_ parameter: String) -> APIFailure {
    APIFailure(
      code: "MissingParameter", status: 400,
      message: "The input parameter \"\(parameter)\" that is mandatory for processing this request is not supplied.")
  }

  static func invalid(_ parameter: String, _ reason: String) -> APIFailure {
    APIFailure(
      code: "InvalidParameter", status: 400, message: "The specified parameter \"\(parameter)\" is not valid: \(reason)"
    )
  }

  static func notFound(_ kind: String, _ id: String) -> APIFailure {
    APIFailure(code: "Invalid\(kind).NotFound", status: 404, message: "The specified \(kind) \(id) does not exist.")
  }

  static func invalidState(_ id: String, is status: String, needs: String) -> APIFailure {
    APIFailure(
      code: "InvalidOperation.InvalidEniState", status: 400,
      message: "The network interface \(id) is \(status); the operation needs it to be \(needs).")
  }

  static func addressesExhausted(_ vSwitch: String, wanted: Int, free: Int) -> APIFailure {
    APIFailure(
      code: "InvalidVSwitchId.IpNotEnough", status: 403,
      message: "The vSwitch \(vSwitch) has \(free) free addresses, \(wanted) are needed.")
  }

  static func addressCount(_ id: String, limit: Int) -> APIFailure {
    APIFailure(
      code: "InvalidOperation.Ipv4CountExceeded", status: 403,
      message: "The network interface \(id) may have \(limit) private addresses in its present state.")
  }

  static func tokenMismatch(_ token: String) -> APIFailure {
    APIFailure(
      code: "IdempotentParameterMismatch", status: 400,
      message: "The client token \(token) was used before with other parameters.")
  }
}
