// SPDX-License-Identifier: Apache-2.0

/// Sends one HTTP request: the only effect of an API client.
public protocol HTTPTransport: Sendable {
  /// Sends a request once, without retries and redirects.
  ///
  /// - Parameters:
  ///   - request: the request.
  ///   - timeout: for the whole exchange, the last byte of the body included.
  /// - Returns: the response, whatever its status.
  /// - Throws: ``HTTPTransportError``. A response of any status is not an error.
  func send(_ request: HTTPTransportRequest, timeout: Duration) async throws(HTTPTransportError)
    -> HTTPTransportResponse
}

/// A request as it goes out.
public struct HTTPTransportRequest: Sendable, Hashable {
  /// The method, upper case.
  public var method: String

  /// The absolute URL.
  public var url: String

  /// Headers by name, one value each.
  public var headers: [String: String]

  /// The body.
  public var body: [UInt8]

  /// Describes a request.
  public init(method: String, url: String, headers: [String: String], body: [UInt8]) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
  }
}

/// A response.
public struct HTTPTransportResponse: Sendable, Hashable {
  /// The status code.
  public var status: Int

  /// The body, never longer than the transport's limit.
  public var body: [UInt8]

  /// Describes a response.
  public init(status: Int, body: [UInt8]) {
    self.status = status
    self.body = body
  }
}

/// Why there is no response.
public struct HTTPTransportError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The class of the failure.
  public enum Kind: Sendable, Hashable {
    /// The connection could not be made or broke.
    case connection

    /// The timeout passed.
    case timedOut

    /// The task was cancelled.
    case cancelled

    /// The body is longer than the limit.
    case tooLarge

    /// The URL or a header cannot be sent.
    case invalidRequest
  }

  /// The class of the failure.
  public var kind: Kind

  /// What happened.
  public var description: String

  /// Describes a failure.
  public init(kind: Kind, description: String) {
    self.kind = kind
    self.description = description
  }
}
