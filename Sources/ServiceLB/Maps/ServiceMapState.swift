// SPDX-License-Identifier: Apache-2.0

/// What the maps hold, as far as user space needs to know it: which number each service and each backend has, and which
/// slots are in use.
///
/// Numbers are stable: an unchanged service or backend keeps its own across updates and, because they are read back
/// from the maps, across restarts.
public struct ServiceMapState: Sendable {
  /// A service's word and what its slots name.
  struct Installed: Hashable, Sendable {
    var word: ServiceWord
    var backends: [UInt32]
  }

  /// A backend that no slot names any more.
  struct RetiredBackend: Hashable, Sendable {
    var number: UInt32
    var backend: ServiceBackend
  }

  /// The sizes of the maps.
  public let limits: ServiceLimits
  /// The service number of each frontend.
  public internal(set) var frontends: [ServiceFrontend: UInt32] = [:]
  /// The number of each backend in use.
  public internal(set) var backends: [ServiceBackend: UInt32] = [:]

  var services: [UInt32: Installed] = [:]
  var slotAllocator: SlotAllocator
  var serviceAllocator: SlotAllocator
  var backendAllocator: SlotAllocator

  /// Services whose word, as read, cannot be right and has to be written whatever the wish.
  var unsound: Set<UInt32> = []
  /// Second numbers of backends, as read.
  var strayBackends: [RetiredBackend] = []

  var retiredSlots = Quarantine<Range<UInt32>>()
  var retiredServices = Quarantine<UInt32>()
  var retiredBackends = Quarantine<RetiredBackend>()

  /// The state of empty maps.
  public init(limits: ServiceLimits = .default) {
    self.limits = limits
    slotAllocator = SlotAllocator(bounds: 0..<limits.slots)
    serviceAllocator = SlotAllocator(bounds: 0..<limits.services)
    backendAllocator = SlotAllocator(bounds: 1..<max(limits.backends, 1))
  }

  /// The state that was read from maps.
  ///
  /// Whatever a crash left half-done is corrected by the next plan: services that no frontend names, backends that no
  /// slot names, a backend with two numbers, a service whose slots overlap another's or lie outside the map.
  ///
  /// - Parameters:
  ///   - contents: what the maps hold.
  ///   - limits: the sizes of the maps.
  public init(reading contents: ServiceMapContents, limits: ServiceLimits) {
    self.init(limits: limits)
    frontends = contents.frontends
    for (number, backend) in contents.backends.sorted(by: { $0.key < $1.key }) {
      guard backendAllocator.reserve(number..<(number + 1)) else { continue }
      if backends[backend] == nil {
        backends[backend] = number
        continue
      }
      strayBackends.append(RetiredBackend(number: number, backend: backend))
    }
    for (index, word) in contents.words.sorted(by: { $0.key < $1.key }) {
      guard serviceAllocator.reserve(index..<(index + 1)) else { continue }
      let isSound = slotAllocator.reserve(word.slots)
      // The slots of an unsound word are not known to be its own: with no backends it differs from any wish, so that
      // the next plan writes it anew and frees nothing.
      let numbers = isSound ? word.slots.map { contents.slots[$0] ?? 0 } : []
      let sound = isSound ? word : ServiceWord(base: 0, count: 0, localCount: 0, generation: word.generation)
      services[index] = Installed(word: sound, backends: numbers)
      if !isSound { unsound.insert(index) }
    }
    for index in Set(frontends.values) where services[index] == nil {
      guard serviceAllocator.reserve(index..<(index + 1)) else { continue }
      services[index] = Installed(word: ServiceWord(rawValue: 0), backends: [])
    }
  }
}

/// What maps hold, as read.
public struct ServiceMapContents: Hashable, Sendable {
  /// Map `frontend`.
  public var frontends: [ServiceFrontend: UInt32]
  /// Map `service`: words other than 0.
  public var words: [UInt32: ServiceWord]
  /// Map `service_slot`: backend numbers of the slots that words name.
  public var slots: [UInt32: UInt32]
  /// Map `backend`: those not free.
  public var backends: [UInt32: ServiceBackend]

  /// Makes contents.
  public init(
    frontends: [ServiceFrontend: UInt32] = [:], words: [UInt32: ServiceWord] = [:], slots: [UInt32: UInt32] = [:],
    backends: [UInt32: ServiceBackend] = [:]
  ) {
    self.frontends = frontends
    self.words = words
    self.slots = slots
    self.backends = backends
  }

  /// Does one write, as the kernel would: a model for tests of plans.
  public mutating func apply(_ operation: ServiceMapOperation) {
    switch operation {
    case .setBackend(let number, let backend): backends[number] = backend
    case .setSlots(let base, let numbers):
      for (offset, number) in numbers.enumerated() { slots[base + UInt32(offset)] = number }
    case .resetCounter: break
    case .setService(let index, let word): words[index] = word.rawValue == 0 ? nil : word
    case .setFrontend(let frontend, let index): frontends[frontend] = index
    case .removeFrontend(let frontend): frontends[frontend] = nil
    case .removeBackend(let number): backends[number] = nil
    }
  }

  /// What a connection to `frontend` can meet: nil = it is left alone, empty = it is refused, else the backends.
  ///
  /// A slot without a backend shows as a missing one: fewer backends than the word counts.
  public func backends(of frontend: ServiceFrontend) -> [ServiceBackend]? {
    guard let index = frontends[frontend] else { return nil }
    guard let word = words[index] else { return [] }
    return word.slots.compactMap { slots[$0].flatMap { backends[$0] } }
  }
}
