// SPDX-License-Identifier: Apache-2.0

/// The first 8 bytes of an ICMP message, for IPv4 or IPv6. `struct icmphdr`, `struct icmp6hdr`
public struct ICMPHeader: Hashable, Sendable {
  /// What it is about.
  public var type: UInt8
  /// What exactly.
  public var code: UInt8
  /// The four bytes behind the checksum, as a number: identifier and sequence, or the next hop's MTU, or zero.
  public var rest: UInt32
  /// The checksum; of ICMPv6 over the addresses too.
  public var checksum: Checksum<UInt16> = .correct

  /// A header.
  public init(type: UInt8, code: UInt8 = 0, rest: UInt32 = 0) {
    self.type = type
    self.code = code
    self.rest = rest
  }

  /// The upper half of `rest`, which echoes use to name a sender.
  public var identifier: UInt16 {
    get { UInt16(truncatingIfNeeded: rest >> 16) }
    set { rest = UInt32(newValue) << 16 | rest & 0xffff }
  }

  /// The lower half of `rest`, which echoes count with.
  public var sequence: UInt16 {
    get { UInt16(truncatingIfNeeded: rest) }
    set { rest = rest & 0xffff_0000 | UInt32(newValue) }
  }

  func encode(_ payload: [UInt8], _ addresses: PseudoHeader?) -> [UInt8] {
    var bytes: [UInt8] = [type, code, 0, 0]
    bytes.append(rest)
    let header = bytes
    bytes.store(checksum.value(PseudoHeader.checksum(addresses, 58, header, payload)), at: 2)
    return bytes
  }

  init?(_ reader: inout ByteReader) {
    guard let type = reader.byte(), let code = reader.byte(), let checksum: UInt16 = reader.take(),
      let rest: UInt32 = reader.take()
    else { return nil }
    self.init(type: type, code: code, rest: rest)
    self.checksum = .exactly(checksum)
  }
}
