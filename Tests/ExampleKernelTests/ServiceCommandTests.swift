// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import ExampleTestSupport
import Foundation
import Glibc
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import SystemPackage
import Testing

/// `svclb` on a real kernel: what one process programs goes on without it, and the next one finds it.
@Suite("svclb", .serialized, .requires(.root), .timeLimit(.minutes(8)))
struct ServiceCommandKernelTests {
  @Test func `what apply programs works when it has ended, until detach`() async throws {
    try await ServiceScene.with { scene in
      let printed = try await scene.apply("7\t10.96.0.7\ttcp\t8080\t127.0.0.1:8080\n8\t10.96.0.8\ttcp\t8080\t\n")
      let timing = try JSONDecoder().decode([String: Double].self, from: Data(printed.utf8))
      #expect(timing.keys.sorted() == ["program_ms"] && (timing["program_ms"] ?? 0) > 0)
      #expect(try await scene.reaches("10.96.0.7"))
      #expect(try await !scene.reaches("10.96.0.9"))
      // A second one takes over what the first made.
      try await scene.apply("9\t10.96.0.9\ttcp\t8080\t127.0.0.1:8080\n")
      #expect(try await scene.reaches("10.96.0.9"))
      #expect(try await !scene.reaches("10.96.0.7"))
      try await scene.svclb("detach")
      #expect(try await !scene.reaches("10.96.0.9"))
      #expect(try FileSystem.entries(of: scene.pins).isEmpty)
      // What is gone already is no error.
      try await scene.svclb("detach")
    }
  }

  @Test func `services and endpoints are read from manifests`() async throws {
    try await ServiceScene.with { scene in
      let file = scene.folder.appending("web.yaml")
      let deployment = """
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        """
      try "\(webManifests(endpoint: "10.0.0.5"))\n\(deployment)".write(
        toFile: file.string, atomically: true, encoding: .utf8)
      try await scene.svclb("apply", "--manifests", file.string, "--cgroup", scene.cgroup.string)
      #expect(try await scene.reaches("10.96.1.1"))
      #expect(try await scene.svclb("list").contains("10.96.1.1:8080/TCP"))
      // What a service is called is known to commands that saw no manifest, and to those after a change.
      #expect(try await scene.objects("list").compactMap { $0["name"] as? String } == ["shop/web:http"])
      #expect(try await scene.objects("stats").compactMap { $0["name"] as? String } == ["shop/web:http"])
      #expect(try await scene.svclb("trace", "--to", "10.96.1.1:8080").contains("of service shop/web:http"))
      try await scene.svclb("add", "--frontend", "10.96.0.5:8080", "--backend", "10.0.0.5:8080")
      let rows = try await scene.objects("backends")
      let names = Dictionary(
        rows.map { ($0["frontend"] as? String ?? "", $0["name"] as? String ?? "") }, uniquingKeysWith: { $1 })
      #expect(names["10.96.1.1:8080/TCP"] == "shop/web:http")
      #expect(names["10.96.0.5:8080/TCP"].flatMap { UInt32($0) } != nil)
      try await scene.svclb("remove", "--frontend", "10.96.1.1:8080")
      #expect(try await !scene.svclb("list").contains("shop"))
    }
  }

