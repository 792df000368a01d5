// SPDX-License-Identifier: Apache-2.0

import Foundation
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("Settings of a namespace", .serialized, .requires(.root))
struct SettingsKernelTests {
  private func withSettings(_ body: (NetlinkSocket, NetworkSettings) async throws -> Void) async throws {
    try await withVeth { socket, _ in
      try await body(socket, NetworkSettings(of: try #require(Scratch.namespace)))
    }
  }

  /// What a file below `/proc/sys` says in the test's namespace.
  private func file(_ path: String) async throws -> String {
    let namespace = try #require(Scratch.namespace)
    return try await namespace.run { try String(contentsOfFile: "/proc/sys/\(path)", encoding: .utf8) }
  }

  /// Writes each of two values for the link, all links and new ones, and sees it with other eyes.
  private func exercise<Value: SettingValue>(
    _ setting: LinkSetting<Value>, _ values: Value..., settings: NetworkSettings
  ) async throws {
    for scope in [LinkSettingScope.link("v0"), .all, .default] {
      let folder = scope == .all ? "all" : scope == .default ? "default" : "v0"
      for value in values {
        try await settings.set(setting, of: scope, to: value)
        #expect(try await settings.value(of: setting, for: scope) == value, "\(setting.name) of \(scope)")
        let printed = try await file("net/\(setting.family)/conf/\(folder)/\(setting.name)")
        #expect(printed == value.settingText + "\n", "\(setting.name) of \(scope)")
      }
    }
  }

  @Test func `every switch of links is written and read`() async throws {
    try await withSettings { (socket, settings) async throws in
      let switches: [LinkSetting<Bool>] = [
        .ipv4Forwarding, .arpFilter, .arpNotify, .proxyARP, .acceptLocal, .routeLocalnet, .sendRedirects,
        .acceptRedirects, .logMartians, .sourceValidMark, .ipv6Forwarding, .proxyNDP, .disableIPv6,
        .ipv6AcceptRedirects, .autoconf,
      ]
      for setting in switches { try await exercise(setting, true, false, settings: settings) }
    }
  }

  @Test func `every other setting of links is written and read`() async throws {
    try await withSettings { (socket, settings) async throws in
      try await exercise(.reversePathFilter, .off, .strict, .loose, settings: settings)
      try await exercise(.arpIgnore, .otherLinks, .all, .none, settings: settings)
      try await exercise(.arpAnnounce, .preferTargetNetwork, .best, .any, settings: settings)
      try await exercise(
        .acceptRouterAdvertisements, .never, .always, .unlessForwarding, settings: settings)
      try await exercise(.duplicateAddressDetection, .off, .onOrDisable, .on, settings: settings)
      try await exercise(.ipv6AddressGeneration, .off, .eui64, settings: settings)
      try await exercise(.keepAddressesOnDown, .never, .always, .systemDefault, settings: settings)
    }
  }

  @Test func `every setting of a namespace is written and read`() async throws {
    try await withSettings { (socket, settings) async throws in
      func exercise<Value: SettingValue>(_ setting: NamespaceSetting<Value>, _ values: Value...) async throws {
        for value in values {
          try await settings.set(setting, to: value)
          #expect(try await settings.value(of: setting) == value, "\(setting.path)")
        }
        let printed = try await file(setting.path)
        #expect(Value(settingText: String(printed.dropLast())) == values.last)
      }
      let switches: [NamespaceSetting<Bool>] = [
        .ipForward, .ipv4NonlocalBind, .ipv6NonlocalBind, .bindIPv6Only, .tcpAcceptsMark, .ipv4ReflectsMark,
        .ipv6ReflectsMark, .ipEarlyDemux, .tcpEarlyDemux, .udpEarlyDemux,
      ]
      for setting in switches { try await exercise(setting, true, false) }
      // These depend on the kernel's configuration, and are nil where they are absent.
      for setting in [
        NamespaceSetting<Bool>.tcpAcceptsFromVRFs, .udpAcceptsFromVRFs, .rawAcceptsFromVRFs, .multipathNeedsNeighbour,
      ] {
        if try await settings.value(of: setting) != nil { try await exercise(setting, true, false) }
      }
      try await exercise(.localPorts, 40000...50000, 32768...60999)
      try await exercise(.unprivilegedPortStart, 0, 1024)
      try await exercise(.defaultTTL, 77, 64)
      try await exercise(.maximumListenBacklog, 100, 4096)
      try await exercise(.tcpKeepAliveTime, 100, 7200)
      try await exercise(.tcpKeepAliveInterval, 10, 75)
      try await exercise(.tcpKeepAliveProbes, 3, 9)
      try await exercise(.tcpMTUProbing, 1, 0)
      try await exercise(.ipv6MultipathHashPolicy, .connection, .addresses)
      if try await settings.value(of: .ipv4MultipathHashPolicy) != nil {
        try await exercise(.ipv4MultipathHashPolicy, .connection, .addresses)
      }
    }
  }

  @Test func `a setting changes in its namespace, and nowhere else`() async throws {
    try await withSettings { (_, settings) async throws in
      let outside = NetworkSettings(of: try await NetworkNamespace.makeAnonymous())
      try await settings.set(.defaultTTL, to: 77)
      #expect(try await outside.value(of: .defaultTTL) == 64)
    }
  }

  @Test func `a name with dots is a link's, and the names of the others are not`() async throws {
    try await withSettings { (socket, settings) async throws in
      try await socket.links.create(NewLink(name: "br.0.5", kind: .bridge))
      try await settings.set(.reversePathFilter, of: .link("br.0.5"), to: .loose)
      #expect(try await settings.value(of: .reversePathFilter, for: .link("br.0.5")) == .loose)
      #expect(try await settings.value(of: .reversePathFilter, for: .link("v0")) != .loose)
      for name in ["all", "default"] as [InterfaceName] {
        let read = await #expect(throws: NetlinkError.self) {
          try await settings.value(of: .ipv4Forwarding, for: .link(name))
        }
        #expect(read?.code == .invalidArgument)
        let written = await #expect(throws: NetlinkError.self) {
          try await settings.set(.ipv4Forwarding, of: .link(name), to: true)
        }
        #expect(written?.code == .invalidArgument)
        // The kernel makes no such link either.
        let made = await #expect(throws: NetlinkError.self) {
          try await socket.links.create(NewLink(name: name, kind: .bridge))
        }
        #expect(made?.code == .invalidArgument)
      }
      #expect(try await settings.value(of: .ipv4Forwarding, for: .all) == false)
    }
  }

  @Test func `an absent link is an error, an absent setting is nil`() async throws {
    try await withSettings { (socket, settings) async throws in
      let absent = await #expect(throws: NetlinkError.self) {
        try await settings.value(of: .reversePathFilter, for: .link("no-such"))
      }
      #expect(absent?.code == .notFound)
      let write = await #expect(throws: NetlinkError.self) {
        try await settings.set(.reversePathFilter, of: .link("no-such"), to: .off)
      }
      #expect(write?.code == .notFound)
      // A link whose packets are too small for IPv6 has no settings of it.
      let link = try #require(try await socket.links.link(named: "v0"))
      try await socket.links.change(link.index, LinkChanges(mtu: 1000))
      let tooSmall = await #expect(throws: NetlinkError.self) {
        try await settings.value(of: .disableIPv6, for: .link("v0"))
      }
      #expect(tooSmall?.code == .notFound)
      #expect(tooSmall?.reason.contains("MTU is too small for ipv6") == true)
      let invented = LinkSetting<Bool>(.ipv4, "no_such_setting")
      #expect(try await settings.value(of: invented, for: .link("v0")) == nil)
      #expect(try await settings.value(of: invented, for: .all) == nil)
      let unsupported = await #expect(throws: NetlinkError.self) {
        try await settings.set(invented, of: .link("v0"), to: true)
      }
      #expect(unsupported?.code == .notSupported)
      // The machine has it, this namespace has not.
      #expect(try await settings.value(of: NamespaceSetting<Bool>("net/core/bpf_jit_enable")) == nil)
      let elsewhere = await #expect(throws: NetlinkError.self) {
        try await settings.set(NamespaceSetting<Bool>("net/core/bpf_jit_enable"), to: true)
      }
      #expect(elsewhere?.code == .notSupported)
    }
  }

  @Test func `what the kernel refuses, and what it does not keep, are errors that name it`() async throws {
    try await withSettings { (_, settings) async throws in
      let refused = await #expect(throws: NetlinkError.self) { try await settings.set(.defaultTTL, to: 4711) }
      #expect(refused?.code == .invalidArgument)
      #expect(refused?.message.contains("net/ipv4/ip_default_ttl") == true)
      // Milliseconds that are no whole number of the kernel's ticks are rounded up, unless it has a thousand in a second.
      let time = NamespaceSetting<UInt32>("net/ipv4/neigh/v0/retrans_time_ms")
      do {
        try await settings.set(time, to: 1001)
        #expect(try await settings.value(of: time) == 1001)
      } catch let error as NetlinkError {
        #expect(error.code == .diverged)
        let kept = try #require(try await settings.value(of: time))
        #expect(error.message.contains("\"1001\""))
        #expect(error.message.contains("\"\(kept)\""))
      }
      let text = await #expect(throws: NetlinkError.self) {
        try await settings.value(of: NamespaceSetting<UInt32>("net/ipv4/tcp_congestion_control"))
      }
      #expect(text?.code == .malformedReply)
      let escape = await #expect(throws: NetlinkError.self) {
        try await settings.value(of: NamespaceSetting<UInt32>("net/../kernel/pid_max"))
      }
      #expect(escape?.code == .invalidArgument)
    }
  }

  @Test func `a setting that only the first namespace may write says so`() async throws {
    try await withSettings { (_, settings) async throws in
      // Read-only files stay so for root.
      guard try await settings.value(of: .conntrackCount) != nil else { return }
      let error = await #expect(throws: NetlinkError.self) { try await settings.set(.conntrackCount, to: 1) }
      #expect(error?.code == .permissionDenied)
    }
  }

  @Test func `the kernel filters sources as the rule for links and all says`() async throws {
    try await withSettings { (socket, settings) async throws in
      try await inNamespaceOf(
        socket,
        "ip address add 10.0.0.1/24 dev v0; ip route add default via 10.0.0.2 dev v0; ip link add br0 type bridge;",
        "ip address add 10.1.0.1/24 dev br0; ip link set br0 up")
      try await settings.set(.ipForward, to: true)
      /// Whether a packet from v0 is accepted that claims to come from behind br0.
      func accepts() async throws -> Bool {
        let answer = try await inNamespaceOf(
          socket, "ip route get 10.0.0.1 from 10.1.0.9 iif v0 2>&1 || true")
        return answer.contains("local")
      }
      for all in [ReversePathFilter.off, .strict, .loose] {
        for own in [ReversePathFilter.off, .strict, .loose] {
          try await settings.set(.reversePathFilter, of: .all, to: all)
          try await settings.set(.reversePathFilter, of: .link("v0"), to: own)
          let effective = try await settings.effectiveValue(of: .reversePathFilter, on: "v0")
          #expect(effective?.rawValue == max(all.rawValue, own.rawValue))
          #expect(try await accepts() == (effective != .strict), "all \(all.rawValue), link \(own.rawValue)")
        }
      }
    }
  }

  @Test func `switches combine as their rules say`() async throws {
    try await withSettings { (_, settings) async throws in
      func effective(_ setting: LinkSetting<Bool>, _ all: Bool, _ own: Bool) async throws -> Bool? {
        try await settings.set(setting, of: .all, to: all)
        try await settings.set(setting, of: .link("v0"), to: own)
        return try await settings.effectiveValue(of: setting, on: "v0")
      }
      for (all, own) in [(false, false), (false, true), (true, false), (true, true)] {
        #expect(try await effective(.proxyARP, all, own) == (all || own))
        #expect(try await effective(.autoconf, all, own) == own)
        try await settings.set(.ipv4Forwarding, of: .link("v0"), to: false)
        #expect(try await effective(.acceptRedirects, all, own) == (all || own))
        try await settings.set(.ipv4Forwarding, of: .link("v0"), to: true)
        #expect(try await effective(.acceptRedirects, all, own) == (all && own))
      }
    }
  }

  @Test func `writing forwarding for all writes every link`() async throws {
    try await withSettings { (_, settings) async throws in
      try await settings.set(.ipv4Forwarding, of: .all, to: true)
      #expect(try await settings.value(of: .ipv4Forwarding, for: .link("v0")) == true)
      #expect(try await settings.value(of: .ipForward) == true)
      #expect(try await settings.value(of: .acceptRedirects, for: .all) == false)
      try await settings.set(.ipv6Forwarding, of: .all, to: true)
      #expect(try await settings.value(of: .ipv6Forwarding, for: .link("v0")) == true)
      try await settings.set(.disableIPv6, of: .all, to: true)
      #expect(try await settings.value(of: .disableIPv6, for: .link("v0")) == true)
    }
  }
}
