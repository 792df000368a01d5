// SPDX-License-Identifier: Apache-2.0

import ExampleTestSupport
import Foundation
import NetworkTypes
import ServiceLB
import Testing

@testable import svclb

/// `svclb` where no kernel is needed: arguments, exit statuses, and what is concluded from maps.
@Suite("svclb", .timeLimit(.minutes(5)))
struct ServiceCommandTests {
  @Test(arguments: [
    [], ["serve"], ["trace"], ["trace", "--to", "10.96.0.10"], ["trace", "--to", "10.96.0.10:0"],
    ["trace", "--to", "fd00::10:80"], ["trace", "--to", "10.96.0.10:80/ICMP"],
    ["trace", "--to", "10.96.0.10:80", "--from", "fd00::1"], ["list", "--pin", "relative"],
    ["list", "--output", "xml"],
    ["add"], ["add", "--frontend", "10.96.0.1:80", "--backend", "[fd00::1]:80"],
    ["add", "--frontend", "10.96.0.1:80", "--algorithm", "best"],
    ["add", "--frontend", "10.96.0.1:80", "--affinity", "0"],
    ["add", "--frontend", "10.96.0.1:80", "--frontend", "10.96.0.1:80/UDP"],
    ["add", "--frontend", "10.96.0.1:80/SCTP", "--backend", "10.0.0.1:81"], ["apply", "--cgroup", "/"],
    ["apply", "--manifests", "a", "--node-address", "here"], ["top", "--interval", "0"],
  ])
  func `wrong usage is 64, with words`(arguments: [String]) async throws {
    let outcome = try await Program("svclb").run(arguments)
    // Without a command the help is printed, as everywhere.
    #expect(outcome.status == (arguments.isEmpty ? 0 : 64), "\(arguments)")
    #expect(outcome.errors.contains("Usage") != arguments.isEmpty)
    #expect(!outcome.errors.contains("Fatal error"))
  }

  @Test func `every command has help with an example`() async throws {
    for command in [
      "apply", "add", "remove", "list", "backends", "connections", "stats", "top", "trace", "flush", "detach",
    ] {
      let outcome = try await Program("svclb").run([command, "--help"])
      #expect(outcome.status == 0)
      #expect(outcome.output.contains("svclb \(command)"), "\(command)")
      #expect(outcome.output.contains("xample"), "\(command)")
    }
  }

  @Test func `manifests and lists that cannot be used are 65 and 66, with file, place and reason`() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "svclb-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func check(_ name: String, _ text: String, _ status: Int32, _ words: [String]) async throws {
      let file = folder.appending(path: name)
      try Data(text.utf8).write(to: file)
      let outcome = try await Program("svclb").run(["apply", "--manifests", file.path])
      #expect(outcome.status == status, "\(name): \(outcome.errors)")
      for word in words { #expect(outcome.errors.contains(word), "\(name): \(outcome.errors)") }
      #expect(outcome.output.isEmpty)
    }
    try await check(
      "service.yaml",
      """
      apiVersion: v1
      kind: Service
      metadata: {name: web}
      spec:
        ports: [{port: 70000}]
      """, 65, ["service.yaml", ".spec.ports[0].port", "70000"])
    try await check("broken.yaml", "a: [", 65, ["broken.yaml", "line"])
    // What a server says in place of a manifest, and what a command says that failed, are no order to stop serving.
    try await check("page.yaml", "404: Not Found", 65, ["page.yaml", ".apiVersion"])
    try await check("text.yaml", "not found", 65, ["text.yaml", "object"])
    try await check("item.json", #"{"apiVersion": "v1", "kind": "List", "items": [{}]}"#, 65, [".items[0].apiVersion"])
    try await check("empty.yaml", "", 65, ["empty.yaml", "no Service"])
    try await check("list.tsv", "1\t10.96.0.1\ttcp\tmany\t10.0.0.1:80\n", 65, ["list.tsv", "line 1", "port"])
    let outcome = try await Program("svclb").run(["apply", "--manifests", folder.appending(path: "no").path])
    #expect(outcome.status == 66 && outcome.errors.contains("no such file"), "\(outcome.errors)")
  }

  @Test func `nothing pinned is 69, and says what to do`() async throws {
    for arguments in [["list"], ["stats"], ["trace", "--to", "10.96.0.10:80"], ["flush"]] {
      let outcome = try await Program("svclb").run(arguments + ["--pin", "/tmp/no-such-svclb"])
      #expect(outcome.status == 69, "\(arguments): \(outcome.errors)")
      #expect(outcome.errors.contains("/tmp/no-such-svclb") && outcome.errors.contains("svclb apply"))
    }
  }

  @Test func `lists are told from manifests by what they contain`() {
    func isList(_ text: String) -> Bool { ServiceInputs.isList(Array(text.utf8)) }
    #expect(isList("0\t10.96.0.0\ttcp\t80\t\n"))
    #expect(isList("# a list\n\n12\tbroken"))
    #expect(!isList("apiVersion: v1\n"))
    #expect(!isList("{\"kind\": \"Service\"}"))
    #expect(!isList("0 10.96.0.0"))
    #expect(!isList(""))
  }

