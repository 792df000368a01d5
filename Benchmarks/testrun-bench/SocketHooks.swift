// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import ExampleSupport
import Glibc
import LinuxSystem
import NetworkTypes
import SystemPackage

/// The programs at sockets, with tables that hold so many services.
///
/// No kernel can test-run them. They are attached to a control group that this process is in, met by sockets (UDP, unless a
/// line says tcp), and timed by the kernel, whose reading of the clock is in each figure: `sockets.null` is a UDP-Lite socket,
/// which the program lets go at once.
final class SocketHooks {
  private static let port: UInt16 = 8080
  private let count: UInt32
  private let maps: ServiceMaps
  private let programs: SocketPrograms
  private let server: CInt

  init(services: UInt32) throws {
    count = services
    maps = try ServiceMaps.load(
      limits: ServiceMapLimits(
        frontends: services * 2 + 1, vips: services * 2 + 2, services: services * 2 + 2, slots: services * 4 + 4,
        backends: services * 2 + 2))
    programs = try SocketPrograms.load(using: maps)
    // What is sent here is dropped by the kernel once the buffer is full.
    server = socket(AF_INET, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = Self.address(0x7f00_0001, Self.port)
    guard unsafe Self.call(&address, { unsafe Glibc.bind(server, $0, $1) }) == 0 else {
      throw ExampleError("port \(Self.port) of 127.0.0.1 is taken: free it, or run elsewhere")
    }
    try fill()
  }

  deinit { close(server) }

  /// Service `i` of each family has one backend of its own record: this machine's port 8080.
  private func fill() throws {
    let loopback: [ip_address] = [
      ip_address(IPv4Address(127, 0, 0, 1)), ip_address(IPv6Address(high: 0, low: 1)),
    ]
    let port = Self.port.bigEndian
    for index in 1...count * 2 {
      let isSix = index > count
      maps.backends[index] = backend(
        address: loopback[isSix ? 1 : 0], port: port, protocol: 17, state: UInt8(BACKEND_ACTIVE), service: index,
        epoch: 1, load: 0)
      maps.slots[index] = slot_pair(backend: (index, index))
      let extent = slot_extent(value: UInt64(index) * 2 | 2 << EXTENT_COUNT_SHIFT)
      maps.services[index] = service(cluster: extent, local: extent)
    }
    func word(_ index: UInt32) -> frontend_word {
      frontend_word(value: UInt64(index) | UInt64(index) << FRONTEND_VIP_SHIFT | 1 << FRONTEND_EPOCH_SHIFT)
    }
    for number: UInt8 in [6, 17] {
      try maps.frontends4.update(
        (1...count).map { index in
          (
            frontend_key4(
              address: (0x0a60_0000 + index).bigEndian, port: UInt16(53).bigEndian, protocol: number, padding: 0),
            word(index)
          )
        })
    }
    try maps.frontends6.update(
      (1...count).map { index in
        (
          frontend_key6(
            address: ip_address(IPv6Address(high: 0xfd96 << 48, low: UInt64(index))), port: UInt16(53).bigEndian,
            protocol: 17, padding: 0), word(count + index)
        )
      })
  }

  /// Prints a line for each hook and path.
  ///
  /// The process is in a group of its own meanwhile.
  func measure(batches: Int) throws {
    guard let root = try MountTable.current().path(ofType: "cgroup2") else {
      throw ExampleError("no cgroup2 file system is mounted: mount -t cgroup2 none /sys/fs/cgroup")
    }
    let home = try FileSystem.text(of: "/proc/self/cgroup").split(separator: "\n").first { $0.hasPrefix("0::") }
      .map { String($0.dropFirst(4)) }
    let group = root.appending("testrun-bench-\(getpid())")
    guard unsafe mkdir(group.string, 0o755) == 0 else { throw ExampleError("cannot make control group \(group)") }
    defer { _ = unsafe rmdir(group.string) }
    let attachments = try Attached(programs, to: group)
    try Self.move(to: group)
    defer { try? Self.move(to: root.pushing(FilePath(home ?? ""))) }
    try measureAll(batches)
    _ = attachments
  }

  private func measureAll(_ batches: Int) throws {
    var turn: UInt32 = 0
    func next() -> UInt32 {
      turn = (turn &+ 7919) % count
      return turn + 1
    }
    func service4() -> sockaddr_storage { Self.address(0x0a60_0000 + next(), 53) }
    func service6() -> sockaddr_storage { Self.address6(0xfd96 << 48, UInt64(next()), 53) }
    let plain4 = Self.address(0x7f00_0001, Self.port)
    let plain6 = Self.address6(0, 1, Self.port)

    let other = socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 136)
    defer { close(other) }
    try line("sockets.null", .sendmsg4, batches) { Self.send(other, plain4) }
    let name = "sockets.\(count)"
    try line("\(name).connect4.miss", .connect4, batches) { Self.connect(AF_INET, 0, plain4) }
    try line("\(name).connect4.hit", .connect4, batches) { Self.connect(AF_INET, 0, service4()) }
    try line("\(name).connect6.miss", .connect6, batches) { Self.connect(AF_INET6, 0, plain6) }
    try line("\(name).connect6.hit", .connect6, batches) { Self.connect(AF_INET6, 0, service6()) }
    try line("\(name).connect4.tcp.miss", .connect4, batches) { Self.connect(AF_INET, 6, plain4) }
    try line("\(name).connect4.tcp.hit", .connect4, batches) { Self.connect(AF_INET, 6, service4()) }
    try line("\(name).release.tcp.miss", .socketRelease, batches) { Self.connect(AF_INET, 6, plain4) }
    try line("\(name).release.tcp.hit", .socketRelease, batches) { Self.connect(AF_INET, 6, service4()) }

    let again = socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
    defer { close(again) }
    try line("\(name).connect4.again", .connect4, batches) {
      var address = service4()
      _ = unsafe Self.call(&address) { unsafe Glibc.connect(again, $0, $1) }
    }
    let sender = socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
    defer { close(sender) }
    let one = Self.address(0x0a60_0001, 53)
    try line("\(name).sendmsg4.hit", .sendmsg4, batches) { Self.send(sender, one) }
    try line("\(name).sendmsg4.miss", .sendmsg4, batches) { Self.send(sender, plain4) }
  }

