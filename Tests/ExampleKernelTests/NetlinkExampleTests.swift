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
      "route add 10.11.0.0/16 nexthop via 10.1.0.7 weight 3 nexthop via inet6 fe80::9 dev v0 weight 256 onlink",
      "-6 route add fd11::/64 table 1002 nexthop via fe80::1 dev v0 weight 2 nexthop via fe80::2 dev v1",
      "route add 10.12.0.0/16 dev v0 mtu 1300 advmss 1200 window 1000 rtt 100ms rttvar 50ms hoplimit 7 initcwnd 11 "
        + "initrwnd 12 quickack 1 congctl reno features ecn rto_min 5ms reordering 8",
      "route add 10.13.0.0/16 via 10.1.0.7 tos 0x10 realms 1/2", "nexthop add id 5 via 10.1.0.7 dev v0",
      "route add 10.14.0.0/16 nhid 5", "-6 route add fd12::/64 from fd00::/64 dev v0 pref high",
      "-6 route add fd13::/64 dev v0 expires 100000 mtu 1300",
      "rule add pref 300 iif v0 oif nolink uidrange 1-5 ipproto tcp sport 1-2 dport 80 tos 0x10 lookup 300 realms 3/4 "
        + "suppress_ifgroup 5 protocol 77",
      "rule add pref 301 l3mdev", "rule add pref 302 goto 400", "rule add pref 303 nop",
      "rule add pref 304 prohibit from 1.2.3.4", "rule add pref 305 tun_id 9 lookup 5",
      "rule add pref 306 fwmark 0/0xff lookup 5", "-6 rule add pref 307 ipproto ipv6-icmp dport 53-60 lookup 5",
      "addr add 10.1.0.5/24 dev v0 valid_lft 100000 preferred_lft 50000 noprefixroute metric 7",
      "addr add fd00::5/64 dev v0 valid_lft forever preferred_lft 0 nodad home mngtmpaddr metric 9",
      "addr add 239.1.1.1/24 dev v0 autojoin",
      "neigh add fd00::9 dev v0 lladdr 02:00:00:00:00:02 nud noarp router "
        + "extern_learn protocol 77", "neigh add 10.1.0.8 dev v0 managed",
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
    if let list = value as? [Any] { return "[" + (try list.map(text).joined(separator: "; ")) + "]" }
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
          "nodad", "noprefixroute", "optimistic", "dadfailed", "home", "deprecated", "dynamic", "mngtmpaddr",
          "autojoin",
          "metric", "valid_life_time", "preferred_life_time",
        ])
      let route: Set = [
        "type", "dst", "gateway", "via", "dev", "table", "protocol", "scope", "prefsrc", "metric", "from", "tos",
        "nhid",
        "flags", "flow", "metrics", "expires", "pref", "nexthops",
      ]
      for family in ["4", "6"] {
        try await compare(
          ["routes", "--namespace", name, "--table", "all", "--family", family],
          ["-n", name, "-\(family)", "-j", "-d", "route", "show", "table", "all"], known: route)
      }
      let rule: Set = [
        "priority", "not", "src", "srclen", "dst", "dstlen", "tos", "fwmark", "fwmask", "iif", "iif_detached", "oif",
        "oif_detached", "l3mdev", "uid_start", "uid_end", "ipproto", "sport", "sport_start", "sport_end", "dport",
        "dport_start", "dport_end", "tun_id", "table", "suppress_prefixlen", "suppress_ifgroup", "flow_from", "flow_to",
        "goto", "unresolved", "nop", "action", "protocol",
      ]
      for family in ["4", "6"] {
        try await compare(
          ["rules", "--namespace", name, "--family", family], ["-n", name, "-\(family)", "-j", "-d", "rule"],
          known: rule)
      }
      // `ip` leaves out what the kernel needs no asking for.
      try await compare(
        ["neighbours", "--namespace", name], ["-n", name, "-j", "-d", "neigh", "show", "nud", "all"],
        known: ["dst", "dev", "lladdr", "state", "protocol", "router", "managed", "extern_learn", "offload", "proxy"])
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
