// SPDX-License-Identifier: Apache-2.0

internal import BPFMaps
internal import CDatapathABI
internal import DatapathPrograms
internal import NetworkTypes

extension ServiceMapWriter {
  /// Reads everything that has ever been written.
  func contents() throws(BPFError) -> ServiceMapContents {
    var contents = ServiceMapContents()
    for (key, word) in try maps.frontends4.entries() {
      if let key = ServiceFrontend.Key(key) { contents.frontends[key] = FrontendWord(rawValue: word.value) }
    }
    for (key, word) in try maps.frontends6.entries() {
      if let key = ServiceFrontend.Key(key) { contents.frontends[key] = FrontendWord(rawValue: word.value) }
    }
    for (key, _) in try maps.sourceRanges.entries() {
      if let range = SourceRange(key) { contents.sourceRanges.insert(range) }
    }
    for (address, _) in try maps.nodeAddresses.entries() { contents.nodeAddresses.insert(address.address) }
    contents.vips = Self.elements(maps.vips.count, empty: nil) { VIPRecord(maps.vips[$0]) }
    contents.backends = Self.elements(maps.backends.count, empty: nil) { BackendRecord(maps.backends[$0]) }
    contents.services = Self.elements(maps.services.count, empty: ServiceExtents()) {
      let stored = maps.services[$0]
      return ServiceExtents(
        cluster: SlotExtent(rawValue: stored.cluster.value), local: SlotExtent(rawValue: stored.local.value))
    }
    contents.configurations = Self.elements(maps.configurations.count, empty: ServiceConfiguration()) {
      ServiceConfiguration(maps.configurations[$0])
    }
    contents.slots.reserveCapacity(Int(maps.slots.count) * 2)
    for index in 0..<maps.slots.count {
      let pair = maps.slots[index].backend
      contents.slots.append(pair.0)
      contents.slots.append(pair.1)
    }
    while contents.slots.last == 0 { contents.slots.removeLast() }
    return contents
  }

  /// The elements of an array up to the last in use.
  private static func elements<Element: Equatable>(
    _ count: UInt32, empty: Element, _ element: (UInt32) -> Element
  ) -> [Element] {
    var elements: [Element] = []
    var skipped = 0
    for index in 0..<count {
      let element = element(index)
      if element == empty {
        skipped += 1
        continue
      }
      if skipped > 0 { elements += repeatElement(empty, count: skipped) }
      skipped = 0
      elements.append(element)
    }
    return elements
  }
}
