// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import SystemPackage

/// The BPF filters at an interface's clsact qdisc, by priority. `RTM_GETTFILTER`
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
    status = interfaceStatus(interface)
    guard status == 0 else { return }
    do throws(Errno) {
      try read(direction, of: interface, RouteSocket())
    } catch {
      status = -error.rawValue
    }
  }

  private mutating func read(
    _ direction: TrafficControlDirection, of interface: UInt32, _ socket: borrowing RouteSocket
  ) {
    // The qdisc `ingress` gives its one list for egress too, though it serves none.
    var isIngressOnly = false
    let qdiscs = FilterMessage(interface: interface, parent: 0)
    status =
      socket.exchange(qdiscs.request(38, reply: 36, flags: RouteSocket.Request.dump)) { payload in
        guard let qdisc = FilterMessage(parsing: payload), qdisc.interface == interface,
          qdisc.parent == FilterMessage.clsact
        else { return }
        if qdisc.kind == "ingress" { isIngressOnly = true }
      }.status
    guard status == 0, !(isIngressOnly && direction == .egress) else { return }
    var found: [Filter] = []
    let all = FilterMessage(interface: interface, parent: direction.parent)
    status =
      socket.exchange(all.request(46, reply: 44, flags: RouteSocket.Request.dump)) { payload in
        guard let filter = FilterMessage(parsing: payload), filter.kind == "bpf", let program = filter.program else {
          return
        }
        found.append(Filter(program: program, priority: filter.priority))
      }.status
    // Without a qdisc there are no filters.
    if status == -EINVAL || status == -ENOENT || status == -EOPNOTSUPP { status = 0 }
    filters = found
  }
}

/// Whether the calling thread's namespace has an interface of that index: 0; ENODEV: it has not; else why nobody can tell.
/// if_indextoname(3)
func interfaceStatus(_ interface: UInt32) -> CInt {
  unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(IF_NAMESIZE)) { name in
    guard let start = name.baseAddress, unsafe if_indextoname(interface, start) == nil else { return 0 }
    let failure = errno
    if failure == ENXIO { return -ENODEV }
    // Without a socket it leaves whatever its last attempt to open one came to.
    let number = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard number >= 0 else { return -errno }
    close(number)
    return -failure
  }
}
