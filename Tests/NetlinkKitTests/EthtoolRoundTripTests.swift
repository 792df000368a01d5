// SPDX-License-Identifier: Apache-2.0

import NetlinkTesting
import NetworkTypes
import Testing

@testable import NetlinkKit

@Suite("Captured generic netlink messages")
struct EthtoolRoundTripTests {
  private func read<Value>(_ name: String, _ body: (Message, RawSpan) throws -> Value?) throws -> Value {
    let fixture = try Fixture(name)
    let span = unsafe fixture.bytes.span.bytes
    var cursor = MessageCursor()
    let message = try #require(try cursor.next(in: span))
    return try #require(try body(message, span))
  }

  @Test func `every byte of a family comes back`() throws {
    try Fixture("genl-reply-ethtool").expectRoundTrip(headerSize: 4) { message, span, writer in
      try #require(try GenericFamily(message, in: span)).encodeReply(into: writer)
    }
    let family = try read("genl-reply-ethtool") { try GenericFamily($0, in: $1) }
    #expect(family.name == "ethtool")
    #expect(family.version == 1)
    #expect(family.group(named: "monitor") != nil)
    #expect(family.group(named: "nothing") == nil)
    // ETHTOOL_MSG_FEATURES_SET
    let set = try #require(family.operations.first { $0.id == 12 })
    #expect(set.flags.contains(.needsNamespaceAdministrator))
    #expect(!set.flags.contains(.canDump))
  }

  /// Reads an answer and writes it again.
  private func roundTrip<Reply: EthtoolReply>(
    _ name: String, _ type: Reply.Type, _ again: (Reply, MessageWriter) -> Void
  ) throws {
    try Fixture(name).expectRoundTrip(headerSize: 4) { message, span, writer in
      let reply = try #require(try Reply(message, in: span))
      // The generic header, which says which answer it is.
      writer.put(header: try span.load(UInt32.self, at: message.payload.lowerBound))
      again(reply, writer)
    }
  }

  @Test func `every byte of an answer comes back`() throws {
    try roundTrip("ethtool-reply-features", OffloadFeatures.self) { $0.encodeReply(into: $1) }
    try roundTrip("ethtool-reply-linkinfo", LinkInformation.self) { $0.encodeReply(into: $1) }
    try roundTrip("ethtool-reply-linkmodes", LinkModes.self) { $0.encodeReply(into: $1) }
    try roundTrip("ethtool-reply-linkstate", LinkStateInformation.self) { $0.encodeReply(into: $1) }
    try roundTrip("ethtool-reply-channels", DeviceChannels.self) { $0.encodeReply(into: $1) }
    try roundTrip("ethtool-reply-coalesce", DeviceCoalescing.self) { $0.encodeReply(into: $1) }
  }

  @Test func `bits in words and bits by name are the same features`() throws {
    var words: OffloadFeatures = try read("ethtool-reply-features") { try OffloadFeatures($0, in: $1) }
    var names: OffloadFeatures = try read("ethtool-reply-features-names") { try OffloadFeatures($0, in: $1) }
    let strings = try read("ethtool-reply-strings") { try EthtoolStrings($0, in: $1) }
    words.names = try #require(strings.sets[EthtoolStringSet.features.rawValue])
    names.names = words.names
    #expect(words.hardware == names.hardware)
    #expect(words.allActive == names.allActive)
    #expect(words.allWanted == names.allWanted)
    #expect(words.allChangeable == names.allChangeable)
    #expect(words.allActive.contains(.genericSegmentation))
    #expect(words.allChangeable.contains(.udpTunnelSegmentation))
    #expect(words[.receiveVLANFilter] == .init(isActive: false, isWanted: false, isChangeable: false))
    #expect(words[.highMemory]?.isActive == true)
    #expect(words["no-such-feature"] == nil)
    #expect(words.all.count > 50)
  }

  @Test func `a veth says its speed, plug, carrier and channels`() throws {
    var modes: LinkModes = try read("ethtool-reply-linkmodes") { try LinkModes($0, in: $1) }
    modes.names = ["a", "b"]
    #expect(modes.speed == 10_000)
    #expect(modes.duplex == .full)
    #expect(modes.isAutonegotiating == false)
    #expect(modes.supported == [])
    #expect(modes.advertisedByPeer == nil)
    let information: LinkInformation = try read("ethtool-reply-linkinfo") { try LinkInformation($0, in: $1) }
    #expect(information.port == .twistedPair)
    let state: LinkStateInformation = try read("ethtool-reply-linkstate") { try LinkStateInformation($0, in: $1) }
    #expect(state.hasCarrier == true)
    let channels: DeviceChannels = try read("ethtool-reply-channels") { try DeviceChannels($0, in: $1) }
    #expect(channels.maximumReceive == 4)
    #expect(channels.receive == 4)
    #expect(channels.combined == nil)
    let coalescing: DeviceCoalescing = try read("ethtool-reply-coalesce") { try DeviceCoalescing($0, in: $1) }
    #expect(coalescing.receiveFrames == 7)
    #expect(coalescing.transmitFrames == nil)
  }