  @Test func `what is served is listed, counted, traced and changed`() async throws {
    try await ServiceScene.with { scene in
      try await scene.apply("7\t10.96.0.7\ttcp\t8080\t127.0.0.1:8080\n8\t10.96.0.8\ttcp\t8080\t\n")
      #expect(try await scene.reaches("10.96.0.7"))
      #expect(try await !scene.reaches("10.96.0.8"))

      let frontends = try await scene.objects("list")
      #expect(frontends.compactMap { $0["frontend"] as? String } == ["10.96.0.7:8080/TCP", "10.96.0.8:8080/TCP"])
      #expect(frontends.compactMap { $0["backends"] as? Int } == [1, 0])
      let backends = try await scene.objects("backends", "--of", "10.96.0.7:8080")
      #expect(backends.compactMap { $0["backend"] as? String } == ["127.0.0.1:8080"])
      #expect(backends.first?["share"] as? Double == 1)

      let counts = try await scene.objects("stats")
      #expect(counts.compactMap { $0["translated"] as? Int } == [1, 0])
      #expect(counts.compactMap { $0["refused"] as? Int } == [0, 1])
      let tables = try await scene.svclb("top", "--count", "1", "--interval", "0.05", "--output", "json")
      #expect(tables == "[]\n")

      let trace = try await scene.object("trace", "--to", "10.96.0.7:8080")
      #expect(trace["verdict"] as? String == "translated")
      #expect(try await scene.object("trace", "--to", "10.96.0.8:8080")["verdict"] as? String == "refused")

      try await scene.svclb(
        "add", "--frontend", "10.96.0.5:8080", "--backend", "127.0.0.1:8080", "--algorithm", "least-load",
        "--affinity", "60")
      #expect(try await scene.reaches("10.96.0.5"))
      #expect(try await scene.reaches("10.96.0.7"))
      let taken = try await Program("svclb").run(
        ["add", "--pin", scene.pins.string, "--frontend", "10.96.0.5:8080"])
      #expect(taken.status == 65 && taken.errors.contains("--replace"), "\(taken.errors)")
      try await scene.svclb("add", "--frontend", "10.96.0.5:8080", "--replace")
      #expect(try await !scene.reaches("10.96.0.5"))
      try await scene.svclb("remove", "--frontend", "10.96.0.7:8080")
      #expect(try await !scene.reaches("10.96.0.7"))
      let absent = try await Program("svclb").run(
        ["remove", "--pin", scene.pins.string, "--frontend", "10.96.0.7:8080"])
      #expect(absent.status == 69 && absent.errors.contains("10.96.0.7:8080/TCP"))
      try await scene.svclb("flush", "--affinities")
      try await scene.svclb("flush")
      #expect(try await scene.objects("list").isEmpty)
    }
  }

  @Test func `detach takes nothing away where a pin is another's`() async throws {
    try await ServiceScene.with { scene in
      try await scene.apply("7\t10.96.0.7\ttcp\t8080\t127.0.0.1:8080\n")
      let path = scene.pins.appending("backend")
      try BPFFileSystem.removePin(at: path)
      try BPFHashMap<UInt32, UInt32>.create(name: "stranger", maximumEntryCount: 1).pin(at: path)
      let before = try FileSystem.entries(of: scene.pins).sorted()
      let outcome = try await Program("svclb").run(["detach", "--pin", scene.pins.string])
      #expect(outcome.status == 69, "\(outcome.errors)")
      #expect(outcome.errors.contains("\(path) is the map \"stranger\""), "\(outcome.errors)")
      #expect(try FileSystem.entries(of: scene.pins).sorted() == before)
      #expect(try await scene.reaches("10.96.0.7"))
      try BPFFileSystem.removePin(at: path)
      try await scene.svclb("detach")
      #expect(try FileSystem.entries(of: scene.pins).isEmpty)
    }
  }

  @Test func `sockets that are connected to an endpoint are printed with the service`() async throws {
    try await ServiceScene.with { scene in
      try await scene.apply("7\t10.96.0.7\ttcp\t8080\t127.0.0.1:8080\n")
      let listener = try await scene.namespace.run { try TestSocket.listening(at: 8080) }
      let client = try await inControlGroup(scene.cgroup) {
        try await scene.namespace.run { try TestSocket.connected(to: IPv4Address(10, 96, 0, 7), port: 8080) }
      }
      let rows = try await scene.objects("connections", "--namespace", scene.namespacePath)
      #expect(rows.count == 1)
      #expect(rows.first?["backend"] as? String == "127.0.0.1:8080")
      #expect(rows.first?["frontend"] as? String == "10.96.0.7:8080/TCP")
      withExtendedLifetime((listener, client)) {}
    }
  }

