// SPDX-License-Identifier: Apache-2.0

import ENIProvider
import Foundation
import Testing

@testable import VPCSimulator

@Suite("Hostile requests", .timeLimit(.minutes(15)))
struct HostileRequestTests {
  struct ErrorBody: Decodable {
    var requestID: String
    var hostID: String
    var code: String
    var message: String

    enum CodingKeys: String, CodingKey {
      case requestID = "RequestId"
      case hostID = "HostId"
      case code = "Code"
      case message = "Message"
    }
  }

  /// Sends a request and reads the error it is answered with.
  func refusal(
    _ simulator: RunningSimulator, _ method: String, _ target: String, headers: [String: String] = [:],
    body: [UInt8] = []
  ) async throws -> (status: Int, body: ErrorBody) {
    let response = try await AsyncHTTPTransport().send(
      .init(method: method, url: "http://127.0.0.1:\(simulator.port)\(target)", headers: headers, body: body),
      timeout: .seconds(10))
    return (response.status, try JSONDecoder().decode(ErrorBody.self, from: Data(response.body)))
  }

  static let form = ["content-type": "application/x-www-form-urlencoded"]

  @Test func `every refusal has a clean body, and the server goes on`() async throws {
    try await withSimulator(.small()) { simulator in
      let huge = [UInt8](repeating: UInt8(ascii: "a"), count: ECSSimulator.maximumBodySize + 1)
      let many = Array((0..<2_000).map { "k\($0)=v" }.joined(separator: "&").utf8)
      let noise = (0..<4_096).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 13) }
      let cases: [(String, String, [String: String], [UInt8], Int, String)] = [
        ("GET", "/", [:], [], 400, "MissingAccessKeyId"),
        ("POST", "/", [:], [], 400, "MissingAccessKeyId"),
        ("PUT", "/", [:], [], 405, "UnsupportedHTTPMethod"),
        ("DELETE", "/?Action=DeleteNetworkInterface", [:], [], 405, "UnsupportedHTTPMethod"),
        ("GET", "/latest/meta-data", [:], [], 404, "InvalidAction.NotFound"),
        ("POST", "/", Self.form, Array("a=%zz".utf8), 400, "InvalidParameter"),
        ("GET", "/?a=1&a=2", [:], [], 400, "InvalidParameter"),
        ("POST", "/", Self.form, huge, 413, "RequestBodyTooLarge"),
        ("POST", "/", Self.form, many, 400, "InvalidParameter"),
        ("POST", "/", Self.form, noise, 400, "InvalidParameter"),
        (
          "POST", "/", ["authorization": "ACS3-HMAC-SHA256 \(String(repeating: "x", count: 9_000))"], [], 400,
          "IncompleteSignature"
        ),
      ]
      for (method, target, headers, body, status, code) in cases {
        let answer = try await refusal(simulator, method, target, headers: headers, body: body)
        #expect(answer.status == status)
        #expect(answer.body.code == code)
        #expect(UUID(uuidString: answer.body.requestID) != nil)
        #expect(answer.body.hostID == "127.0.0.1:\(simulator.port)")
        #expect(!answer.body.message.isEmpty)
      }
      #expect(try await simulator.client().vSwitch("vsw-a") != nil)
    }
  }

  /// Signed requests with parameters that are wrong one by one.
  @Test(arguments: [
    ("CreateNetworkInterface", ["VSwitchId": "vsw-a"], 400, "MissingParameter", "SecurityGroupId"),
    ("CreateNetworkInterface", ["SecurityGroupId": "sg-1"], 400, "MissingParameter", "VSwitchId"),
    ("CreateNetworkInterface", ["SecurityGroupId": "sg-1", "VSwitchId": "a b"], 400, "InvalidParameter", "VSwitchId"),
    (
      "CreateNetworkInterface",
      ["SecurityGroupId": "sg-1", "VSwitchId": "vsw-a", "SecondaryPrivateIpAddressCount": "99999999999999999999"], 400,
      "InvalidParameter", "SecondaryPrivateIpAddressCount"
    ),
    (
      "CreateNetworkInterface",
      ["SecurityGroupId": "sg-1", "VSwitchId": "vsw-a", "PrivateIpAddress.1": "10.0.0.256"], 400, "InvalidParameter",
      "PrivateIpAddress.1"
    ),
    (
      "CreateNetworkInterface",
      ["SecurityGroupId": "sg-1", "VSwitchId": "vsw-a", "ClientToken": String(repeating: "t", count: 65)], 400,
      "InvalidParameter", "ClientToken"
    ),
    (
      "CreateNetworkInterface", ["SecurityGroupId": "sg-1", "VSwitchId": "vsw-a", "DeleteOnRelease": "maybe"], 400,
      "InvalidParameter", "DeleteOnRelease"
    ),
    ("AssignPrivateIpAddresses", ["NetworkInterfaceId": "eni-1"], 400, "MissingParameter", "SecondaryPrivate"),
    ("DescribeNetworkInterfaces", ["MaxResults": "-1"], 400, "InvalidParameter", "MaxResults"),
    ("DescribeNetworkInterfaces", ["NextToken": "\u{7f}"], 400, "InvalidParameter", "NextToken"),
    ("DescribeNetworkInterfaces", ["RegionId": "us-east-1"], 404, "InvalidRegionId.NotFound", "us-east-1"),
    ("RunInstances", [:], 404, "InvalidAction.NotFound", "RunInstances"),
    (String(repeating: "A", count: 9_000), [:], 404, "InvalidAction.NotFound", "AAAA"),
  ])
  func `a wrong parameter is refused by name`(
    _ action: String, _ parameters: [String: String], _ status: Int, _ code: String, _ word: String
  ) async throws {
    try await withSimulator(.small()) { simulator in
      let signed = RPCSigner.signedParameters(
        method: "POST", action: action, version: "2014-05-26",
        parameters: ["RegionId": "cn-hangzhou"].merging(parameters) { $1 }, credentials: testKey, timestamp: .now(),
        nonce: ClientToken.random().rawValue)
      let answer = try await refusal(
        simulator, "POST", "/", headers: Self.form, body: Array(PercentEncoding.canonicalQuery(signed).utf8))
      #expect(answer.status == status)
      #expect(answer.body.code == code)
      #expect(answer.body.message.contains(word))
      #expect(answer.body.message.utf8.count < 500)
    }
  }
}
