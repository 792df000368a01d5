// SPDX-License-Identifier: Apache-2.0

import ENIProvider
import Testing

@Suite("HTTP transport", .timeLimit(.minutes(15)))
struct AsyncHTTPTransportTests {
  /// What the transport makes of a peer's behaviour.
  func outcome(
    limit: Int = 1_024, _ script: @escaping @Sendable (LoopbackPeer.Connection) -> Void
  ) async throws -> Result<HTTPTransportResponse, HTTPTransportError> {
    let peer = try LoopbackPeer(script)
    let request = HTTPTransportRequest(
      method: "POST", url: "http://127.0.0.1:\(peer.port)/?q=secret", headers: ["x-a": "b"], body: [1, 2, 3])
    do throws(HTTPTransportError) {
      return .success(
        try await AsyncHTTPTransport(maximumBodySize: limit).send(request, timeout: .milliseconds(400)))
    } catch {
      #expect(!error.description.contains("secret"))
      return .failure(error)
    }
  }

  func failure(_ result: Result<HTTPTransportResponse, HTTPTransportError>) -> HTTPTransportError.Kind? {
    guard case .failure(let error) = result else { return nil }
    return error.kind
  }

  @Test func `an answer of any status is a response`() async throws {
    let result = try await outcome { _ = $0.send("HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno") }
    #expect(try result.get() == HTTPTransportResponse(status: 503, body: Array("no".utf8)))
  }

  @Test func `a redirect is an answer, not followed`() async throws {
    let result = try await outcome {
      _ = $0.send("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    }
    #expect(try result.get().status == 302)
  }

  @Test func `a peer that is silent times out`() async throws {
    #expect(failure(try await outcome { while $0.isOpen { pauseBriefly() } }) == .timedOut)
  }

  @Test func `a body that never ends times out, however it trickles`() async throws {
    let result = try await outcome { peer in
      guard peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") else { return }
      while peer.send("1\r\nx\r\n") { pauseBriefly() }
    }
    #expect(failure(result) == .timedOut)
  }

  @Test func `a body longer than the limit is refused`() async throws {
    let result = try await outcome { peer in
      guard peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n") else { return }
      for _ in 0..<10_000 where !peer.send(String(repeating: "x", count: 1_000)) { return }
    }
    #expect(failure(result) == .tooLarge)
  }

  @Test(arguments: [
    "\u{0}\u{1}garbage\r\n\r\n", "", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
    "HTTP/1.1 999999 X\r\n\r\n",
  ])
  func `what is not HTTP, or cut off, is a connection failure`(_ text: String) async throws {
    #expect(failure(try await outcome { _ = $0.send(text) }) == .connection)
  }

  @Test func `cancelling ends the exchange`() async throws {
    let peer = try LoopbackPeer { while $0.isOpen { pauseBriefly() } }
    let request = HTTPTransportRequest(
      method: "POST", url: "http://127.0.0.1:\(peer.port)/", headers: [:], body: [])
    let task = Task { () async throws(HTTPTransportError) in
      try await AsyncHTTPTransport().send(request, timeout: .seconds(50))
    }
    task.cancel()
    let error = await #expect(throws: HTTPTransportError.self) { try await task.value }
    #expect(error?.kind == .cancelled)
  }

  @Test func `a URL that cannot be sent is refused`() async {
    let request = HTTPTransportRequest(method: "POST", url: "nonsense", headers: [:], body: [])
    let error = await #expect(throws: HTTPTransportError.self) {
      try await AsyncHTTPTransport().send(request, timeout: .seconds(5))
    }
    #expect(error?.kind == .invalidRequest)
  }
}