  @Test func `commands that change one directory at once take turns, and none is lost`() async throws {
    try await ServiceScene.with { scene in
      try await scene.apply("7\t10.96.0.7\ttcp\t8080\t127.0.0.1:8080\n")
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 1...6 {
          group.addTask {
            try await scene.svclb(
              "add", "--frontend", "10.97.0.\(number):8080", "--backend", "10.98.0.\(number):8080")
          }
        }
        try await group.waitForAll()
      }
      let pairs = try await scene.objects("backends").map { "\($0["frontend"] ?? "") \($0["backend"] ?? "")" }
      #expect(
        Set(pairs)
          == Set((1...6).map { "10.97.0.\($0):8080/TCP 10.98.0.\($0):8080" } + ["10.96.0.7:8080/TCP 127.0.0.1:8080"]))
    }
  }

  @Test func `an apply that cannot attach leaves what is served as it is`() async throws {
    try await ServiceScene.with { scene in
      try await scene.apply("7\t10.96.0.7\ttcp\t8080\t127.0.0.1:8080\n")
      let file = scene.folder.appending("other.tsv")
      try "8\t10.96.0.8\ttcp\t8080\t\n".write(toFile: file.string, atomically: true, encoding: .utf8)
      for (cgroup, status) in [("/no-such-cgroup", 69), ("/tmp", 71)] as [(String, Int32)] {
        let outcome = try await Program("svclb").run(
          ["apply", "--pin", scene.pins.string, "--manifests", file.string, "--cgroup", cgroup])
        #expect(outcome.status == status && outcome.errors.contains(cgroup), "\(outcome.errors)")
        #expect(try await scene.objects("list").compactMap { $0["frontend"] as? String } == ["10.96.0.7:8080/TCP"])
      }
    }
  }

  @Test func `a connected UDP socket whose endpoint is gone is ended`() async throws {
    try await ServiceScene.with { scene in
      try await scene.apply("7\t10.96.0.7\tudp\t8080\t127.0.0.1:8080\n8\t10.96.0.8\tudp\t8080\t127.0.0.1:8080\n")
      let sockets = try await inControlGroup(scene.cgroup) {
        try await scene.namespace.run {
          try [7, 8].map { try TestSocket.connected(to: IPv4Address(10, 96, 0, $0), port: 8080, SOCK_DGRAM) }
        }
      }
      // In the namespace of the sockets, which has no other process.
      let outcome = try await Program("svclb").run(
        ["remove", "--pin", scene.pins.string, "--frontend", "10.96.0.7:8080/UDP"],
        wrapper: ["nsenter", "--net=\(scene.namespacePath)"])
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(sockets.map(\.failure) == [Errno(rawValue: ECONNABORTED), nil])
    }
  }

  @Test func `maps are made large enough for Maglev tables`() async throws {
    try await ServiceScene.with { scene in
      // 70 tables of 16,381 places are more than the maps have by default.
      let services = (0..<70).map { number in
        """
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: web-\(number), annotations: {terwaykit.io/load-balancing: maglev}}
        spec: {clusterIP: 10.96.1.\(number), ports: [{port: 80}]}
        ---
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: {name: web-\(number)-1, labels: {kubernetes.io/service-name: web-\(number)}}
        addressType: IPv4
        ports: [{port: 80}]
        endpoints: [{addresses: [10.0.0.5]}, {addresses: [10.0.0.6]}]
        """
      }
      let file = scene.folder.appending("maglev.yaml")
      try services.joined(separator: "\n").write(toFile: file.string, atomically: true, encoding: .utf8)
      try await scene.svclb("apply", "--manifests", file.string)
      #expect(try await scene.objects("list").count == 70)
    }
  }

  @Test func `names that are too long for their map do not get into each other's way`() async throws {
    try await ServiceScene.with { scene in
      let pod = (0..<3).map { String(repeating: "p\($0)", count: 31) }.joined(separator: ".")
      let file = scene.folder.appending("pod.yaml")
      try """
      apiVersion: v1
      kind: Node
      metadata: {name: here}
      status: {addresses: [{type: InternalIP, address: 10.0.0.5}]}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: \(pod)}
      spec:
        nodeName: here
        containers: [{name: web, image: web, ports: [{containerPort: 80, hostPort: 81}, {containerPort: 90, hostPort: 91}]}]
      status: {phase: Running, podIP: 10.0.0.6, podIPs: [{ip: 10.0.0.6}]}
      """.write(toFile: file.string, atomically: true, encoding: .utf8)
      try await scene.svclb("apply", "--manifests", file.string, "--node", "here")
      try await scene.svclb("add", "--frontend", "10.96.0.5:80")
      #expect(try await scene.objects("list").count == 3)
    }
  }

  @Test func `a command without privileges is 77, and says so`() async throws {
    try await ServiceScene.with { scene in
      try await scene.apply("7\t10.96.0.7\ttcp\t8080\t127.0.0.1:8080\n")
      let outcome = try await Program("svclb").run(
        ["list", "--pin", scene.pins.string], wrapper: ["setpriv", "--reuid=65534", "--clear-groups"])
      #expect(outcome.status == 77 && outcome.errors.contains("root"), "\(outcome.errors)")
    }
  }
}

