// SPDX-License-Identifier: Apache-2.0

import ExampleTestSupport
import Foundation
import Glibc
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

/// What `netlink-show` and `netlink-watch` print, beside what `ip` prints of the same namespace.
@Suite("netlink-show and netlink-watch", .serialized, .requires(.root), .timeLimit(.minutes(4)))
struct NetlinkExampleTests {
  private let show = Program("netlink-show")
  private let watch = Program("netlink-watch")

  /// Runs `body` with a named namespace that holds one of everything, and its socket.
  private func withScene(_ body: (String, NetlinkSocket) async throws -> Void) async throws {
    let name = "twktest-show-\(getpid())"
    let namespace = try await NetworkNamespace.makeNamed(name)
    defer { try? NetworkNamespace.removeNamed(name) }
    for command in [
      "link set lo up", "link add br0 type bridge", "link add v0 type veth peer name v1", "link set v0 up",
      "link set v1 up master br0", "link set v0 alias scene mtu 1400", "addr add 10.1.0.1/24 brd + dev v0",
      "addr add 10.1.0.3/24 dev v0", "addr add 10.5.0.1 peer 10.5.0.2 dev v0", "addr add fd00::1/64 dev v0 nodad",
      "route add default via 10.1.0.9", "route add 10.3.0.7 via 10.1.0.7 metric 5 proto static src 10.1.0.3",
      "route add 10.6.0.0/16 via inet6 fe80::9 dev v0", "route add blackhole 10.4.0.0/16 table 300 proto 77",
      "-6 route add default via fe80::1 dev v0 table 1001",
      "rule add from 10.0.0.0/8 to 10.1.1.1 iif lo fwmark 0x10/0xff table 300 pref 100",
      "rule add pref 200 not from 1.2.3.4 lookup main suppress_prefixlength 0",
      "neigh add 10.1.0.7 lladdr 02:00:00:00:00:01 dev v0", "neigh add proxy 10.1.0.99 dev v0",
    ] {
      let outcome = try await Program(path: "/sbin/ip").run(
        ["-n", name] + command.split(separator: " ").map(String.init))
      #expect(outcome.status == 0, "ip \(command): \(outcome.errors)")
    }
    try await body(name, try await NetlinkSocket(in: namespace))
  }