  /// Writes our request where `ethtool` sent its own.
  private func expect(_ request: some NetlinkRequest, like name: String) throws {
    try Fixture(name).expectRoundTrip(headerSize: 4) { message, _, writer in
      #expect(Int(message.type) == request.type)
      request.encode(into: writer)
    }
  }

  @Test func `requests are what ethtool sends for the same thing`() throws {
    let bytes = try Fixture("ethtool-request-features").bytes
    let family = UInt16(bytes[4]) | UInt16(bytes[5]) << 8
    let device = EthtoolDevice.name("v0")
    try expect(GetEthtool<OffloadFeatures>(family: family, device: device), like: "ethtool-request-features")
    try expect(GetEthtoolStrings(family: family, set: .features), like: "ethtool-request-strings")
    try expect(
      SetEthtool(family: family, device: device, settings: DeviceChannels(receive: 2, transmit: 3)),
      like: "ethtool-request-channels")
    try expect(
      SetEthtool(family: family, device: .name("t0"), settings: DeviceCoalescing(receiveFrames: 9)),
      like: "ethtool-request-coalesce")
    try expect(
      SetOffloadFeatures(
        family: family, device: device,
        changes: [(feature: .genericReceive, isOn: true), (feature: .udpTunnelSegmentation, isOn: false)]),
      like: "ethtool-request-setfeatures")
    try expect(FindFamilies(familyName: "ethtool"), like: "genl-request-ethtool")
  }

  @Test(arguments: [
    "genl-reply-ethtool", "ethtool-reply-features", "ethtool-reply-features-names", "ethtool-reply-strings",
    "ethtool-reply-linkmodes", "ethtool-reply-channels",
  ]) func `any cut and any flipped bit gives a value or an error`(name: String) throws {
    let whole = try Fixture(name).bytes
    var outcomes: Set<Bool> = []
    func attempt(_ bytes: [UInt8]) {
      let span = unsafe bytes.span.bytes
      var cursor = MessageCursor()
      do throws(WireError) {
        while let message = try cursor.next(in: span) {
          _ = try GenericFamily(message, in: span)
          _ = try OffloadFeatures(message, in: span)?.allActive
          _ = try EthtoolStrings(message, in: span)
          _ = try LinkModes(message, in: span)?.supported
          _ = try DeviceChannels(message, in: span)
        }
        outcomes.insert(true)
      } catch { outcomes.insert(false) }
    }
    let step = max(1, whole.count / 700)
    for length in stride(from: 0, to: whole.count, by: step) { attempt(Array(whole.prefix(length))) }
    for place in stride(from: 0, to: whole.count, by: step) {
      var bytes = whole
      bytes[place] ^= 1 << (place % 8)
      attempt(bytes)
      bytes[place] = 0xff
      attempt(bytes)
    }
    #expect(outcomes == [true, false])
  }
}

@Suite("Bit sets of ethtool")
struct EthtoolBitsetTests {
  private func bitset(_ payload: [UInt8]) throws -> EthtoolBitset {
    let bytes = Bytes.attribute(2, payload)
    let span = unsafe bytes.span.bytes
    var cursor = AttributeCursor(0..<bytes.count)
    let attribute = try #require(try cursor.next(in: span))
    return try EthtoolBitset(attribute, in: span)
  }

  private func bit(_ place: UInt32, isSet: Bool) -> [UInt8] {
    Bytes.attribute(1, Bytes.attribute(1, Bytes.of(place)) + (isSet ? Bytes.attribute(3, []) : []))
  }

  @Test func `a set in words has values and a mask`() throws {
    let set = try bitset(
      Bytes.attribute(2, Bytes.of(UInt32(40))) + Bytes.attribute(4, Bytes.of(UInt32(5)) + Bytes.of(UInt32(1)))
        + Bytes.attribute(5, Bytes.of(UInt32(7)) + Bytes.of(UInt32(1))))
    #expect((0..<40).filter { set[$0] } == [0, 2, 32])
    #expect((0..<40).filter { set.counts($0) } == [0, 1, 2, 32])
    #expect(!set[4000])
  }

  @Test func `a set bit by bit has values and a mask, or only those that are set`() throws {
    let masked = try bitset(
      Bytes.attribute(2, Bytes.of(UInt32(40)))
        + Bytes.attribute(3, bit(0, isSet: true) + bit(1, isSet: false) + bit(33, isSet: true)))
    #expect((0..<40).filter { masked[$0] } == [0, 33])
    #expect((0..<40).filter { masked.counts($0) } == [0, 1, 33])
    let list = try bitset(
      Bytes.attribute(1, []) + Bytes.attribute(2, Bytes.of(UInt32(40)))
        + Bytes.attribute(3, bit(0, isSet: false) + bit(39, isSet: false)))
    #expect((0..<40).filter { list[$0] } == [0, 39])
    #expect((0..<41).filter { list.counts($0) } == Array(0..<40))
  }

