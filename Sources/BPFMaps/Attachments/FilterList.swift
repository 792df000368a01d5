// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import LinuxSystem

/// The BPF filters at an interface's clsact qdisc, by priority. `RTM_GETTFILTER`
///
/// libbpf can look at one filter whose numbers are known, and this module knows no netlink library, so it asks itself.
struct FilterList: Sendable {
  struct Filter: Sendable {
    var program: UInt32
    var priority: UInt16
  }

  /// 0, or a negative error number.
  var status: CInt = 0
  var filters: [Filter] = []

  /// Asks in the calling thread's namespace.
  init(_ direction: TrafficControlDirection, of interface: UInt32) {
    guard interfaceExists(interface) else {
      status = -ENODEV
      return
    }
    let socket = Glibc.socket(AF_NETLINK, CInt(SOCK_RAW.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard socket >= 0 else {
      status = -errno
      return
    }
    let owned = OwnedFileDescriptor(taking: socket)
    // The qdisc `ingress` gives its one list for egress too, though it serves none.
    var isIngressOnly = false
    status = Self.dump(owned.rawValue, request: 38, reply: 36, interface, parent: 0) { message in
      guard Self.number(message, 4) == interface, Self.number(message, 12) == 0xffff_fff1 else { return }
      if Self.attribute(1, in: message.dropFirst(20)).map(Self.text) == "ingress" { isIngressOnly = true }
    }
    guard status == 0, !(isIngressOnly && direction == .egress) else { return }
    var found: [Filter] = []
    status = Self.dump(
      owned.rawValue, request: 46, reply: 44, interface, parent: direction == .ingress ? 0xffff_fff2 : 0xffff_fff3
    ) { message in
      let attributes = message.dropFirst(20)
      guard Self.attribute(1, in: attributes).map(Self.text) == "bpf",
        let options = Self.attribute(2, in: attributes), let program = Self.attribute(11, in: options),
        program.count >= 4
      else { return }
      found.append(Filter(program: Self.number(program, 0), priority: UInt16(Self.number(message, 16) >> 16)))
    }
    // Without a qdisc there are no filters.
    if status == -EINVAL || status == -ENOENT || status == -EOPNOTSUPP { status = 0 }
    filters = found
  }

  /// Sends a request for everything, and calls `body` with each message's payload.
  private static func dump(
    _ socket: CInt, request: UInt16, reply: UInt16, _ interface: UInt32, parent: UInt32,
    _ body: (ArraySlice<UInt8>) -> Void
  ) -> CInt {
    // struct nlmsghdr (NLM_F_REQUEST | NLM_F_DUMP), struct tcmsg
    var bytes: [UInt8] = []
    func append(_ number: some FixedWidthInteger) { unsafe withUnsafeBytes(of: number) { unsafe bytes += $0 } }
    append(UInt32(36))
    append(request)
    append(UInt16(0x301))
    append(UInt32(1))
    append(UInt32(0))
    append(UInt32(0))
    append(interface)
    append(UInt32(0))
    append(parent)
    append(UInt32(0))
    let sent = unsafe bytes.withUnsafeBytes { unsafe send(socket, $0.baseAddress, $0.count, 0) }
    guard sent == bytes.count else { return -errno }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(socket, $0.baseAddress, $0.count, 0) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return count == 0 ? -EIO : -errno }
      var rest = buffer[..<count]
      while rest.count >= 16 {
        let length = Int(number(rest, 0))
        let type = UInt16(truncatingIfNeeded: number(rest, 4))
        guard length >= 16, length <= rest.count else { return -EIO }
        let payload = rest.dropFirst(16).prefix(length - 16)
        switch type {
        case 3: return payload.count >= 4 ? CInt(bitPattern: number(payload, 0)) : 0  // NLMSG_DONE
        case 2: return payload.count >= 4 ? CInt(bitPattern: number(payload, 0)) : -EIO  // NLMSG_ERROR
        case reply where payload.count >= 20: body(payload)
        default: break
        }
        rest = rest.dropFirst((length + 3) / 4 * 4)
      }
    }
  }

  /// A number of this machine's order; the bytes are there.
  private static func number(_ bytes: ArraySlice<UInt8>, _ offset: Int) -> UInt32 {
    bytes.dropFirst(offset).prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  private static func attribute(_ type: UInt32, in bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    var rest = bytes
    while rest.count >= 4 {
      let header = number(rest, 0)
      let length = Int(header & 0xffff)
      guard length >= 4, length <= rest.count else { return nil }
      if header >> 16 & 0x3fff == type { return rest.dropFirst(4).prefix(length - 4) }
      rest = rest.dropFirst((length + 3) / 4 * 4)
    }
    return nil
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }
}

/// Whether the calling thread's namespace has an interface of that index. if_indextoname(3)
func interfaceExists(_ interface: UInt32) -> Bool {
  unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(IF_NAMESIZE)) { name in
    guard let start = name.baseAddress else { return false }
    return unsafe if_indextoname(interface, start) != nil
  }
}
