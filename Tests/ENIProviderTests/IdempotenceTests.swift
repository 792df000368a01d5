// SPDX-License-Identifier: Apache-2.0

import ENIProvider
import NetworkTypes
import Testing

@Suite("Repeated calls")
struct IdempotenceTests {
  let invalidState = ScriptedTransport.Answer.response(400, Bodies.error("InvalidOperation.InvalidEniState"))
  let absent = ScriptedTransport.Answer.response(404, Bodies.error("InvalidEniId.NotFound"))

  @Test(arguments: ["Attaching", "InUse"])
  func `attaching what is attached to the same instance is not an error`(_ status: String) async throws {
    let list = Bodies.list([Bodies.interface("eni-1", status: status, instance: "i-1")])
    let client = ECSClient.scripted(ScriptedTransport([invalidState, .response(200, list)]))
    try await client.attachNetworkInterface("eni-1", to: "i-1")
  }

  @Test(arguments: [("InUse", "i-2"), ("Detaching", "i-1")])
  func `attaching what another instance has, or what is leaving, is an error`(_ status: String, _ instance: String)
    async
  {
    let list = Bodies.list([Bodies.interface("eni-1", status: status, instance: instance)])
    let client = ECSClient.scripted(ScriptedTransport([invalidState, .response(200, list)]))
    let error = await error { () async throws(ENIError) in try await client.attachNetworkInterface("eni-1", to: "i-1") }
    #expect(error?.code == .invalidState)
  }

  @Test func `detaching, deleting and unassigning what is gone is not an error`() async throws {
    let gone = ScriptedTransport([absent, absent, absent])
    let client = ECSClient.scripted(gone)
    try await client.detachNetworkInterface("eni-1", from: "i-1")
    try await client.deleteNetworkInterface("eni-1")
    try await client.unassignPrivateAddresses([IPv4Address(10, 0, 0, 6)], from: "eni-1")
    #expect(gone.requests.count == 3)
    let free = ScriptedTransport([invalidState, .response(200, Bodies.list([Bodies.interface("eni-1")]))])
    try await ECSClient.scripted(free).detachNetworkInterface("eni-1", from: "i-1")
  }

  @Test func `detaching from an instance that does not exist is an error`() async {
    let client = ECSClient.scripted(ScriptedTransport([.response(404, Bodies.error("InvalidEcsId.NotFound"))]))
    let error = await error { () async throws(ENIError) in try await client.detachNetworkInterface("eni-1", from: "i-9")
    }
    #expect(error?.code == .notFound)
  }

  @Test func `addresses that are gone do not keep the others from going`() async throws {
    let transport = ScriptedTransport([
      .response(403, Bodies.error("InvalidIp.IpUnassigned")),
      .response(200, Bodies.list([Bodies.interface("eni-1")])), .response(200, Bodies.empty),
    ])
    let addresses = [IPv4Address(10, 0, 0, 6), IPv4Address(10, 0, 0, 7)]
    try await ECSClient.scripted(transport).unassignPrivateAddresses(addresses, from: "eni-1")
    #expect(transport.parameters.last?["PrivateIpAddress.1"] == "10.0.0.6")
    #expect(transport.parameters.last?["PrivateIpAddress.2"] == nil)
  }

  @Test func `waiting ends with the status, and describes once per interval`() async throws {
    let transport = ScriptedTransport([
      .response(200, Bodies.list([Bodies.interface("eni-1", status: "Attaching")])),
      .response(200, Bodies.list([Bodies.interface("eni-1", status: "InUse", instance: "i-1")])),
    ])
    let time = FakeTime()
    let client = ECSClient.scripted(transport, time: time)
    let eni = try await client.waitUntil("eni-1", is: .inUse, within: .seconds(10), timing: time.timing)
    #expect(eni.attachment?.instance == "i-1")
    #expect(time.elapsed == .seconds(1))
  }

  @Test func `waiting in vain ends at its limit and names the last status`() async {
    let page = ScriptedTransport.Answer.response(200, Bodies.list([Bodies.interface("eni-1", status: "Attaching")]))
    let time = FakeTime()
    let client = ECSClient.scripted(ScriptedTransport(Array(repeating: page, count: 50)), time: time)
    let error = await error { () async throws(ENIError) in
      try await client.waitUntil("eni-1", is: .inUse, within: .seconds(10), timing: time.timing)
    }
    #expect(error?.code == .timedOut)
    #expect(error?.message.contains("Attaching") == true)
    #expect(time.elapsed == .seconds(10))
  }

  @Test func `waiting for what was deleted ends at once`() async throws {
    let time = FakeTime()
    let gone = ScriptedTransport.Answer.response(200, Bodies.list([]))
    let client = ECSClient.scripted(ScriptedTransport([gone, gone]), time: time)
    let error = await error { () async throws(ENIError) in
      try await client.waitUntil("eni-1", is: .inUse, within: .seconds(10), timing: time.timing)
    }
    #expect(error?.code == .notFound)
    try await client.waitUntilAbsent("eni-1", within: .seconds(10), timing: time.timing)
  }
}
