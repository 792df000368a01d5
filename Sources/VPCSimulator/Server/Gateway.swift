// SPDX-License-Identifier: Apache-2.0

import ENIProvider
import FoundationEssentials
import Hummingbird
import NIOCore
import Synchronization

/// Turns HTTP requests into verified calls, and answers and refusals into JSON bodies.
final class Gateway: Sendable {
  private let simulation: VPCSimulation
  private let verifier: Mutex<RequestVerifier>
  private let timing: Timing

  init(simulation: VPCSimulation, verifier: RequestVerifier, timing: Timing) {
    self.simulation = simulation
    self.verifier = Mutex(verifier)
    self.timing = timing
  }

  func respond(to request: Request) async -> Response {
    let requestID = UUID().uuidString
    do {
      var answer = try await answer(to: request)
      answer["RequestId"] = .string(requestID)
      return Self.response(status: 200, answer)
    } catch {
      let host = request.head.authority ?? ""
      return Self.response(
        status: error.status,
        [
          "RequestId": .string(requestID), "HostId": .string(String(host.prefix(255))), "Code": .string(error.code),
          "Message": .string(error.message), "Recommend": "See the simulator's documentation for what it serves.",
        ])
    }
  }

  private func answer(to request: Request) async throws(APIFailure) -> [String: JSONValue] {
    guard request.method == .post || request.method == .get else {
      throw APIFailure(
        code: "UnsupportedHTTPMethod", status: 405, message: "The HTTP method must be GET or POST.")
    }
    let body: ByteBuffer
    do {
      body = try await request.body.collect(upTo: ECSSimulator.maximumBodySize)
    } catch is NIOTooManyBytesError {
      throw APIFailure(
        code: "RequestBodyTooLarge", status: 413,
        message: "The body is longer than \(ECSSimulator.maximumBodySize) bytes.")
    } catch {
      throw APIFailure(code: "InvalidRequestBody", status: 400, message: "The body could not be read.")
    }
    let incoming = Self.incoming(request.head, Array(body.readableBytesView))
    let now = timing.wallClock()
    let verified = verifier.withLock { verifier in
      do throws(APIFailure) {
        return Result<VerifiedCall, APIFailure>.success(try verifier.verify(incoming, now: now))
      } catch {
        return .failure(error)
      }
    }
    return try await simulation.respond(to: try verified.get())
  }

  private static func incoming(_ head: HTTPRequest, _ body: [UInt8]) -> IncomingRequest {
    let target = (head.path ?? "/").split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    var headers: [String: String] = [:]
    for field in head.headerFields { headers[field.name.canonicalName] = field.value }
    headers["host"] = head.authority
    return IncomingRequest(
      method: head.method.rawValue, path: String(target[0]), query: target.count > 1 ? String(target[1]) : "",
      headers: headers, body: body)
  }

  private static func response(status: Int, _ body: [String: JSONValue]) -> Response {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Strings, numbers, arrays and objects only: encoding them cannot fail.
    let data = (try? encoder.encode(JSONValue.object(body))) ?? Data("{}".utf8)
    return Response(
      status: .init(code: status), headers: [.contentType: "application/json;charset=utf-8"],
      body: .init(byteBuffer: ByteBuffer(bytes: data)))
  }
}
