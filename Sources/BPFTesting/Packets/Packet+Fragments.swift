// SPDX-License-Identifier: Apache-2.0

/// Why a packet cannot be cut.
public struct FragmentError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One sentence: what stands in the way, and what helps.
  public let description: String
}

extension Packet {
  /// The packet as fragments that fit, in order: what a sender or router would send over a link with that MTU.
  ///
  /// The outermost IP header's payload is cut, checksums of the transport and all, so the pieces add up to what one packet
  /// would have carried. A packet that fits stays as it is. A fragment can be cut again.
  ///
  /// - Parameters:
  ///   - mtu: The most bytes from the IP header on.
  ///   - identification: Names the datagram for IPv6; IPv4 has it in its header.
  /// - Returns: Packets in order, each with its own IP header and the same link headers.
  /// - Throws: For a packet without IP, one that says "don't fragment", and an MTU that has no room for 8 bytes of data.
  public func fragments(mtu: Int, identification: UInt32 = 1) throws(FragmentError) -> [Packet] {
    guard let index = layers.firstIndex(where: \.isInternet) else {
      throw FragmentError(description: "the packet has no IP header; only IP packets have fragments")
    }
    let datagram = bytes(from: index)
    let mtu = max(0, mtu)
    if datagram.count <= mtu { return [self] }
    switch layers[index] {
    case .ipv4(let header):
      guard !header.isUnfragmentable else {
        throw FragmentError(description: "the IPv4 header says \"don't fragment\"; clear isUnfragmentable")
      }
      return try cut(header, at: index, mtu)
    default:
      return try cutIPv6(at: index, mtu, identification)
    }
  }

  private func cut(_ header: IPv4Header, at index: Int, _ mtu: Int) throws(FragmentError) -> [Packet] {
    let data = bytes(from: index + 1)
    try Self.check(Int(header.fragmentOffset) + data.count)
    var later = header
    later.options = header.copiedOptions
    var fragments: [Packet] = []
    var start = 0
    while start < data.count {
      var piece = start == 0 ? header : later
      let end = try Self.end(of: start, data.count, mtu - piece.length)
      piece.protocolNumber = header.protocolNumber ?? layers.dropFirst(index + 1).first?.protocolNumber ?? 253
      piece.totalLength = nil
      piece.fragmentOffset = header.fragmentOffset + UInt16(truncatingIfNeeded: start)
      piece.hasMoreFragments = header.hasMoreFragments || end < data.count
      fragments.append(Packet(layers: layers[..<index] + [.ipv4(piece)], payload: Array(data[start..<end])))
      start = end
    }
    return fragments
  }

  private func cutIPv6(at index: Int, _ mtu: Int, _ identification: UInt32) throws(FragmentError) -> [Packet] {
    // What routers look at is in every fragment: all up to a hop-by-hop or routing header.
    var first = index + 1
    var cut = first
    while first < layers.count, case .ipv6Extension(let header) = layers[first] {
      first += 1
      switch header.content {
      case .hopByHop, .routing: cut = first
      case .destination: continue
      case .fragment:
        throw FragmentError(description: "the packet is an IPv6 fragment already; only the sender cuts, and once")
      }
    }
    let data = bytes(from: cut)
    try Self.check(data.count)
    let next = cut < layers.count ? layers[cut].protocolNumber ?? 253 : 253
    let repeated = Self.announcing(44, layers[..<cut])
    let room = mtu - (Packet(layers: repeated).bytes.count - Packet(layers: Array(layers[..<index])).bytes.count) - 8
    var fragments: [Packet] = []
    var start = 0
    while start < data.count {
      let end = try Self.end(of: start, data.count, room)
      let place = Layer.ipv6Fragment(
        offset: UInt16(truncatingIfNeeded: start), hasMore: end < data.count, identification: identification,
        nextHeader: explicitNextHeader(before: cut) ?? next)
      fragments.append(Packet(layers: repeated + [place], payload: Array(data[start..<end])))
      start = end
    }
    return fragments
  }

  /// What the header in front of `index` was told to announce.
  private func explicitNextHeader(before index: Int) -> UInt8? {
    switch layers[index - 1] {
    case .ipv6(let header): header.nextHeader
    case .ipv6Extension(let header): header.nextHeader
    default: nil
    }
  }

  /// The layers, the last of which announces `number`, with lengths left open.
  private static func announcing(_ number: UInt8, _ layers: ArraySlice<Layer>) -> [Layer] {
    layers.enumerated().map { position, layer in
      let isLast = position == layers.count - 1
      switch layer {
      case .ipv6(var header):
        header.payloadLength = nil
        if isLast { header.nextHeader = number }
        return .ipv6(header)
      case .ipv6Extension(var header) where isLast:
        header.nextHeader = number
        return .ipv6Extension(header)
      default: return layer
      }
    }
  }

  /// Whether offsets reach that far.
  private static func check(_ end: Int) throws(FragmentError) {
    guard end <= 65_535 else {
      throw FragmentError(description: "the fragments would end at byte \(end); a datagram has at most 65,535")
    }
  }

  /// Where a fragment ends: a multiple of 8 bytes after its start, unless it is the last.
  private static func end(of start: Int, _ count: Int, _ room: Int) throws(FragmentError) -> Int {
    if count - start <= room { return count }
    guard room >= 8 else {
      throw FragmentError(description: "the MTU leaves \(max(0, room)) bytes for data; fragments need at least 8")
    }
    return start + room / 8 * 8
  }
}
