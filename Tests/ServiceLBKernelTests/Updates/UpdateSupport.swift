// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import DatapathPrograms
import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import ServiceLB
import SystemPackage

/// What tests of updates share.
enum Updates {
  /// Limits that take little memory.
  static let limits = ServiceLimits(
    frontends: 64, vips: 128, services: 64, slots: 1024, backends: 512, sourceRanges: 64, nodeAddresses: 8,
    exclusions: 16, affinities: 64, datagramPeers: 64)

  /// Lends a directory for pins, taken away afterwards.
  static func withPins(_ body: (FilePath) async throws -> Void) async throws {
    let root = try MountTable.current().path(ofType: "bpf") ?? "/sys/fs/bpf"
    try BPFFileSystem.ensureMounted(at: root)
    let directory = root.appending("terwaykit-updates-\(getpid())")
    func clean() throws {
      for name in try FileSystem.entries(of: directory) { try BPFFileSystem.removePin(at: directory.appending(name)) }
      unsafe rmdir(directory.string)
    }
    let result = await Result<Void, any Error> { try await body(directory) }
    try clean()
    try result.get()
  }

  /// Nanoseconds, the same in all processes.
  static func now() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  static func key(_ text: String) throws -> ServiceBackend.Key {
    guard let colon = text.lastIndex(of: ":"),
      let address = IPAddress(text[..<colon].filter { $0 != "[" && $0 != "]" }),
      let port = Int(text[text.index(after: colon)...]).flatMap({ Port($0) })
    else { throw Errno.invalidArgument }
    return ServiceBackend.Key(address: address, port: port)
  }

  static func entry(
    _ name: String, _ address: String, _ protocol: IPProtocol = .tcp, _ backends: [String]
  ) throws -> ServiceEntry {
    let frontend = try key(address)
    return ServiceEntry(
      name: ServicePortName(namespace: "default", service: name), family: frontend.address.family,
      frontends: [ServiceFrontend(address: frontend.address, port: frontend.port, protocol: `protocol`)],
      backends: try backends.map {
        let key = try key($0)
        return ServiceBackend(address: key.address, port: key.port)
      })
  }

  /// Endpoints on loopback, one for each bit of a mask.
  static func loopbackEntry(_ mask: UInt32, count: Int) throws -> ServiceEntry {
    try entry(
      "web", "10.96.0.1:80", .tcp, (0..<count).filter { mask & 1 << UInt32($0) != 0 }.map { "127.0.1.\($0 + 1):8080" })
  }
}

/// A plain socket; what it waits for comes within five seconds, or is an error.
final class PlainSocket {
  private let descriptor: CInt
  private let family: AddressFamily

  init(_ protocol: IPProtocol, _ family: AddressFamily = .ipv4) throws {
    self.family = family
    let type = `protocol` == .tcp ? SOCK_STREAM.rawValue : SOCK_DGRAM.rawValue
    descriptor = socket(CInt(family.rawValue), CInt(type | SOCK_CLOEXEC.rawValue), 0)
    if descriptor < 0 { throw Errno(rawValue: errno) }
    var limit = timeval(tv_sec: 5, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      unsafe setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
  }

  private init(taking descriptor: CInt) {
    self.descriptor = descriptor
    family = .ipv4
  }

  deinit { close(descriptor) }

  private func with(_ endpoint: String, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int) throws {
    let key = try Updates.key(endpoint)
    let result = unsafe withSocketAddress(key.address, key.port.rawValue, call)
    if result < 0 { throw Errno(rawValue: errno) }
  }

  func bind(_ endpoint: String) throws {
    var on: CInt = 1
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size))
    unsafe try with(endpoint) { unsafe Int(Glibc.bind(descriptor, $0, $1)) }
  }

  func listen() throws { if Glibc.listen(descriptor, 4096) < 0 { throw Errno(rawValue: errno) } }

  func connect(_ endpoint: String) throws {
    unsafe try with(endpoint) { unsafe Int(Glibc.connect(descriptor, $0, $1)) }
  }

  /// The next connection; nil: none came in time.
  func accept() throws -> PlainSocket? {
    let accepted = Glibc.accept(descriptor, nil, nil)
    if accepted >= 0 { return PlainSocket(taking: accepted) }
    if errno == EAGAIN || errno == EINTR || errno == ECONNABORTED { return nil }
    throw Errno(rawValue: errno)
  }

  /// Ends connections with a reset, so that no port is held for a minute.
  func closesAtOnce() {
    var value = linger(l_onoff: 1, l_linger: 0)
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
  }

  /// Makes calls wait this long.
  func waits(milliseconds: Int) {
    var limit = timeval(tv_sec: 0, tv_usec: milliseconds * 1000)
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  func send(_ byte: UInt8) throws {
    var byte = byte
    if unsafe Glibc.send(descriptor, &byte, 1, CInt(MSG_NOSIGNAL)) < 0 { throw Errno(rawValue: errno) }
  }

  func receive() throws -> UInt8 {
    var byte: UInt8 = 0
    let count = unsafe recv(descriptor, &byte, 1, 0)
    if count < 0 { throw Errno(rawValue: errno) }
    if count == 0 { throw Errno.connectionReset }
    return byte
  }
}