  private func rows(_ text: String) throws -> [[String: Any]] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
  }

  /// One row as text, so that rows can be compared; lists of flags in alphabetical order.
  private func text(_ value: Any) throws -> String {
    if let list = value as? [String] { return list.sorted().joined(separator: ",") }
    if let table = value as? [String: Any] {
      return try table.sorted { $0.key < $1.key }.map { "\($0.key)=\(try text($0.value))" }.joined(separator: " ")
    }
    return "\(value)"
  }

  /// Compares what both print, until the kernel has settled: IPv6 addresses and their routes take a moment.
  private func compare(_ ours: [String], _ theirs: [String], known: Set<String>) async throws {
    for attempt in 0... {
      let our = try await show.run(ours + ["--output", "json"])
      #expect(our.status == 0 && our.errors.isEmpty, "\(our.errors)")
      let their = try await Program(path: "/sbin/ip").run(theirs)
      var expected = try rows(their.output)
      if theirs.contains("addr") {
        expected = expected.flatMap { link in
          (link["addr_info"] as? [[String: Any]] ?? []).map { $0.merging(["dev": link["ifname"] ?? ""]) { $1 } }
        }
      }
      for index in expected.indices {
        // Only the kind of it: `ip` adds the kind's settings.
        guard let kind = (expected[index]["linkinfo"] as? [String: Any])?["info_kind"] else { continue }
        expected[index]["linkinfo"] = ["info_kind": kind]
      }
      let left = try rows(our.output).map(text)
      let right = try expected.map { try text($0.filter { known.contains($0.key) }) }
      if left.sorted() != right.sorted(), attempt < 25 {
        try await Task.sleep(for: .milliseconds(200))
        continue
      }
      #expect(left.sorted() == right.sorted())
      #expect(left.count > 1)
      return
    }
  }

  @Test func `every field is what ip prints`() async throws {
    try await withScene { name, _ in
      try await compare(
        ["links", "--namespace", name], ["-n", name, "-j", "-d", "link"],
        known: [
          "ifindex", "ifname", "link", "master", "flags", "mtu", "operstate", "address", "ifalias", "linkinfo",
        ])
      try await compare(
        ["addresses", "--namespace", name], ["-n", name, "-j", "addr"],
        known: [
          "dev", "family", "local", "address", "prefixlen", "broadcast", "scope", "label", "secondary", "tentative",
          "nodad", "noprefixroute",
        ])
      let route: Set = [
        "type", "dst", "gateway", "via", "dev", "table", "protocol", "scope", "prefsrc", "metric",
      ]
      for family in ["4", "6"] {
        try await compare(
          ["routes", "--namespace", name, "--table", "all", "--family", family],
          ["-n", name, "-\(family)", "-j", "-d", "route", "show", "table", "all"], known: route)
      }
      try await compare(
        ["rules", "--namespace", name, "--family", "4"], ["-n", name, "-j", "-d", "rule"],
        known: [
          "priority", "not", "src", "srclen", "dst", "dstlen", "iif", "oif", "fwmark", "fwmask", "table",
          "suppress_prefixlen", "protocol",
        ])
    }
  }

  @Test func `a table has a title, a rule and a row for each object`() async throws {
    try await withScene { name, _ in
      let outcome = try await show.run(["neighbours", "--namespace", name])
      #expect(outcome.status == 0)
      let lines = outcome.output.split(separator: "\n")
      #expect(lines.first?.hasPrefix("ADDRESS") == true)
      #expect(lines.contains { $0.hasPrefix("10.1.0.7") && $0.hasSuffix("PERMANENT") })
      let proxies = try await show.run(["neighbours", "--proxy", "--namespace", name])
      #expect(proxies.output.contains("10.1.0.99"))
      #expect(!proxies.output.contains("10.1.0.7 "))
    }
  }

  @Test(arguments: ["text", "json"])
  func `each change is a line, and an interrupt is a good end`(form: String) async throws {
    try await withScene { name, socket in
      let outcome = try await watch.serve(
        ["links", "routes", "--namespace", name, "--output", form], endWith: SIGINT
      ) { _ in
        try await Task.sleep(for: .milliseconds(500))
        let link = try #require(try await socket.links.link(named: "v0"))
        try await socket.links.change(link.index, LinkChanges(mtu: 1300))
        try await socket.routes.add(Route(destination: IPCIDR("10.77.0.0/16"), interface: link.index))
        try await socket.links.remove(link.index)
        try await Task.sleep(for: .milliseconds(500))
      }
      #expect(outcome.hasExited && outcome.status == 0, "\(outcome.errors)")
      let lines = outcome.output.split(separator: "\n").map(String.init)
      let synchronised = try #require(lines.firstIndex { $0.contains("synchronised") })
      #expect(lines[..<synchronised].contains { $0.contains("listed") && $0.contains("v0") })
      let later = lines[synchronised...].joined(separator: "\n")
      let words =
        form == "text"
        ? ["updated link", "mtu 1300", "updated route destination 10.77.0.0/16", "removed link"]
        : [#""mtu":1300"#, #""dst":"10.77.0.0/16""#, #""event":"removed","object":"link""#]
      for word in words { #expect(later.contains(word), "\(word)") }
      #expect(!outcome.output.contains("neighbour"))
    }
  }

  @Test func `it ends by itself after so many events`() async throws {
    let outcome = try await watch.run(["links", "--count", "1"])
    #expect(outcome.status == 0)
    #expect(outcome.output.split(separator: "\n").count == 1)
  }

  @Test(arguments: [
    (["links", "--namespace", "twktest-none"], 1, "twktest-none"), (["nothing"], 2, "nothing"),
    (["routes", "--table", "0"], 2, "--table \"0\""), (["routes", "--family", "5"], 2, "--family 5"),
    ([], 2, "object"),
  ])
  func `wrong usage and failures name the operand`(_ arguments: [String], _ status: Int32, _ word: String) async throws
  {
    let outcome = try await show.run(arguments)
    #expect(outcome.status == status)
    #expect(outcome.errors.contains(word), "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
  }

  @Test(arguments: ["netlink-show", "netlink-watch"])
  func `help says what it does and how it ends`(name: String) async throws {
    let outcome = try await Program(name).run(["--help"])
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("Exit status: 0"))
  }
}
