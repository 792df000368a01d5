// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// A client of Alibaba Cloud's ECS API: network interfaces, and the vSwitches of the VPC API.
///
/// Each call has one deadline over all its attempts. Transient failures are tried again after a jittered delay, with
/// the caller's ``ClientToken`` but a fresh nonce and timestamp.
///
/// ```swift
/// let client = ECSClient(.init(region: "cn-hangzhou"), credentials: credentials)
/// let eni = try await client.createNetworkInterface(request, token: token)
/// ```
public struct ECSClient: CloudNetwork {
  /// How to reach the API and how patient to be.
  public struct Configuration: Sendable {
    /// The region that every call names.
    public var region: RegionIdentifier

    /// Where the ECS API listens.
    public var endpoint: Endpoint

    /// Where the VPC API listens.
    public var vpcEndpoint: Endpoint

    /// How requests are signed.
    public var signatureStyle: SignatureStyle

    /// When transient failures are tried again.
    public var retry: RetryPolicy

    /// The longest a call may take, all attempts and delays included.
    public var deadline: Duration

    /// The longest one attempt may take.
    public var attemptTimeout: Duration

    /// The most pages one listing follows; a listing that needs more is an error.
    public var maximumPages: Int

    /// Makes a configuration.
    ///
    /// - Parameters:
    ///   - region: the region of every call.
    ///   - endpoint: an endpoint for both APIs in place of the region's public ones.
    ///   - signatureStyle: V3 unless told otherwise.
    ///   - retry: the retry policy.
    ///   - deadline: for one call with all its attempts.
    ///   - attemptTimeout: for one attempt.
    public init(
      region: RegionIdentifier, endpoint: Endpoint? = nil, signatureStyle: SignatureStyle = .acs3,
      retry: RetryPolicy = RetryPolicy(), deadline: Duration = .seconds(60), attemptTimeout: Duration = .seconds(10)
    ) {
      self.region = region
      self.endpoint = endpoint ?? .ecs(region)
      self.vpcEndpoint = endpoint ?? .vpc(region)
      self.signatureStyle = signatureStyle
      self.retry = retry
      self.deadline = deadline
      self.attemptTimeout = attemptTimeout
      self.maximumPages = 200
    }
  }

  /// The configuration.
  public let configuration: Configuration

  private let credentials: @Sendable () async throws(ENIError) -> Credentials
  private let transport: any HTTPTransport
  private let timing: Timing

  /// Makes a client with a permanent key.
  ///
  /// - Parameters:
  ///   - configuration: how to reach the API.
  ///   - credentials: the key.
  ///   - transport: AsyncHTTPClient unless given.
  ///   - timing: clocks, nonces and chance.
  public init(
    _ configuration: Configuration, credentials: Credentials, transport: any HTTPTransport = AsyncHTTPTransport(),
    timing: Timing = .system
  ) {
    self.init(configuration, credentialSource: { credentials }, transport: transport, timing: timing)
  }

  /// Makes a client with a key that changes.
  ///
  /// - Parameters:
  ///   - configuration: how to reach the API.
  ///   - credentialSource: asked before each attempt, so that a refreshed key is used at once.
  ///   - transport: AsyncHTTPClient unless given.
  ///   - timing: clocks, nonces and chance.
  public init(
    _ configuration: Configuration, credentialSource: @escaping @Sendable () async throws(ENIError) -> Credentials,
    transport: any HTTPTransport = AsyncHTTPTransport(), timing: Timing = .system
  ) {
    self.configuration = configuration
    self.credentials = credentialSource
    self.transport = transport
    self.timing = timing
  }

  /// Sends a call until it succeeds, fails for good, or its deadline passes.
  func perform<Response: Decodable>(_ call: APICall, as type: Response.Type = Response.self) async throws(ENIError)
    -> Response
  {
    var call = call
    call.parameters["RegionId"] = configuration.region.rawValue
    let start = timing.elapsed()
    var attempt = 0
    while true {
      attempt += 1
      let remaining = configuration.deadline - (timing.elapsed() - start)
      do {
        return try await send(call, timeout: min(configuration.attemptTimeout, remaining))
      } catch {
        guard error.code.isTransient, attempt < configuration.retry.maximumAttempts else { throw error }
        let delay = configuration.retry.delay(afterAttempt: attempt, fraction: timing.fraction())
        guard timing.elapsed() - start + delay < configuration.deadline else {
          throw deadlineError(call, attempts: attempt, last: error)
        }
        do { try await timing.sleep(delay) } catch { throw cancelled(call) }
      }
    }
  }