  // MARK: trace

  /// One service in maps: index 3, at an address and a node port, backends 1 and 2, the first of them on this node.
  private func contents(
    _ flags: FrontendWord.Flags = [], cluster: Int = 2, local: Int = 1,
    configuration: ServiceConfiguration = ServiceConfiguration(), key: String = "10.96.0.10:80/TCP"
  ) throws -> PinnedServices {
    var contents = ServiceMapContents()
    let frontend = try #require(FrontendArgument(argument: key)).key
    contents.frontends[frontend] = FrontendWord(service: 3, vip: 1, flags: flags, epoch: 0)
    for index in 1...2 as ClosedRange<UInt32> {
      let record = BackendRecord(
        address: .v4(IPv4Address(10, 0, 0, UInt8(index))), port: try #require(Port(8080)), protocol: .tcp,
        state: .active, service: 3, epoch: 1)
      contents.apply(.setBackend(index: index, record))
      contents.apply(.setSlot(index - 1, backend: index))
    }
    contents.apply(.setCluster(service: 3, SlotExtent(first: 0, count: cluster)))
    contents.apply(.setLocal(service: 3, SlotExtent(first: 0, count: local)))
    contents.apply(.setConfiguration(service: 3, configuration))
    contents.apply(.addNodeAddress(.v4(IPv4Address(192, 168, 0, 1))))
    return PinnedServices(contents)
  }

  private func trace(
    _ services: PinnedServices, _ to: String = "10.96.0.10:80", from: FlowTrace.Client = .socket
  ) throws -> FlowTrace {
    FlowTrace(services, to: try #require(FrontendArgument(argument: to)).key, from: from, nodePorts: 30_000...32_767)
  }

  @Test func `a connection to a service gets one of its endpoints, each with its share`() throws {
    let trace = try trace(try contents())
    #expect(trace.verdict == .translated && trace.scope == "cluster" && trace.service == 3)
    #expect(trace.backends.map(\.backend) == ["10.0.0.1:8080", "10.0.0.2:8080"])
    #expect(trace.backends.map(\.share) == [0.5, 0.5])
  }

  @Test func `what is no service is left alone, whatever else is like it`() throws {
    let services = try contents()
    for to in ["10.96.0.10:81", "10.96.0.10:80/UDP", "10.96.0.11:80", "192.168.0.1:30080"] {
      #expect(try trace(services, to).verdict == .untouched, "\(to)")
    }
  }

  @Test func `an empty scope refuses in the cluster, and drops on the node`() throws {
    #expect(try trace(try contents(cluster: 0, local: 0)).verdict == .refused)
    #expect(try trace(try contents(.internalLocal, local: 0)).verdict == .dropped)
    // Without an endpoint anywhere the policy does not matter.
    #expect(try trace(try contents(.internalLocal, cluster: 0, local: 0)).verdict == .refused)
    let local = try trace(try contents(.internalLocal))
    #expect(local.scope == "local" && local.backends.map(\.backend) == ["10.0.0.1:8080"])
  }

  @Test func `clients outside are served at external addresses, from their ranges`() throws {
    let inside = try #require(IPAddress("198.51.100.7"))
    #expect(try trace(try contents(), from: .outside(inside)).verdict == .untouched)
    #expect(try trace(try contents(.external), from: .outside(inside)).verdict == .translated)
    var contents = try contents([.external, .sourceRanges]).contents
    contents.apply(.addSourceRange(SourceRange(service: 3, range: try #require(IPCIDR("203.0.113.0/24")))))
    let services = PinnedServices(contents)
    #expect(try trace(services, from: .outside(inside)).verdict == .dropped)
    #expect(try trace(services, from: .outside(try #require(IPAddress("203.0.113.9")))).verdict == .translated)
    #expect(try trace(services).verdict == .translated)
  }

  @Test func `a node port is found at this node's addresses alone`() throws {
    let services = try contents([.external, .nodePort], key: "0.0.0.0:30080/TCP")
    #expect(try trace(services, "192.168.0.1:30080").verdict == .translated)
    #expect(try trace(services, "192.168.0.2:30080").verdict == .untouched)
    #expect(try trace(services, "127.0.0.1:30080").verdict == .translated)
  }

  @Test func `what is read from maps is written back as it was`() throws {
    let configuration = ServiceConfiguration(affinitySeconds: 60, algorithm: .leastLoad)
    let services = try contents([.external, .externalLocal, .configured], configuration: configuration)
    let entry = try #require(services.table.entries.first)
    #expect(
      entry.description == """
        pinned/10.96.0.10:80/TCP IPv4
          external traffic policy Local
          session affinity 60 s
          leastLoad
          10.96.0.10:80/TCP externalIP
            -> 10.0.0.1:8080 local (cluster, local)
            -> 10.0.0.2:8080 (cluster)
        """)
    #expect(services.table.nodeAddresses == [.v4(IPv4Address(192, 168, 0, 1))])
  }
}
