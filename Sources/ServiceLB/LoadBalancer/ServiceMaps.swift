// SPDX-License-Identifier: Apache-2.0

internal import BPFMaps
internal import CDatapathABI
internal import DatapathPrograms
internal import LinuxSystem
internal import NetworkTypes

/// The maps that user space writes, and the writes.
struct ServiceMaps: ~Copyable, Sendable {
  let frontends: BPFHashMap<frontend_key, frontend>
  let services: MappedWords
  let slots: MappedWords
  let backends: MappedWords
  let counters: BPFPerCPUArrayMap<service_counter>
  /// The sizes the maps have.
  let limits: ServiceLimits

  init(of object: borrowing LoadedObject) throws(ServiceError) {
    let frontends = try Self.map("frontend", of: object, as: BPFHashMap<frontend_key, frontend>.self)
    let counters = try Self.map("service_counter", of: object, as: BPFPerCPUArrayMap<service_counter>.self)
    let peers = try Self.map("datagram_peer", of: object, as: BPFLRUHashMap<datagram_peer_key, datagram_peer>.self)
    let services = try Self.words("service", of: object, as: service_word.self)
    let slots = try Self.words("service_slot", of: object, as: service_slot.self)
    let backends = try Self.words("backend", of: object, as: backend.self)
    limits = ServiceLimits(
      frontends: frontends.info.maximumEntryCount, services: UInt32(services.count), slots: UInt32(slots.count),
      backends: UInt32(backends.count), datagramPeers: peers.info.maximumEntryCount)
    self.frontends = frontends
    self.counters = counters
    self.services = services
    self.slots = slots
    self.backends = backends
  }

  private static func map<Map: BPFMapProtocol & ~Copyable>(
    _ name: String, of object: borrowing LoadedObject, as type: Map.Type
  ) throws(ServiceError) -> Map {
    do throws(BPFError) {
      return try object.map(name, as: type)
    } catch {
      throw ServiceError("open map \(name)", error)
    }
  }

  private static func words<Value: BPFValue & BitwiseCopyable>(
    _ name: String, of object: borrowing LoadedObject, as type: Value.Type
  ) throws(ServiceError) -> MappedWords {
    let map = try map(name, of: object, as: BPFArrayMap<Value>.self)
    let count = Int(map.count)
    return try map.withHandle { (handle) throws(ServiceError) in
      try MappedWords(descriptor: handle.descriptor.rawValue, count: count, name: name)
    }
  }

  /// Does one write.
  func perform(_ operation: ServiceMapOperation) throws(BPFError) {
    switch operation {
    case .setBackend(let number, let backend):
      backends.store(backend.word, at: Int(number))
    case .setSlots(let base, let numbers):
      for (offset, number) in numbers.enumerated() { slots.store(Self.slot(of: number), at: Int(base) + offset) }
    case .resetCounter(let index):
      try counters.setValues(
        Array(repeating: service_counter(translated: 0, refused: 0), count: BPFProcessors.possibleCount), at: index)
    case .setService(let index, let word):
      services.store(word.rawValue, at: Int(index))
    case .setFrontend(let frontend, let index):
      try frontends.updateValue(CDatapathABI.frontend(service: index, flags: 0), forKey: frontend.key)
    case .removeFrontend(let frontend):
      try frontends.removeValue(forKey: frontend.key)
    case .removeBackend(let number):
      backends.store(0, at: Int(number))
    }
  }

  /// Reads everything that is in use.
  func contents() throws(BPFError) -> ServiceMapContents {
    var contents = ServiceMapContents()
    for (key, value) in try frontends.entries() {
      if let frontend = ServiceFrontend(key) { contents.frontends[frontend] = value.service }
    }
    for index in 0..<services.count where services[index] != 0 {
      let word = ServiceWord(rawValue: services[index])
      contents.words[UInt32(index)] = word
      for slot in word.slots where Int(slot) < slots.count {
        contents.slots[slot] = Self.backendNumber(inSlot: slots[Int(slot)])
      }
    }
    for number in 1..<backends.count {
      if let backend = ServiceBackend(word: backends[number]) { contents.backends[UInt32(number)] = backend }
    }
    return contents
  }

  private static func slot(of backend: UInt32) -> UInt64 {
    unsafe unsafeBitCast(service_slot(backend: backend, weight: 1, state: 0), to: UInt64.self)
  }

  private static func backendNumber(inSlot word: UInt64) -> UInt32 {
    unsafe unsafeBitCast(word, to: service_slot.self).backend
  }
}

extension ServiceFrontend {
  var key: frontend_key {
    frontend_key(
      address: address.networkOrder, port: port.networkOrder, protocol: `protocol`.rawValue, padding: 0)
  }

  /// Nil for a key that no frontend has: port 0.
  init?(_ key: frontend_key) {
    guard let port = Port(rawValue: UInt16(bigEndian: key.port)) else { return nil }
    self.init(
      address: IPv4Address(networkOrder: key.address), port: port, protocol: IPProtocol(rawValue: key.protocol))
  }
}

extension ServiceBackend {
  /// `struct backend`, as one word.
  var word: UInt64 {
    unsafe unsafeBitCast(
      backend(
        address: address.networkOrder, port: port.networkOrder, state: UInt8(BACKEND_ACTIVE), padding: 0),
      to: UInt64.self)
  }

  /// Nil for a free backend.
  init?(word: UInt64) {
    let value = unsafe unsafeBitCast(word, to: backend.self)
    guard Int32(value.state) != BACKEND_FREE, let port = Port(rawValue: UInt16(bigEndian: value.port)) else {
      return nil
    }
    self.init(address: IPv4Address(networkOrder: value.address), port: port)
  }
}

extension ServiceError {
  init(_ action: String, _ error: BPFError) {
    self.init(code: .kernelRefused, message: "cannot \(action)", underlying: error)
  }
}