  /// Sends a call once.
  private func send<Response: Decodable>(_ call: APICall, timeout: Duration) async throws(ENIError) -> Response {
    let request = call.request(
      endpoint: call.product == .ecs ? configuration.endpoint : configuration.vpcEndpoint,
      style: configuration.signatureStyle, credentials: try await credentials(), timestamp: timing.wallClock(),
      nonce: timing.nonce())
    let response: HTTPTransportResponse
    do {
      response = try await transport.send(request, timeout: timeout)
    } catch {
      throw transportError(call, error)
    }
    guard response.status == 200 else { throw apiError(call, response) }
    do {
      return try JSONDecoder().decode(Response.self, from: Data(response.body))
    } catch {
      throw ENIError(
        code: .malformedResponse, operation: call.operation,
        reason: "the answer is not what the API promises: \(Self.sentence(for: error)); check the endpoint",
        httpStatus: response.status)
    }
  }
}

extension ECSClient {
  private func apiError(_ call: APICall, _ response: HTTPTransportResponse) -> ENIError {
    guard let body = try? JSONDecoder().decode(APIErrorBody.self, from: Data(response.body)) else {
      let isServerSide = (500...599).contains(response.status)
      return ENIError(
        code: isServerSide ? .unavailable : response.status == 429 ? .throttled : .malformedResponse,
        operation: call.operation,
        reason: "the answer is not an API error (\(response.body.count) bytes); check the endpoint",
        httpStatus: response.status)
    }
    let entry = APICodeTable.entry(apiCode: body.code, httpStatus: response.status)
    return ENIError(
      code: entry.code, operation: call.operation, reason: "\(Self.excerpt(body.message)); \(entry.remedy)",
      apiCode: body.code, httpStatus: response.status, requestID: body.requestID)
  }

  private func transportError(_ call: APICall, _ error: HTTPTransportError) -> ENIError {
    switch error.kind {
    case .cancelled:
      cancelled(call)
    case .timedOut:
      ENIError(
        code: .timedOut, operation: call.operation,
        reason: "no answer in time (\(error)); whether the work was done is unknown: repeat with the same token")
    case .connection:
      ENIError(
        code: .transport, operation: call.operation, reason: "\(error); check the endpoint and the way to it")
    case .tooLarge:
      ENIError(code: .malformedResponse, operation: call.operation, reason: "\(error); check the endpoint")
    case .invalidRequest:
      ENIError(code: .invalidRequest, operation: call.operation, reason: "\(error); check the endpoint")
    }
  }

  private func deadlineError(_ call: APICall, attempts: Int, last: ENIError) -> ENIError {
    ENIError(
      code: .timedOut, operation: call.operation,
      reason: "the deadline of \(configuration.deadline) passed after \(attempts) attempts; the last one failed with"
        + " \(last.code): \(last.reason)",
      apiCode: last.apiCode, httpStatus: last.httpStatus, requestID: last.requestID)
  }

  private func cancelled(_ call: APICall) -> ENIError {
    ENIError(
      code: .cancelled, operation: call.operation,
      reason: "the task was cancelled; whether the work was done is unknown: repeat with the same token")
  }

  /// The path and the reason of a decoding failure.
  private static func sentence(for error: any Error) -> String {
    guard let error = error as? DecodingError else { return "not JSON" }
    let (context, key): (DecodingError.Context, String?) =
      switch error {
      case .keyNotFound(let key, let context): (context, key.stringValue)
      case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context): (context, nil)
      @unknown default: (.init(codingPath: [], debugDescription: "not decodable"), nil)
      }
    let path = (context.codingPath.map(\.stringValue) + [key].compactMap { $0 }).joined(separator: ".")
    return "\(path.isEmpty ? "the body" : path): \(excerpt(context.debugDescription))"
  }

  /// The beginning of a text from outside, without control characters.
  private static func excerpt(_ text: String) -> String {
    String(text.prefix(300).map { $0.unicodeScalars.contains { $0.value < 0x20 } ? " " : $0 })
  }
}
