// SPDX-License-Identifier: Apache-2.0

import ENIProvider
import Foundation
import Testing

/// The vectors that come with the official SDKs' output.
struct SigningVectors: Decodable {
  struct RPC: Decodable, Sendable, CustomTestStringConvertible {
    var name: String
    var method: String
    var accessKeySecret: String
    var parameters: [String: String]
    var canonicalizedQuery: String
    var stringToSign: String
    var signature: String
    var testDescription: String { name }
  }

  struct ACS3: Decodable, Sendable, CustomTestStringConvertible {
    var name: String
    var method: String
    var canonicalUri: String
    var query: [String: String]
    var headers: [String: String]
    var body: String
    var accessKeyId: String
    var accessKeySecret: String
    var canonicalRequest: String
    var stringToSign: String
    var signature: String
    var authorization: String
    var testDescription: String { name }

    var request: ACS3Signer.Request {
      .init(method: method, path: canonicalUri, query: query, headers: headers, body: Array(body.utf8))
    }
  }

  struct Encoding: Decodable, Sendable, CustomTestStringConvertible {
    var `in`: String
    var out: String
    var testDescription: String { out }
  }

  var rpcHmacSha1: [RPC]
  var acs3HmacSha256: [ACS3]
  var percentEncoding: [Encoding]

  static func load() throws -> SigningVectors {
    let url = try #require(
      Bundle.module.url(forResource: "aliyun-signing", withExtension: "json", subdirectory: "Vectors"))
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(SigningVectors.self, from: Data(contentsOf: url))
  }

  static let all: SigningVectors? = try? load()
}

@Suite("Request signatures")
struct SigningTests {
  @Test func `every vector of the file is there`() throws {
    let vectors = try SigningVectors.load()
    #expect(vectors.rpcHmacSha1.count == 7)
    #expect(vectors.acs3HmacSha256.count == 4)
    #expect(vectors.percentEncoding.count == 19)
  }

  @Test(arguments: SigningVectors.all?.rpcHmacSha1 ?? [])
  func `an RPC request is signed as the SDKs sign it`(_ vector: SigningVectors.RPC) {
    #expect(PercentEncoding.canonicalQuery(vector.parameters) == vector.canonicalizedQuery)
    #expect(
      RPCSigner.stringToSign(method: vector.method, parameters: vector.parameters) == vector.stringToSign)
    let signature = RPCSigner.signature(
      method: vector.method, parameters: vector.parameters, accessKeySecret: vector.accessKeySecret)
    #expect(signature == vector.signature)
  }

  @Test(arguments: SigningVectors.all?.acs3HmacSha256 ?? [])
  func `a V3 request is signed as the SDKs sign it`(_ vector: SigningVectors.ACS3) {
    #expect(ACS3Signer.canonicalRequest(vector.request) == vector.canonicalRequest)
    #expect(ACS3Signer.stringToSign(vector.request) == vector.stringToSign)
    #expect(
      ACS3Signer.signature(of: vector.request, accessKeySecret: vector.accessKeySecret) == vector.signature)
    let credentials = Credentials(accessKeyID: vector.accessKeyId, accessKeySecret: vector.accessKeySecret)
    #expect(ACS3Signer.authorization(for: vector.request, credentials: credentials) == vector.authorization)
  }

  @Test(arguments: SigningVectors.all?.percentEncoding ?? [])
  func `percent encoding round-trips`(_ vector: SigningVectors.Encoding) {
    #expect(PercentEncoding.encode(vector.in) == vector.out)
    #expect(PercentEncoding.decode(Array(vector.out.utf8), plusIsSpace: true) == vector.in)
  }

  @Test(arguments: ["%", "%4", "%zz", "%C3", "%FF%FE", "a%"])
  func `a malformed escape is nil, not a trap`(_ text: String) {
    #expect(PercentEncoding.decode(Array(text.utf8), plusIsSpace: false) == nil)
  }

  @Test func `the parameters of a signed request verify, and carry the token of temporary credentials`() throws {
    let credentials = Credentials(accessKeyID: "STS.id", accessKeySecret: "secret", securityToken: "a token")
    let timestamp = try #require(APITimestamp("2016-02-23T12:46:24Z"))
    let signed = RPCSigner.signedParameters(
      method: "POST", action: "DescribeRegions", version: "2014-05-26", parameters: ["RegionId": "cn-hangzhou"],
      credentials: credentials, timestamp: timestamp, nonce: "n-1")
    #expect(signed["SecurityToken"] == "a token")
    #expect(signed["Timestamp"] == "2016-02-23T12:46:24Z")
    let again = RPCSigner.signature(method: "POST", parameters: signed, accessKeySecret: "secret")
    #expect(signed["Signature"] == again)
    let get = RPCSigner.signature(method: "GET", parameters: signed, accessKeySecret: "secret")
    #expect(get != again)
  }

  @Test func `credentials never show their secrets`() {
    let credentials = Credentials(accessKeyID: "id", accessKeySecret: "hunter2", securityToken: "hunter3")
    var dumped = ""
    dump(credentials, to: &dumped)
    for text in ["\(credentials)", String(reflecting: credentials), dumped] { #expect(!text.contains("hunter")) }
  }

  @Test(arguments: [
    ("1970-01-01T00:00:00Z", Int64(0)), ("2016-02-23T12:46:24Z", 1_456_231_584),
    ("2024-02-29T23:59:59Z", 1_709_251_199), ("2000-03-01T00:00:00Z", 951_868_800),
    ("1969-12-31T23:59:59Z", -1), ("2100-02-28T00:00:00Z", 4_107_456_000),
  ])
  func `timestamps are civil UTC`(_ text: String, _ seconds: Int64) {
    #expect(APITimestamp(text) == APITimestamp(secondsSince1970: seconds))
    #expect(APITimestamp(secondsSince1970: seconds).description == text)
  }

  @Test(arguments: [
    "", "2024-02-30T00:00:00Z", "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-01-01T24:00:00Z",
    "2024-01-01 00:00:00Z", "2024-01-01T00:00:00", "2024-01-01T00:00:00+", "२०२४-01-01T00:00:00Z",
  ])
  func `a malformed timestamp is nil`(_ text: String) {
    #expect(APITimestamp(text) == nil)
  }
}
