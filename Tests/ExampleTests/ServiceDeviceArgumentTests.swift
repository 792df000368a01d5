// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ExampleTestSupport
import NetworkTypes
import Testing

@testable import svclb

/// How a device is written, and how it is remembered.
@Suite("svclb's devices")
struct ServiceDeviceArgumentTests {
  @Test(
    arguments: [
      ("client:eth0", "client", "eth0", nil), (":eth1", "", "eth1", nil), ("client:eth0=pod", "client", "eth0", .pod),
      ("/proc/7/ns/net:eth0", "/proc/7/ns/net", "eth0", nil), ("/run/a:b:eth0", "/run/a:b", "eth0", nil),
      (":veth1=host", "", "veth1", .host), ("n:bond0=node", "n", "bond0", .node),
    ] as [(String, String, String, DeviceArgument.Role?)])
  func `a device is a namespace and a name, and may say what it is`(
    text: String, namespace: String, device: String, role: DeviceArgument.Role?
  ) throws {
    let argument = try DeviceArgument(text)
    #expect(argument.namespace == namespace)
    #expect(argument.device.rawValue == device)
    #expect(argument.role == role)
    #expect(argument.description == "\(namespace):\(device)")
  }

  @Test(arguments: [
    ("eth0", "NETNS:DEVICE"), ("", "NETNS:DEVICE"), ("client:", "name of a device"),
    ("client:a-name-that-is-too-long", "name of a device"), ("client:eth0=router", "pod"), ("client:eth/0", "device"),
  ])
  func `what is no device is refused with how to write it`(text: String, words: String) {
    let error = #expect(throws: ValidationError.self) { try DeviceArgument(text) }
    #expect(error?.message.contains(words) == true)
    #expect(error?.message.contains(text) == true)
  }

  @Test(arguments: [
    ("client:eth0", DeviceArgument.Role.pod, UInt32(7), "pod-7@client:eth0"),
    ("/proc/7/ns/net:eth0", .host, 4095, "host-4095@!proc!7!ns!net:eth0"), (":eth1", .node, 0, "node@:eth1"),
    ("/a.b!c%21:eth0", .pod, 1, "pod-1@!a%2Eb%21c%2521:eth0"),
  ])
  func `a record's name is read back`(place: String, role: DeviceArgument.Role, endpoint: UInt32, name: String) throws {
    let record = DeviceRecord(try DeviceArgument(place), role, endpoint: endpoint)
    #expect(record.name == name)
    #expect(DeviceRecord(name: name) == record)
  }

  @Test(arguments: ["frontend4", "pod@client:eth0", "pod-x@client:eth0", "@client:eth0", "pod-7@eth0", "pod-7"])
  func `other names are no records`(name: String) {
    #expect(DeviceRecord(name: name) == nil)
  }

  @Test func `a namespace whose name is too long for a pin has no record`() throws {
    let long = String(repeating: "x", count: 250)
    #expect(DeviceRecord(try DeviceArgument("\(long):eth0"), .pod, endpoint: 7).name == nil)
  }

  @Test func `a device that is written wrong is wrong usage`() async throws {
    let outcome = try await Program("svclb").run(["apply", "--manifests", "-", "--attach", "eth0"])
    #expect(outcome.status == 64 && outcome.errors.contains("NETNS:DEVICE"), "\(outcome.errors)")
  }
}
