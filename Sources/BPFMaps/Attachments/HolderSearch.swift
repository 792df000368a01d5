// SPDX-License-Identifier: Apache-2.0

/// Who holds what is attached, looked up once for all programs of a hook, and only when it is asked for.
struct HolderSearch {
  let isWanted: Bool
  private var found: [BPFObjectReference: [BPFObjectHolder]]?

  init(isWanted: Bool) { self.isWanted = isWanted }

  /// Who has the link open; without a link, who has the program.
  mutating func holders(link: UInt32?, program: UInt32) -> [BPFObjectHolder] {
    guard isWanted else { return [] }
    let all = found ?? BPFObjectHolder.all()
    found = all
    return all[link.map { BPFObjectReference(.link, $0) } ?? BPFObjectReference(.program, program)] ?? []
  }
}
