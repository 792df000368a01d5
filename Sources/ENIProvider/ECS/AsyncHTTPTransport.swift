// SPDX-License-Identifier: Apache-2.0

public import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// The transport over AsyncHTTPClient.
public struct AsyncHTTPTransport: HTTPTransport {
  private let client: HTTPClient
  private let maximumBodySize: Int

  /// The client of every transport that was given none.
  ///
  /// A redirect is an answer, never followed: the request is signed for one host. A refused connection is an error at
  /// once: whether to try again is the caller's choice.
  private static let sharedClient: HTTPClient = {
    var configuration = HTTPClient.Configuration(
      redirectConfiguration: .disallow, timeout: .init(connect: .seconds(10)))
    configuration.connectionPool.retryConnectionEstablishment = false
    return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
  }()

  /// Makes a transport.
  ///
  /// - Parameters:
  ///   - client: one for the whole process unless given; a given one is shut down by its owner, and must not follow
  ///     redirects.
  ///   - maximumBodySize: in bytes; a longer response is an error.
  public init(client: HTTPClient? = nil, maximumBodySize: Int = 4 << 20) {
    self.client = client ?? Self.sharedClient
    self.maximumBodySize = maximumBodySize
  }

  /// Sends a request once.
  public func send(_ request: HTTPTransportRequest, timeout: Duration) async throws(HTTPTransportError)
    -> HTTPTransportResponse
  {
    // The client's own deadline ends with the head of the response; this one covers a body that never ends, too.
    do {
      return try await withThrowingTaskGroup(of: HTTPTransportResponse?.self) { group in
        group.addTask { try await exchange(request) }
        group.addTask {
          try await Task.sleep(for: timeout)
          return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let response = first else {
          throw HTTPTransportError(kind: .timedOut, description: "\(Self.host(of: request)): \(timeout) passed")
        }
        return response
      }
    } catch let error as HTTPTransportError {
      throw Task.isCancelled ? HTTPTransportError(kind: .cancelled, description: "cancelled") : error
    } catch {
      throw HTTPTransportError(kind: .cancelled, description: "cancelled")
    }
  }

  private func exchange(_ request: HTTPTransportRequest) async throws(HTTPTransportError) -> HTTPTransportResponse {
    var outgoing = HTTPClientRequest(url: request.url)
    outgoing.method = HTTPMethod(rawValue: request.method)
    for (name, value) in request.headers { outgoing.headers.replaceOrAdd(name: name, value: value) }
    outgoing.body = .bytes(ByteBuffer(bytes: request.body))
    do {
      let response = try await client.execute(outgoing, deadline: .distantFuture)
      let body = try await response.body.collect(upTo: maximumBodySize)
      return HTTPTransportResponse(status: Int(response.status.code), body: Array(body.readableBytesView))
    } catch is CancellationError {
      throw HTTPTransportError(kind: .cancelled, description: "cancelled")
    } catch is NIOTooManyBytesError {
      throw HTTPTransportError(kind: .tooLarge, description: "the body is longer than \(maximumBodySize) bytes")
    } catch let error as HTTPClientError {
      throw Self.describe(error, request)
    } catch {
      throw HTTPTransportError(kind: .connection, description: "\(Self.host(of: request)): \(error)")
    }
  }

  /// Scheme and host: the query is left out, it may be long.
  private static func host(of request: HTTPTransportRequest) -> Substring {
    request.url.prefix { $0 != "?" }
  }

  private static func describe(_ error: HTTPClientError, _ request: HTTPTransportRequest) -> HTTPTransportError {
    let kind: HTTPTransportError.Kind =
      switch error {
      case .deadlineExceeded, .readTimeout, .connectTimeout, .writeTimeout, .getConnectionFromPoolTimeout: .timedOut
      case .cancelled: .cancelled
      case .invalidURL, .emptyHost, .emptyScheme: .invalidRequest
      default: .connection
      }
    return HTTPTransportError(kind: kind, description: "\(host(of: request)): \(error.shortDescription)")
  }
}
