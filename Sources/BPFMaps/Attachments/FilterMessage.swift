// SPDX-License-Identifier: Apache-2.0

/// What messages about qdiscs and filters begin with, and of their attributes those of BPF filters. `struct tcmsg`
struct FilterMessage: Sendable {
  /// The minor numbers of the qdiscs `clsact` and `ingress`, which share a place. `TC_H_CLSACT`
  static let clsact: UInt32 = 0xffff_fff1

  var interface: UInt32
  var handle: UInt32 = 0
  var parent: UInt32
  var priority: UInt16 = 0
  /// The kind of qdisc or filter.
  var kind: String?
  /// The program of a BPF filter.
  var program: UInt32?

  init(interface: UInt32, parent: UInt32) {
    self.interface = interface
    self.parent = parent
  }

  /// nil: it is too short to be one.
  init?(parsing payload: ArraySlice<UInt8>) {
    guard payload.count >= 20 else { return nil }
    self.init(interface: RouteSocket.number(payload, 4), parent: RouteSocket.number(payload, 12))
    handle = RouteSocket.number(payload, 8)
    priority = UInt16(RouteSocket.number(payload, 16) >> 16)
    let attributes = payload.dropFirst(20)
    kind = RouteSocket.attribute(1, in: attributes).map(RouteSocket.text)
    let identifier = RouteSocket.attribute(2, in: attributes).flatMap { RouteSocket.attribute(11, in: $0) }
    program = identifier.flatMap { $0.count >= 4 ? RouteSocket.number($0, 0) : nil }
  }

  /// A request about it; filters are asked for with the protocol that they were made for, which is all of them.
  func request(
    _ type: UInt16, reply: UInt16 = 0, flags: UInt16 = 0, attributes: [UInt8] = []
  ) -> RouteSocket.Request {
    let information = UInt32(priority) << 16 | (priority == 0 ? 0 : UInt32(UInt16(3).bigEndian))
    let numbers = [0, interface, handle, parent, information].flatMap { RouteSocket.bytes($0 as UInt32) }
    return RouteSocket.Request(type: type, reply: reply, flags: flags, payload: numbers + attributes)
  }

  /// The attributes that make a filter run a program, and do what it returns. `TCA_KIND`, `TCA_OPTIONS`
  static func options(program descriptor: CInt, name: String) -> [UInt8] {
    let options =
      RouteSocket.attribute(6, RouteSocket.bytes(descriptor)) + RouteSocket.attribute(7, Array(name.utf8) + [0])
      + RouteSocket.attribute(8, RouteSocket.bytes(UInt32(1)))  // TCA_BPF_FD, _NAME, _FLAGS: direct action
    return kindOfBPF + RouteSocket.attribute(2, options)
  }

  static let kindOfBPF = RouteSocket.attribute(1, Array("bpf".utf8) + [0])
}

extension TrafficControlDirection {
  /// The class of the clsact qdisc. `TC_H_MIN_INGRESS`, `TC_H_MIN_EGRESS`
  var parent: UInt32 { self == .ingress ? 0xffff_fff2 : 0xffff_fff3 }
}
