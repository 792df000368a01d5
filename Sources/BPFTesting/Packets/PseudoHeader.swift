// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

/// The addresses that a transport's checksum covers.
///
/// The receiver is the one that the IP header names: a route in an extension header is not followed.
enum PseudoHeader {
  case ipv4(IPv4Header)
  case ipv6(IPv6Header)

  /// nil: without addresses, as ICMP for IPv4 has it.
  static func checksum(_ addresses: PseudoHeader?, _ number: UInt8, _ header: [UInt8], _ payload: [UInt8]) -> UInt16 {
    var sum = InternetSum()
    var pseudo: [UInt8] = []
    let length = header.count + payload.count
    switch addresses {
    case .ipv4(let header):
      pseudo = header.source.bytes + header.destination.bytes + [0, number]
      pseudo.append(UInt16(truncatingIfNeeded: length))
    case .ipv6(let header):
      pseudo = header.source.bytes + header.destination.bytes
      pseudo.append(UInt32(truncatingIfNeeded: length))
      pseudo += [0, 0, 0, number]
    case nil: break
    }
    sum.add(pseudo)
    sum.add(header)
    sum.add(payload)
    return sum.checksum
  }
}
