// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension NetlinkSocket {
  /// Everything of traffic control, for the beginning of a monitor.
  ///
  /// The kernel lists queueing disciplines of all links at once, classes by link, and filters by the place they hang on.
  /// So the places are found first: one dump for all queueing disciplines, one for the classes of each link with a kind
  /// whose classes somebody makes, and one for each place where filters can be. Kinds that take no filters are passed
  /// over, and so are queueing disciplines without a number; on a machine of links without a queue, or with the usual
  /// queues, that leaves the one dump, and two more for each clsact.
  ///
  /// What changes meanwhile is told afterwards, because a monitor listens before it looks. A place that is gone when its
  /// turn comes has no filters.
  func trafficControlEvents() async throws(NetlinkError) -> [NetlinkEvent] {
    let qdiscs = try await qdiscs.all()
    var events: [NetlinkEvent] = qdiscs.map { .qdisc(.listed, $0) }
    var places: [TrafficFilter.Place] = []
    var blocks: Set<UInt32> = []
    var classful: [InterfaceIndex] = []
    for qdisc in qdiscs {
      for block in [qdisc.ingressBlock, qdisc.egressBlock] { if let block { blocks.insert(block) } }
      places += qdisc.filterPlaces
      if qdisc.settings.hasClasses, classful.last != qdisc.interface, !classful.contains(qdisc.interface) {
        classful.append(qdisc.interface)
      }
    }
    let kinds = Dictionary(
      qdiscs.map { (Seat(interface: $0.interface, major: $0.handle.major), $0.settings) },
      uniquingKeysWith: { first, _ in first })
    for link in classful {
      for each in try await classes.all(on: link) {
        events.append(.trafficClass(.listed, each))
        let settings = kinds[Seat(interface: link, major: each.handle.major)]
        if settings?.hasFiltersAtClasses ?? true { places.append(.link(link, parent: each.handle)) }
      }
    }
    for place in places + blocks.sorted().map({ .block($0) }) {
      events += try await filtersIfAny(at: place).map { .filter(.listed, $0) }
    }
    return events
  }

  /// The filters of a place that may be gone.
  private func filtersIfAny(at place: TrafficFilter.Place) async throws(NetlinkError) -> [TrafficFilter] {
    do throws(NetlinkError) {
      return try await filters.all(at: place)
    } catch  where error.code == .notFound || error.code == .invalidArgument {
      return []
    }
  }
}

/// A queueing discipline by its number.
private struct Seat: Hashable {
  let interface: InterfaceIndex
  let major: UInt16
}

extension Qdisc {
  /// Where filters of its own may hang: not those of a block, which has them once for all.
  fileprivate var filterPlaces: [TrafficFilter.Place] {
    switch settings {
    case .clsact:
      var places: [TrafficFilter.Place] = []
      if ingressBlock == nil { places.append(.link(interface, parent: .clsactIngress)) }
      if egressBlock == nil { places.append(.link(interface, parent: .clsactEgress)) }
      return places
    case .ingress: return ingressBlock == nil ? [.link(interface, parent: handle)] : []
    case .noqueue, .mq, .fq, .tbf, .pfifoFast, .pfifo, .bfifo: return []
    case .htb, .prio, .fqCodel, .other:
      // One that the kernel made has no number to hang filters on.
      return handle == .unspecified ? [] : [.link(interface, parent: handle)]
    }
  }
}

extension QdiscSettings {
  /// Whether there are classes to list: those that somebody made.
  ///
  /// Those that kinds have by themselves, for each queue, band or flow, the kernel never tells of.
  fileprivate var hasClasses: Bool {
    switch self {
    case .htb, .other: true
    default: false
    }
  }

  /// Whether filters may hang on its classes, and not on itself alone.
  fileprivate var hasFiltersAtClasses: Bool {
    switch self {
    case .htb, .other: true
    default: false
    }
  }
}