/// A bpf file system, a cgroup and a network namespace of a test's own.
struct ServiceScene {
  let folder: FilePath
  let pins: FilePath
  let cgroup: FilePath
  let namespace: NetworkNamespace

  /// Where another process finds the namespace.
  var namespacePath: String { "/proc/\(getpid())/fd/\(namespace.descriptor)" }

  static func with(_ body: (ServiceScene) async throws -> Void) async throws {
    try await withPinFolder { folder, pins in
      try await withControlGroup { cgroup in
        try await withScratchNamespace { namespace in
          // EndpointSlices have no loopback addresses.
          try await NetlinkSocket(in: namespace).addresses.add(
            InterfaceAddress(index: .loopback, address: .v4(IPv4Address(10, 0, 0, 5)), prefixLength: 32))
          try await body(
            ServiceScene(folder: folder, pins: pins, cgroup: cgroup, namespace: namespace))
        }
      }
    }
  }

  /// Runs `svclb` on the scene's pins, which must succeed.
  @discardableResult
  func svclb(_ arguments: String...) async throws -> String { try await svclb(arguments) }

  private func svclb(_ arguments: [String]) async throws -> String {
    let outcome = try await Program("svclb").run(arguments + ["--pin", pins.string])
    #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
    return outcome.output
  }

  @discardableResult
  func apply(_ list: String) async throws -> String {
    let file = folder.appending("list.tsv")
    try list.write(toFile: file.string, atomically: true, encoding: .utf8)
    return try await svclb("apply", "--manifests", file.string, "--cgroup", cgroup.string)
  }

  /// What a command prints as JSON.
  func objects(_ arguments: String...) async throws -> [[String: Any]] {
    let text = try await svclb(arguments + ["--output", "json"])
    return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
  }

  func object(_ arguments: String...) async throws -> [String: Any] {
    let text = try await svclb(arguments + ["--output", "json"])
    return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  /// Whether a socket of the cgroup gets a connection to port 8080 of an address, which the namespace itself serves.
  func reaches(_ address: String) async throws -> Bool {
    let address = try #require(IPv4Address(address))
    return try await inControlGroup(cgroup) {
      try await Traffic.tcp(from: namespace, to: namespace, at: address, port: 8080) != nil
    }
  }
}

/// A TCP socket that stays open.
private final class TestSocket: Sendable {
  let descriptor: CInt

  private init(_ type: __socket_type = SOCK_STREAM) throws {
    descriptor = socket(AF_INET, CInt(type.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw Errno(rawValue: errno) }
  }

  /// What the kernel says of it; nil: nothing.
  var failure: Errno? {
    var number: CInt = 0
    var size = socklen_t(MemoryLayout<CInt>.size)
    guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &number, &size) == 0 else {
      return Errno(rawValue: errno)
    }
    return number == 0 ? nil : Errno(rawValue: number)
  }

  deinit { close(descriptor) }

  static func listening(at port: UInt16) throws -> TestSocket {
    let socket = try TestSocket()
    guard
      unsafe withSocketAddress(.v4(IPv4Address(rawValue: 0)), port, { unsafe bind(socket.descriptor, $0, $1) }) == 0,
      listen(socket.descriptor, 4) == 0
    else { throw Errno(rawValue: errno) }
    return socket
  }

  static func connected(
    to address: IPv4Address, port: UInt16, _ type: __socket_type = SOCK_STREAM
  ) throws -> TestSocket {
    let socket = try TestSocket(type)
    guard unsafe withSocketAddress(.v4(address), port, { unsafe connect(socket.descriptor, $0, $1) }) == 0 else {
      throw Errno(rawValue: errno)
    }
    return socket
  }
}
