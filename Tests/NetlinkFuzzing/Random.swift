// SPDX-License-Identifier: Apache-2.0

/// Numbers that look random and are the same for the same seed: SplitMix64.
struct Random: RandomNumberGenerator {
  private var state: UInt64

  /// The numbers for one message of a run, without those of the messages before it.
  init(seed: UInt64, message: UInt64) {
    state = seed &+ message &* 0xd134_2543_de82_ef95
    // Seeds and messages that lie close together would begin alike.
    for _ in 0..<2 { state ^= next() }
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }

  /// A number below `bound`, which must not be 0; a little uneven, and quick.
  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
