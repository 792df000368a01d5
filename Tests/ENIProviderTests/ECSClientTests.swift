// SPDX-License-Identifier: Apache-2.0

import ENIProvider
import NetworkTypes
import Testing

@Suite("ECS client")
struct ECSClientTests {
  let request = NetworkInterfaceRequest(
    vSwitch: "vsw-1", securityGroups: ["sg-1", "sg-2"], secondaryAddresses: .count(3), description: "a b",
    tags: ["creator": "test"])

  @Test(arguments: SignatureStyle.allCases)
  func `a retry repeats the client token with a fresh nonce and timestamp`(_ style: SignatureStyle) async throws {
    let transport = ScriptedTransport([
      .response(429, Bodies.error("Throttling.User")), .response(500, "<html>oops"), .failure(.timedOut),
      .failure(.connection), .response(200, Bodies.interface("eni-1")),
    ])
    let time = FakeTime()
    let client = ECSClient.scripted(transport, time: time, style: style)
    let token = ClientToken.random()
    let eni = try await client.createNetworkInterface(request, token: token)
    #expect(eni.id == "eni-1")
    let sent = transport.parameters
    #expect(sent.count == 5)
    #expect(sent.allSatisfy { $0["ClientToken"] == token.rawValue })
    #expect(sent.allSatisfy { $0["SecurityGroupIds.2"] == "sg-2" && $0["Tag.1.Key"] == "creator" })
    let nonces: [String?], timestamps: [String?]
    switch style {
    case .rpc:
      nonces = sent.map { $0["SignatureNonce"] }
      timestamps = sent.map { $0["Timestamp"] }
    case .acs3:
      nonces = transport.requests.map { $0.headers["x-acs-signature-nonce"] }
      timestamps = transport.requests.map { $0.headers["x-acs-date"] }
    }
    #expect(Set(nonces).count == 5 && !nonces.contains(nil))
    #expect(Set(timestamps).count > 2 && !timestamps.contains(nil))
    #expect(time.elapsed > .seconds(3))
  }

  @Test func `attempts end with the policy, and delays grow with jitter up to their maximum`() async {
    let policy = RetryPolicy(maximumAttempts: 3, initialDelay: .seconds(1), maximumDelay: .seconds(3))
    let expected: [(Int, Duration)] = [(1, .milliseconds(500)), (2, .seconds(1)), (3, .milliseconds(1_500))]
    for (attempt, delay) in expected { #expect(policy.delay(afterAttempt: attempt, fraction: 0) == delay) }
    #expect(policy.delay(afterAttempt: Int.max, fraction: 0.999) < .seconds(3))
    let transport = ScriptedTransport(Array(repeating: .response(503, Bodies.error("ServiceUnavailable")), count: 9))
    let client = ECSClient.scripted(transport, retry: policy)
    let error = await error { () async throws(ENIError) in try await client.deleteNetworkInterface("eni-1") }
    #expect(error?.code == .unavailable)
    #expect(transport.requests.count == 3)
  }

  @Test func `the deadline covers all attempts and names the last failure`() async throws {
    let transport = ScriptedTransport(Array(repeating: .response(429, Bodies.error("Throttling")), count: 99))
    let time = FakeTime()
    let client = ECSClient.scripted(
      transport, time: time, retry: RetryPolicy(maximumAttempts: 99), deadline: .seconds(5))
    let error = try #require(
      await error { () async throws(ENIError) in try await client.deleteNetworkInterface("eni-1") })
    #expect(error.code == .timedOut)
    #expect(error.apiCode == "Throttling")
    #expect(error.message.contains("DeleteNetworkInterface eni-1"))
    #expect(time.elapsed <= .seconds(5))
  }