  /// Batches of a thousand, by what the kernel says of the program before and after.
  private func line(_ op: String, _ hook: CgroupHook, _ batches: Int, _ body: () -> Void) throws {
    let program = try programs.program(for: hook)
    let counting = try BPFRunTimeCounting()
    for _ in 0..<1000 { body() }
    var times: [Double] = []
    let processor = Line.processorTime()
    for _ in 0..<batches {
      let before = try program.info()
      for _ in 0..<1000 { body() }
      let after = try program.info()
      guard after.runCount > before.runCount else { throw ExampleError("\(op): the program did not run") }
      times.append(Double(after.runTime - before.runTime) / Double(after.runCount - before.runCount))
    }
    _ = counting
    let calls = batches * 1000
    times.sort()
    let median = times[batches / 2]
    Line(
      op: op, value: median, minimum: times[0], percentile95: times[batches * 95 / 100],
      mean: times.reduce(0, +) / Double(batches), kernel: UInt32(median), count: calls,
      cpu: (Line.processorTime() - processor) / Double(calls), allocations: 0
    ).print()
  }

  private static func move(to group: FilePath) throws {
    let file = try OwnedFileDescriptor.open(group.appending("cgroup.procs"), flags: O_WRONLY)
    let text = Array("\(getpid())".utf8)
    guard unsafe write(file.rawValue, text, text.count) == text.count else {
      throw ExampleError("cannot move this process to control group \(group)")
    }
  }

  /// Without waiting, to where nobody listens.
  private static func connect(_ family: CInt, _ number: CInt, _ address: sockaddr_storage) {
    let type = number == 6 ? SOCK_STREAM.rawValue : SOCK_DGRAM.rawValue
    let descriptor = socket(family, CInt(type | SOCK_NONBLOCK.rawValue), number)
    var address = address
    _ = unsafe call(&address) { unsafe Glibc.connect(descriptor, $0, $1) }
    close(descriptor)
  }

  private static func send(_ descriptor: CInt, _ address: sockaddr_storage) {
    var address = address
    var byte: UInt8 = 0
    _ = unsafe call(&address) {
      unsafe CInt(truncatingIfNeeded: sendto(descriptor, &byte, 1, CInt(MSG_DONTWAIT), $0, $1))
    }
  }

  private static func call(
    _ address: inout sockaddr_storage, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
  ) -> CInt {
    unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
      }
    }
  }

  private static func address(_ host: UInt32, _ port: UInt16) -> sockaddr_storage {
    var raw = sockaddr_in()
    raw.sin_family = sa_family_t(AF_INET)
    raw.sin_addr.s_addr = host.bigEndian
    raw.sin_port = port.bigEndian
    var storage = sockaddr_storage()
    unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.storeBytes(of: raw, as: sockaddr_in.self) }
    return storage
  }

  private static func address6(_ high: UInt64, _ low: UInt64, _ port: UInt16) -> sockaddr_storage {
    var raw = sockaddr_in6()
    raw.sin6_family = sa_family_t(AF_INET6)
    raw.sin6_port = port.bigEndian
    unsafe withUnsafeMutableBytes(of: &raw.sin6_addr) {
      unsafe $0.storeBytes(of: high.bigEndian, as: UInt64.self)
      unsafe $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
    var storage = sockaddr_storage()
    unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.storeBytes(of: raw, as: sockaddr_in6.self) }
    return storage
  }
}

/// The programs at a group's hooks, as long as this value lives.
private struct Attached: ~Copyable {
  private let release: Attachment
  private let connect4: Attachment
  private let connect6: Attachment
  private let sendmsg4: Attachment

  init(_ programs: borrowing SocketPrograms, to group: FilePath) throws {
    release = try programs.program(for: .socketRelease).attach(toCgroup: group, as: .socketRelease)
    connect4 = try programs.program(for: .connect4).attach(toCgroup: group, as: .connect4)
    connect6 = try programs.program(for: .connect6).attach(toCgroup: group, as: .connect6)
    sendmsg4 = try programs.program(for: .sendmsg4).attach(toCgroup: group, as: .sendmsg4)
  }
}