  @Test func `a set that is too large, or a bit outside of it, is an error`() throws {
    #expect(throws: WireError.self) { try bitset(Bytes.attribute(2, Bytes.of(UInt32.max))) }
    #expect(throws: WireError.self) {
      try bitset(Bytes.attribute(2, Bytes.of(UInt32(8))) + Bytes.attribute(4, [1, 2, 3]))
    }
    #expect(throws: WireError.self) {
      try bitset(Bytes.attribute(2, Bytes.of(UInt32(8))) + Bytes.attribute(3, bit(8, isSet: true)))
    }
    #expect(throws: WireError.self) {
      try bitset(Bytes.attribute(2, Bytes.of(UInt32(8))) + Bytes.attribute(4, [UInt8](repeating: 0, count: 4096)))
    }
    // A list of texts is bounded alike.
    let string = Bytes.attribute(1, Bytes.attribute(1, Bytes.of(UInt32.max)) + Bytes.attribute(2, [65, 0]))
    let strings = Bytes.attribute(
      2, Bytes.attribute(1, Bytes.attribute(1, Bytes.of(UInt32(4))) + Bytes.attribute(3, string)))
    let bytes = Bytes.message(30, [1, 1, 0, 0] + strings, sequence: 1)
    let span = unsafe bytes.span.bytes
    var cursor = MessageCursor()
    let message = try #require(try cursor.next(in: span))
    #expect(throws: WireError.self) { try EthtoolStrings(message, in: span) }
  }
}

/// What the real kernel does not do on demand.
@Suite("Ethtool beside a fake kernel")
struct EthtoolFakeKernelTests {
  @Test func `a kernel without the family is named with what it lacks`() async throws {
    let kernel = scriptedKernel { _, sequence in [.datagram(Bytes.answer(2, sequence: sequence))] }
    let generic = GenericNetlinkSocket(over: kernel.socket)
    #expect(try await generic.family(named: "ethtool") == nil)
    let error = await #expect(throws: NetlinkError.self) { try await generic.ethtool.channels(of: .name("eth0")) }
    #expect(error?.code == .notSupported)
    #expect(error?.message.contains("CONFIG_ETHTOOL_NETLINK") == true)
  }

  @Test func `a family is asked for once, and only by a name that can be one`() async throws {
    let kernel = scriptedKernel { _, sequence in
      let attributes = Bytes.attribute(2, Array("some".utf8) + [0]) + Bytes.attribute(1, Bytes.of(UInt16(21)))
      return [
        .datagram(Bytes.message(16, [1, 2, 0, 0] + attributes, sequence: sequence)),
        .datagram(Bytes.answer(sequence: sequence)),
      ]
    }
    let generic = GenericNetlinkSocket(over: kernel.socket)
    for _ in 0..<3 { #expect(try await generic.family(named: "some")?.id == 21) }
    #expect(kernel.requests.count == 1)
    #expect(try await generic.family(named: "a-name-that-is-too-long") == nil)
    #expect(try await generic.family(named: "") == nil)
    #expect(kernel.requests.count == 1)
  }

  /// A device that says yes to every number of channels and keeps 2.
  @Test func `a setting that was not kept is an error that names both values`() async throws {
    let kernel = scriptedKernel { number, sequence in
      let answer = FakeKernel.Arrival.datagram(Bytes.answer(sequence: sequence))
      switch number {
      case 1:
        let attributes = Bytes.attribute(2, Array("ethtool".utf8) + [0]) + Bytes.attribute(1, Bytes.of(UInt16(21)))
        return [.datagram(Bytes.message(16, [1, 2, 0, 0] + attributes, sequence: sequence)), answer]
      case 2: return [answer]
      default:
        let attributes = Bytes.attribute(6, Bytes.of(UInt32(2))) + Bytes.attribute(7, Bytes.of(UInt32(2)))
        return [.datagram(Bytes.message(21, [18, 1, 0, 0] + attributes, sequence: sequence)), answer]
      }
    }
    let generic = GenericNetlinkSocket(over: kernel.socket)
    let error = await #expect(throws: NetlinkError.self) {
      try await generic.ethtool.setChannels(DeviceChannels(receive: 2, transmit: 3), of: .name("eth0"))
    }
    #expect(error?.code == .diverged)
    #expect(error?.reason == "the device did not do all: transmit is 2, not 3")
  }

  @Test func `a cancelled request says so`() async throws {
    let kernel = scriptedKernel { _, _ in [] }
    let generic = GenericNetlinkSocket(over: kernel.socket)
    let task = Task { try await generic.ethtool.features(of: .name("eth0")) }
    try await Task.sleep(for: .milliseconds(20))
    task.cancel()
    let error = await #expect(throws: NetlinkError.self) { try await task.value }
    #expect(error?.code == .cancelled)
  }

  @Test func `an answer that is none is an error`() async throws {
    let kernel = scriptedKernel { _, sequence in
      [.datagram(Bytes.message(16, [1], sequence: sequence)), .datagram(Bytes.answer(sequence: sequence))]
    }
    let generic = GenericNetlinkSocket(over: kernel.socket)
    let error = await #expect(throws: NetlinkError.self) { try await generic.family(named: "some") }
    #expect(error?.code == .malformedReply)
  }
}
