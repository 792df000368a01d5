// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension Planner {
  mutating func planFilters() throws(NetlinkError) {
    var clsacts: Set<InterfaceName> = []
    for wanted in desired.filters {
      let wanted = marked(wanted)
      let attach = NamedChange.attach(wanted, isReplacement: false)
      let link = try index(of: wanted.link, for: "\(attach)")
      if link.map({ !found.clsacts.contains($0) }) ?? true, clsacts.insert(wanted.link).inserted {
        add(ChangeStep(.addClsact(wanted.link), undo: .removeEmptyClsact(wanted.link)))
      }
      let there = found.filters.first {
        link != nil && $0.interface == link && $0.direction == wanted.filter.direction
          && $0.priority == wanted.filter.priority && $0.handle == wanted.filter.handle
      }
      guard let there else {
        add(ChangeStep(attach, undo: wanted.installed.map { .detach($0, wanted.link) }))
        continue
      }
      if wanted.isSatisfied(by: there) { continue }
      guard owner.owns(there) else { throw conflict(attach, there.commandText) }
      // There is no way back to a program that nobody has a descriptor of.
      add(ChangeStep(.attach(wanted, isReplacement: true), undo: nil, found: there.commandText))
    }
  }

  func marked(_ wanted: DesiredFilter) -> DesiredFilter {
    guard !wanted.filter.name.hasPrefix(owner.prefix) else { return wanted }
    var filter = wanted.filter
    filter.name = owner.prefix + filter.name
    return DesiredFilter(filter, on: wanted.link, programIdentifier: wanted.programIdentifier)
  }

  func remove(_ there: TrafficFilter) -> ChangeStep {
    ChangeStep(.detach(there, name(of: there.interface ?? .loopback)), undo: nil, found: there.commandText)
  }

  var staleFilters: [TrafficFilter] {
    found.filters.filter { there in
      owner.owns(there)
        && !desired.filters.contains {
          index(of: $0.link) == there.interface && $0.filter.direction == there.direction
            && $0.filter.priority == there.priority && $0.filter.handle == there.handle
        }
    }
  }
}

extension DesiredFilter {
  /// Whether `there`, at the same place, is the same program.
  func isSatisfied(by there: TrafficFilter) -> Bool {
    guard let program = there.program, program.isDirectAction, program.name == filter.name else { return false }
    return programIdentifier == nil || programIdentifier == program.identifier
  }

  /// How it is listed once it is attached; nil when the kernel chooses its handle.
  fileprivate var installed: TrafficFilter? {
    guard filter.handle > 0 else { return nil }
    return TrafficFilter(filter)
  }
}