  @Test func `a cancelled task stops between attempts`() async {
    let transport = ScriptedTransport(Array(repeating: .response(500, Bodies.error("InternalError")), count: 9))
    let client = ECSClient.scripted(transport)
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      return await error { () async throws(ENIError) in try await client.deleteNetworkInterface("eni-1") }
    }
    task.cancel()
    #expect(await task.value?.code == .cancelled)
  }

  @Test(arguments: [
    ("InvalidVSwitchId.IpNotEnough", 403, ENIError.Code.addressesExhausted),
    ("QuotaExceeded.PrivateIpAddress", 403, .addressesExhausted),
    ("EniPerInstanceLimitExceeded", 403, .quotaExceeded), ("MaxEniCountExceeded", 403, .quotaExceeded),
    ("InvalidOperation.Ipv4CountExceeded", 403, .quotaExceeded), ("InvalidIp.IpAssigned", 403, .addressRefused),
    ("InvalidOperation.AvailabilityZoneMismatch", 403, .invalidRequest),
    ("InvalidVSwitchId.NotFound", 404, .notFound), ("IdempotentParameterMismatch", 400, .tokenMismatch),
    ("IdempotentFailed", 400, .tokenMismatch), ("SignatureDoesNotMatch", 400, .authentication),
    ("InvalidAccessKeyId.NotFound", 404, .authentication), ("InvalidTimeStamp.Expired", 400, .authentication),
    ("SignatureNonceUsed", 400, .authentication), ("Forbidden.RAM", 403, .permission),
    ("MissingParameter", 400, .invalidRequest), ("InvalidParameter", 400, .invalidRequest),
    ("Throttling.Api", 400, .throttled), ("InternalError", 500, .unavailable), ("Operation.Conflict", 409, .conflict),
    ("A.Code.Of.The.Future", 403, .other), ("A.Code.Of.The.Future", 502, .unavailable),
    ("A.Code.Of.The.Future", 429, .throttled),
  ])
  func `a code of the API has a class, and is kept`(_ apiCode: String, _ status: Int, _ code: ENIError.Code)
    async throws
  {
    let transport = ScriptedTransport([.response(status, Bodies.error(apiCode))])
    let client = ECSClient.scripted(transport, retry: .never)
    let error = try #require(
      await error { () async throws(ENIError) in
        _ = try await client.createNetworkInterface(request, token: .random())
      })
    #expect(error.code == code)
    #expect(error.apiCode == apiCode)
    #expect(error.httpStatus == status)
    #expect(error.requestID == "REQ-1")
    for part in ["CreateNetworkInterface in vsw-1", "words of the cloud", apiCode, "HTTP \(status)", "REQ-1"] {
      #expect(error.message.contains(part))
    }
  }

  @Test(arguments: [
    "", "null", "[]", "{}", "{\"NetworkInterfaceId\":7}", "\u{0}\u{1}",
    Bodies.interface("eni-1").replacing("00:16:3e:00:00:01", with: "zz"),
    Bodies.interface("eni-1").replacing("10.0.0.6", with: "10.0.0.256"), Bodies.interface("eni 1"),
    Bodies.interface("eni-1").replacing("\"Status\":\"Available\",", with: ""),
  ])
  func `a malformed body is an error, not a trap`(_ body: String) async throws {
    let client = ECSClient.scripted(ScriptedTransport([.response(200, body)]))
    let error = try #require(
      await error { () async throws(ENIError) in
        _ = try await client.createNetworkInterface(request, token: .random())
      })
    #expect(error.code == .malformedResponse)
    #expect(error.message.utf8.count < 1_000)
  }

  @Test func `a body nested without end is an error, not a trap`() async {
    let body = String(repeating: "[", count: 100_000)
    let client = ECSClient.scripted(ScriptedTransport([.response(200, body), .response(400, body)]))
    for _ in 0..<2 {
      let error = await error { () async throws(ENIError) in try await client.deleteNetworkInterface("eni-1") }
      #expect(error?.code == .malformedResponse)
    }
  }

  @Test func `a malformed member is named with its path`() async throws {
    let body = Bodies.list([Bodies.interface("eni-1").replacing("10.0.0.6", with: "10.0.0.256")])
    let client = ECSClient.scripted(ScriptedTransport([.response(200, body)]))
    let error = await error { () async throws(ENIError) in _ = try await client.networkInterfaces(matching: .init()) }
    #expect(error?.message.contains("PrivateIpSet") == true)
    #expect(error?.message.contains("10.0.0.256") == true)
  }

  @Test func `every page of a listing is followed`() async throws {
    let transport = ScriptedTransport([
      .response(200, Bodies.list([Bodies.interface("eni-1")], next: "p2")),
      .response(200, Bodies.list([Bodies.interface("eni-2")], next: "p3")),
      .response(200, Bodies.list([Bodies.interface("eni-3", status: "Rebooting", instance: "i-1")])),
    ])
    let found = try await ECSClient.scripted(transport).networkInterfaces(matching: .init(tags: ["a": "b"]))
    #expect(found.map(\.id) == ["eni-1", "eni-2", "eni-3"])
    #expect(found[0].attachment == nil)
    #expect(found[0].secondaryAddresses == [IPv4Address(10, 0, 0, 6)])
    #expect(found[0].tags == ["creator": "test"])
    #expect(found[2].status.rawValue == "Rebooting")
    #expect(found[2].attachment == .init(instance: "i-1", deviceIndex: 1))
    #expect(transport.parameters.map { $0["NextToken"] } == [nil, "p2", "p3"])
    #expect(transport.parameters.allSatisfy { $0["Tag.1.Value"] == "b" })
  }

  @Test func `a listing that turns in a circle is an error, not a loop`() async {
    let page = ScriptedTransport.Answer.response(200, Bodies.list([], next: "again"))
    let client = ECSClient.scripted(ScriptedTransport(Array(repeating: page, count: 50)))
    let error = await error { () async throws(ENIError) in _ = try await client.networkInterfaces(matching: .init()) }
    #expect(error?.code == .malformedResponse)
  }

  @Test func `more identifiers than one call takes are asked for in parts`() async throws {
    let transport = ScriptedTransport(Array(repeating: .response(200, Bodies.list([])), count: 3))
    let ids = (0..<201).map { ENIIdentifier(unchecked: "eni-\($0)") }
    _ = try await ECSClient.scripted(transport).networkInterfaces(matching: .init(ids: ids))
    #expect(transport.parameters.map { $0.keys.count { $0.hasPrefix("NetworkInterfaceId.") } } == [100, 100, 1])
  }

  @Test func `credentials are asked for before each attempt`() async throws {
    let transport = ScriptedTransport([
      .response(500, Bodies.error("InternalError")), .response(200, Bodies.empty),
    ])
    let time = FakeTime()
    let client = ECSClient(
      .init(region: "cn-hangzhou", signatureStyle: .rpc),
      credentialSource: { () async throws(ENIError) in
        Credentials(accessKeyID: time.elapsed == .zero ? "old" : "new", accessKeySecret: "s", securityToken: "t")
      }, transport: transport, timing: time.timing)
    try await client.deleteNetworkInterface("eni-1")
    #expect(transport.parameters.map { $0["AccessKeyId"] } == ["old", "new"])
    #expect(transport.parameters.allSatisfy { $0["SecurityToken"] == "t" })
  }
}
