// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

/// A table of slots in which a flow's hash finds a backend, the same on every node.
///
/// Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016, §3.4. Each backend has its own
/// order of all slots, a walk from an offset by a fixed step; backends take turns, and in its turn a backend takes the
/// first free slot of its order. Every slot is taken; the shares of backends differ by one slot at most where weights are
/// equal; and when a backend comes or goes, few slots change hands that need not: see <doc:MaglevTables>.
///
/// The table depends on the set of backends alone: addresses, ports and weights, not their order.
public struct MaglevTable: Hashable, Sendable {
  /// The sizes a service may ask for, both prime.
  ///
  /// The larger is for more than about 160 backends.
  public static let sizes = [16381, 65521]

  /// For each slot the backend that has it: an index into the list that the table was made of.
  ///
  /// Empty if no backend has a weight above 0.
  public let slots: [UInt32]

  /// Makes a table.
  ///
  /// - Parameters:
  ///   - backends: the backends, no two of the same address and port; those of weight 0 get no slot, and of more backends
  ///     than slots those with the greatest addresses get none.
  ///   - size: the number of slots, a prime; one of ``sizes`` for services.
  public init(backends: [ServiceBackend], size: Int) {
    precondition(size > 2 && size <= 1 << 24, "A table has 3 to 16777216 slots, not \(size)")
    let order = backends.indices.filter { backends[$0].weight > 0 }.sorted { backends[$0].key < backends[$1].key }
    guard !order.isEmpty else {
      slots = []
      return
    }
    var walks = order.map { MaglevWalk(backends[$0].key, size: size) }
    var table = [UInt32](repeating: .max, count: size)
    let weights = order.map { backends[$0].weight }
    if weights.allSatisfy({ $0 == weights[0] }) {
      var turn = 0
      for _ in 0..<size {
        walks[turn].take(UInt32(order[turn]), in: &table)
        turn = turn + 1 == walks.count ? 0 : turn + 1
      }
    } else {
      var turns = MaglevTurns(weights: weights)
      for _ in 0..<size {
        let turn = turns.next()
        walks[turn].take(UInt32(order[turn]), in: &table)
      }
    }
    slots = table
  }

  /// The backend that a flow gets.
  ///
  /// - Parameter hash: of the flow, spread over 32 bits.
  /// - Returns: an index into the list that the table was made of; nil if the table is empty.
  public func backend(forHash hash: UInt32) -> Int? {
    slots.isEmpty ? nil : Int(slots[Int((UInt64(hash) * UInt64(slots.count)) >> 32)])
  }
}

/// A backend's way through the slots.
private struct MaglevWalk {
  private var position: Int
  private let step: Int

  /// - Parameters:
  ///   - key: the backend's address and port.
  ///   - size: the number of slots.
  init(_ key: ServiceBackend.Key, size: Int) {
    position = Int(MaglevHash.hash(key, seed: MaglevHash.offsetSeed) % UInt64(size))
    step = Int(MaglevHash.hash(key, seed: MaglevHash.stepSeed) % UInt64(size - 1)) + 1
  }

  /// Takes the first free slot; there must be one.
  @inline(__always)
  mutating func take(_ backend: UInt32, in table: inout [UInt32]) {
    while true {
      let here = position
      position += step
      if position >= table.count { position -= table.count }
      if table[here] == .max {
        table[here] = backend
        return
      }
    }
  }
}

/// Where a backend's walk begins and how far it steps.
///
/// An address is two words of 64 bits, in its IPv6 form (`::ffff:a.b.c.d` for IPv4), upper half first; the port is a third.
/// Beginning with the seed, each word is added by exclusive or and mixed by the finalizer of SplitMix64.
enum MaglevHash {
  /// The first 64 bits of the fraction of pi, and the next.
  static let offsetSeed: UInt64 = 0x243F_6A88_85A3_08D3
  static let stepSeed: UInt64 = 0x1319_8A2E_0370_7344

  static func hash(_ key: ServiceBackend.Key, seed: UInt64) -> UInt64 {
    var high: UInt64 = 0
    var low: UInt64
    switch key.address {
    case .v4(let address): low = 0xFFFF_0000_0000 | UInt64(address.rawValue)
    case .v6(let address):
      high = address.high
      low = address.low
    }
    return mix(mix(mix(seed ^ high) ^ low) ^ UInt64(key.port.rawValue))
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var value = value &+ 0x9E37_79B9_7F4A_7C15
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}
