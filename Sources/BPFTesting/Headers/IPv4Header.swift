// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// An IPv4 header. `struct iphdr`
///
/// What is nil is computed from what follows; set it to lie.
public struct IPv4Header: Hashable, Sendable {
  /// The sender.
  public var source: IPv4Address
  /// The receiver.
  public var destination: IPv4Address
  /// Differentiated services and congestion notification: the byte that was the type of service.
  public var trafficClass: UInt8 = 0
  /// Names the packet's fragments.
  public var identification: UInt16 = 0
  /// The flag "don't fragment".
  public var isUnfragmentable = false
  /// The flag "more fragments".
  public var hasMoreFragments = false
  /// The flag that has to be zero.
  public var isReservedFlagSet = false
  /// Where a fragment begins, in bytes; a multiple of 8.
  public var fragmentOffset: UInt16 = 0
  /// How many routers it may pass.
  public var timeToLive: UInt8 = 64
  /// The protocol number of what follows; nil: what the next layer is, or 253 (experiments) before a bare payload.
  public var protocolNumber: UInt8?
  /// Options, at most 40 bytes; filled with zeros to a multiple of 4.
  public var options: [UInt8] = []
  /// The header checksum.
  public var checksum: Checksum<UInt16> = .correct
  /// Header and what follows, in bytes.
  public var totalLength: UInt16?
  /// The header's length in words of 4 bytes, at most 15.
  public var headerLength: UInt8?
  /// The version, at most 15.
  public var version: UInt8 = 4

  /// A header; all else is a variable.
  public init(from source: IPv4Address, to destination: IPv4Address) {
    self.source = source
    self.destination = destination
  }

  /// Whether it is a fragment, the first one included.
  public var isFragment: Bool { hasMoreFragments || fragmentOffset > 0 }

  /// Options with what fills the last word.
  var paddedOptions: [UInt8] { options + Array(repeating: 0, count: (4 - options.count % 4) % 4) }

  /// The header's length in bytes, as it is and not as it may claim.
  var length: Int { 20 + paddedOptions.count }

  func encode(_ next: UInt8, following: Int) -> [UInt8] {
    let options = paddedOptions
    let words = headerLength ?? UInt8(truncatingIfNeeded: 5 + options.count / 4)
    var bytes: [UInt8] = [version << 4 | words & 15, trafficClass]
    bytes.append(totalLength ?? UInt16(truncatingIfNeeded: length + following))
    bytes.append(identification)
    var flags = fragmentOffset >> 3
    if isReservedFlagSet { flags |= 0x8000 }
    if isUnfragmentable { flags |= 0x4000 }
    if hasMoreFragments { flags |= 0x2000 }
    bytes.append(flags)
    bytes += [timeToLive, protocolNumber ?? next, 0, 0] + source.bytes + destination.bytes + options
    let zeroed = bytes
    bytes.store(
      checksum.value(
        {
          var sum = InternetSum()
          sum.add(zeroed)
          return sum.checksum
        }()), at: 10)
    return bytes
  }

  init?(_ reader: inout ByteReader) {
    guard let first = reader.byte(), let trafficClass = reader.byte(), let totalLength: UInt16 = reader.take(),
      let identification: UInt16 = reader.take(), let flags: UInt16 = reader.take(), let timeToLive = reader.byte(),
      let protocolNumber = reader.byte(), let checksum: UInt16 = reader.take(), let source: UInt32 = reader.take(),
      let destination: UInt32 = reader.take(), first >> 4 == 4,
      let options = reader.bytes(Int(first & 15) * 4 - 20)
    else { return nil }
    self.init(from: IPv4Address(rawValue: source), to: IPv4Address(rawValue: destination))
    self.trafficClass = trafficClass
    self.identification = identification
    self.isReservedFlagSet = flags & 0x8000 != 0
    self.isUnfragmentable = flags & 0x4000 != 0
    self.hasMoreFragments = flags & 0x2000 != 0
    self.fragmentOffset = flags << 3
    self.timeToLive = timeToLive
    self.protocolNumber = protocolNumber
    self.options = options
    self.checksum = .exactly(checksum)
    self.totalLength = totalLength
  }

  /// The options that every fragment has: those whose number has its highest bit set.
  var copiedOptions: [UInt8] {
    var copied: [UInt8] = []
    var rest = options[...]
    while let kind = rest.first, kind != 0 {
      guard kind != 1 else {
        rest = rest.dropFirst()
        continue
      }
      guard let length = rest.dropFirst().first.map(Int.init), length >= 2 else { break }
      if kind & 0x80 != 0 { copied += rest.prefix(length) }
      rest = rest.dropFirst(length)
    }
    return copied
  }
}
