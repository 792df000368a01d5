// SPDX-License-Identifier: Apache-2.0

/// A UDP header. `struct udphdr`
public struct UDPHeader: Hashable, Sendable {
  /// The sender's port.
  public var sourcePort: UInt16
  /// The receiver's port.
  public var destinationPort: UInt16
  /// Header and data, in bytes; nil: as they are.
  public var length: UInt16?
  /// The checksum over header, data and the addresses; `.exactly(0)`: none.
  public var checksum: Checksum<UInt16> = .correct

  /// A header; all else is a variable.
  public init(from sourcePort: UInt16, to destinationPort: UInt16) {
    self.sourcePort = sourcePort
    self.destinationPort = destinationPort
  }

  func encode(_ payload: [UInt8], _ addresses: PseudoHeader?) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(sourcePort)
    bytes.append(destinationPort)
    bytes.append(length ?? UInt16(truncatingIfNeeded: 8 + payload.count))
    bytes.append(UInt16(0))
    let header = bytes
    // 0 would say that there is none (RFC 768).
    func right() -> UInt16 {
      let sum = PseudoHeader.checksum(addresses, 17, header, payload)
      return sum == 0 ? 0xffff : sum
    }
    bytes.store(checksum.value(right()), at: 6)
    return bytes
  }

  init?(_ reader: inout ByteReader) {
    guard let sourcePort: UInt16 = reader.take(), let destinationPort: UInt16 = reader.take(),
      let length: UInt16 = reader.take(), let checksum: UInt16 = reader.take()
    else { return nil }
    self.init(from: sourcePort, to: destinationPort)
    self.length = length
    self.checksum = .exactly(checksum)
  }
}
