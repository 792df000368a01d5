// SPDX-License-Identifier: Apache-2.0

// `struct tcmsg`: family 0, index 4, handle 8, parent 12, info 16.
extension WireObject {
  var trafficIndex: UInt32 { header.host(at: 4) }
  var handle: UInt32 { header.host(at: 8) }
  var trafficParent: UInt32 { header.host(at: 12) }
  /// A filter's priority, in the upper half, and Ethernet type.
  var info: UInt32 { header.host(at: 16) }
}

extension KernelState {
  static let headerOfTraffic = 20
  /// The kinds of queueing disciplines that are known; what their options say is kept, not looked at.
  static let qdiscKinds: Set<String> = [
    "clsact", "ingress", "pfifo", "bfifo", "pfifo_fast", "fq", "fq_codel", "htb", "tbf", "netem", "prio", "sfq",
    "noqueue",
    "mq", "cake", "hfsc", "codel", "red",
  ]

  private func traffic(in message: WireMessage) throws(Refusal) -> WireObject {
    let request = try WireObject(message.body, headerSize: KernelState.headerOfTraffic)
    guard links[request.trafficIndex] != nil else { throw Refusal(.noDevice) }
    return request
  }

  private func isIngress(_ kind: String?) -> Bool { kind == "clsact" || kind == "ingress" }

  mutating func newQdisc(_ message: WireMessage) throws(Refusal) {
    var request = try traffic(in: message)
    guard let kind = request.attributes.text(TCA.kind), KernelState.qdiscKinds.contains(kind) else {
      throw Refusal(.noEntry, "Specified qdisc kind is unknown")
    }
    if isIngress(kind) {
      request.header.set(TCA.clsactParent, at: 12)
      request.header.set(UInt32(0xffff_0000), at: 8)
    } else if request.handle == 0 {
      let taken = qdiscs.map(\.handle).filter { $0 >= 0x8001_0000 && $0 < 0xffff_0000 }.max()
      request.header.set(taken.map { $0 + 0x1_0000 } ?? 0x8001_0000, at: 8)
    }
    let place = qdiscs.firstIndex {
      $0.trafficIndex == request.trafficIndex && $0.trafficParent == request.trafficParent
    }
    if let place {
      let isSameKind = qdiscs[place].attributes.text(TCA.kind) == kind
      if message.has(Flag.exclusive), isSameKind || isIngress(kind) {
        throw Refusal(.exists, "Exclusivity flag on, cannot modify")
      }
      qdiscs[place] = request
    } else {
      guard message.has(Flag.create) else {
        throw Refusal(.noEntry, "Qdisc not found. To create specify NLM_F_CREATE flag")
      }
      qdiscs.append(request)
    }
    tell(.newQdisc, request)
  }

  mutating func removeQdisc(_ message: WireMessage) throws(Refusal) {
    let request = try traffic(in: message)
    let place = qdiscs.firstIndex {
      $0.trafficIndex == request.trafficIndex && $0.trafficParent == request.trafficParent
    }
    guard let place else {
      throw Refusal(
        .noEntry,
        request.trafficParent == TCA.clsactParent
          ? "Cannot find specified qdisc on specified device" : "Cannot delete qdisc with handle of zero")
    }
    if let kind = request.attributes.text(TCA.kind), kind != qdiscs[place].attributes.text(TCA.kind) {
      throw Refusal(.invalidArgument, "Invalid qdisc name")
    }
    let gone = qdiscs.remove(at: place)
    if gone.trafficParent == TCA.clsactParent {
      remove(\.filters, telling: .removeFilter) { $0.trafficIndex == gone.trafficIndex }
    }
    tell(.removeQdisc, gone)
  }

  private func checkClsact(on index: UInt32) throws(Refusal) {
    guard qdiscs.contains(where: { $0.trafficIndex == index && isIngress($0.attributes.text(TCA.kind)) }) else {
      throw Refusal(.invalidArgument, "Parent Qdisc doesn't exists")
    }
  }

  private func place(of filter: WireObject) -> Int? {
    filters.firstIndex {
      $0.trafficIndex == filter.trafficIndex && $0.trafficParent == filter.trafficParent
        && $0.info >> 16 == filter.info >> 16
        && $0.handle == filter.handle
    }
  }

  mutating func newFilter(_ message: WireMessage) throws(Refusal) {
    var request = try traffic(in: message)
    try checkClsact(on: request.trafficIndex)
    guard let kind = request.attributes.text(TCA.kind) else {
      throw Refusal(.invalidArgument, "Filter kind not specified")
    }
    if request.info >> 16 == 0 { request.header.set(request.info & 0xffff | 0xc000 << 16, at: 16) }
    if request.handle == 0 {
      let taken = filters.filter {
        $0.trafficIndex == request.trafficIndex && $0.trafficParent == request.trafficParent && $0.info == request.info
      }.map(\.handle).max()
      request.header.set((taken ?? 0) + 1, at: 8)
    }
    if kind == "bpf", var options = request.attributes.nested(TCA.options) {
      guard let descriptor = options.number(TCA.bpfDescriptor) else { throw Refusal(.invalidArgument) }
      options[TCA.bpfDescriptor] = nil
      options.set(TCA.bpfID, descriptor)
      options[TCA.bpfTag] = Array(host: UInt64(descriptor))
      request.attributes.set(TCA.options, nested: options)
    }
    if let place = place(of: request) {
      guard !message.has(Flag.exclusive) else { throw Refusal(.exists, "Filter already exists") }
      filters[place] = request
    } else {
      guard message.has(Flag.create) else { throw Refusal(.noEntry, "Need both RTM_NEWTFILTER and NLM_F_CREATE") }
      let before = filters.firstIndex {
        $0.trafficIndex == request.trafficIndex && $0.trafficParent == request.trafficParent
          && $0.info >> 16 > request.info >> 16
      }
      filters.insert(request, at: before ?? filters.count)
    }
    tell(.newFilter, request)
  }

  mutating func removeFilter(_ message: WireMessage) throws(Refusal) {
    let request = try traffic(in: message)
    try checkClsact(on: request.trafficIndex)
    if request.info >> 16 == 0 || request.handle == 0 {
      return remove(\.filters, telling: .removeFilter) {
        $0.trafficIndex == request.trafficIndex && $0.trafficParent == request.trafficParent
          && (request.info >> 16 == 0 || $0.info >> 16 == request.info >> 16)
      }
    }
    guard let place = place(of: request) else {
      throw Refusal(.noEntry, "Filter with specified priority/protocol not found")
    }
    tell(.removeFilter, filters.remove(at: place))
  }

  func listFilters(_ message: WireMessage) throws(Refusal) -> [WireObject] {
    let request = try WireObject(message.body, headerSize: KernelState.headerOfTraffic)
    return filters.filter {
      $0.trafficIndex == request.trafficIndex && $0.trafficParent == request.trafficParent
    }
  }
}
