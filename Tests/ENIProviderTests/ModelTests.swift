// SPDX-License-Identifier: Apache-2.0

import ENIProvider
import Foundation
import Testing

@Suite("Model values")
struct ModelTests {
  @Test(arguments: ["", " ", "a b", "a\n", "ä", String(repeating: "x", count: 129)])
  func `a malformed identifier is nil`(_ text: String) {
    #expect(ENIIdentifier(text) == nil)
  }

  @Test(arguments: ["", "a b", "ä", String(repeating: "x", count: 65)])
  func `a malformed client token is nil, also in JSON`(_ text: String) throws {
    #expect(ClientToken(text) == nil)
    let json = try JSONEncoder().encode([text])
    #expect(throws: DecodingError.self) { try JSONDecoder().decode([ClientToken].self, from: json) }
  }

  @Test func `an intent with its token survives a restart`() throws {
    let intent = NetworkInterfaceRequest(
      vSwitch: "vsw-1", securityGroups: ["sg-1"], secondaryAddresses: .count(9), tags: ["creator": "test"])
    let token = ClientToken.random()
    let stored = try JSONEncoder().encode([token.rawValue: intent])
    #expect(try JSONDecoder().decode([String: NetworkInterfaceRequest].self, from: stored) == [token.rawValue: intent])
    #expect(try JSONDecoder().decode(ClientToken.self, from: JSONEncoder().encode(token)) == token)
  }

  @Test func `random tokens are well-formed and differ`() {
    let tokens = Set((0..<100).map { _ in ClientToken.random() })
    #expect(tokens.count == 100)
    #expect(tokens.allSatisfy { ClientToken($0.rawValue) == $0 && $0.rawValue.utf8.count == 32 })
  }

  @Test(arguments: [
    ("http://127.0.0.1:8090", "127.0.0.1:8090"),
    ("https://ecs.cn-hangzhou.aliyuncs.com/", "ecs.cn-hangzhou.aliyuncs.com"),
    ("https://example.com:443", "example.com"), ("http://example.com:443", "example.com:443"),
  ])
  func `an endpoint has the Host header that is signed`(_ text: String, _ host: String) {
    #expect(Endpoint(text)?.host == host)
  }

  @Test(arguments: ["", "127.0.0.1", "ftp://a", "http://", "http://a/b", "http://u@a", "http://a?b", "http://:80"])
  func `a malformed endpoint is nil`(_ text: String) {
    #expect(Endpoint(text) == nil)
  }
}
