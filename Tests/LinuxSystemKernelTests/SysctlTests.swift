// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import Testing

@Suite("Kernel settings", .serialized, .requires(.root))
struct SysctlTests {
  @Test func `a setting changes in its namespace, and nowhere else`() async throws {
    try await withScratchNamespace { (namespace) async throws in
      let outside = try await Sysctl.read("net/ipv4/ip_default_ttl", in: .current())
      try await Sysctl.write("77", to: "net/ipv4/ip_default_ttl", in: namespace)
      #expect(try await Sysctl.read("net/ipv4/ip_default_ttl", in: namespace) == "77")
      #expect(try await Sysctl.read("net/ipv4/ip_default_ttl", in: .current()) == outside)
    }
  }

  @Test func `several numbers are compared whatever stands between them`() async throws {
    try await withScratchNamespace { (namespace) async throws in
      try await Sysctl.write("40000 50000", to: "net/ipv4/ip_local_port_range", in: namespace)
      #expect(try await Sysctl.read("net/ipv4/ip_local_port_range", in: namespace) == "40000\t50000")
    }
  }

  @Test func `what the kernel refuses or lacks is an error that names the setting`() async throws {
    try await withScratchNamespace { (namespace) async throws in
      let refused = await #expect(throws: SystemError.self) {
        try await Sysctl.write("many", to: "net/ipv4/ip_default_ttl", in: namespace)
      }
      #expect(refused?.code == .invalidArgument)
      #expect(refused?.message.contains("net/ipv4/ip_default_ttl") == true)
      let absent = await #expect(throws: SystemError.self) {
        try await Sysctl.write("1", to: "net/ipv4/conf/nosuchlink/rp_filter", in: namespace)
      }
      #expect(absent?.code == .notFound)
    }
  }

  @Test(arguments: ["", "/etc/passwd", "net/../../../etc/passwd", "net//ipv4", "net/./ipv4", "net/ipv4/\0"])
  func `a path that leaves the settings is refused`(path: String) async throws {
    let namespace = try NetworkNamespace.current()
    let read = await #expect(throws: SystemError.self) { try await Sysctl.read(path, in: namespace) }
    #expect(read?.code == .invalidArgument)
    let written = await #expect(throws: SystemError.self) { try await Sysctl.write("1", to: path, in: namespace) }
    #expect(written?.code == .invalidArgument)
  }
}
