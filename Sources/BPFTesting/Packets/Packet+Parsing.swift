// SPDX-License-Identifier: Apache-2.0

extension Packet {
  /// What the first byte of a packet belongs to.
  public enum Start: Hashable, Sendable {
    /// An Ethernet header.
    case ethernet
    /// An IPv4 or IPv6 header, told by its version.
    case internet
  }

  /// Reads any bytes: the headers that are whole and make sense become layers, the rest is payload.
  ///
  /// Nothing is lost or guessed: `Packet(parsing: bytes).bytes == bytes` for all bytes. What is as a sender would compute
  /// it (lengths, checksums, what follows) is read as computed; what is not, as the number it is. So `.correct` says that a
  /// checksum is right. Later fragments have no transport layer, and nothing has more than 24 layers.
  ///
  /// - Parameters:
  ///   - bytes: A frame, or a packet.
  ///   - start: What they begin with.
  public init(parsing bytes: [UInt8], from start: Start = .ethernet) {
    var reader = ByteReader(bytes[...])
    var layers: [Layer] = []
    var trailer: [UInt8] = []
    var next: Parser = start == .ethernet ? .ethernet : .internet
    while layers.count < Self.mostLayers, let layer = next.layer(&reader) {
      layers.append(layer)
      next = Parser(after: layer)
      // Only the outermost IP header says where the packet ends.
      if layers.count(where: \.isInternet) == 1, layer.isInternet,
        let length = layer.claimedFollowing, length < reader.rest.count
      {
        trailer = Array(reader.rest.dropFirst(length))
        reader = ByteReader(reader.rest.prefix(length))
      }
    }
    self.init(layers: layers, payload: Array(reader.rest), trailer: trailer)
    // A header that would be written otherwise (a reserved bit is set) is payload after all.
    while self.bytes != bytes, !self.layers.isEmpty {
      self.layers.removeLast()
      let headers = Packet(layers: self.layers).bytes.count
      payload = Array(bytes[headers...].dropLast(trailer.count))
    }
    if self.layers.isEmpty { self.init(layers: [], payload: bytes) }
    leaveOpenWhatIsComputed(bytes)
  }

  /// More headers than any packet needs.
  ///
  /// What is behind them is payload: bytes from outside must not cost more than that.
  private static let mostLayers = 24

  private mutating func leaveOpenWhatIsComputed(_ bytes: [UInt8]) {
    for index in layers.indices.reversed() {
      var field = 0
      while let candidate = layers[index].leavingOpen(field) {
        let original = layers[index]
        layers[index] = candidate
        if self.bytes != bytes { layers[index] = original }
        field += 1
      }
    }
  }
}

/// Which header comes next.
private enum Parser {
  case ethernet
  case internet
  case etherType(UInt16)
  case protocolNumber(UInt8)
  case nothing

  init(after layer: Layer) {
    switch layer {
    case .ethernet(let header): self = header.type.map(Parser.etherType) ?? .nothing
    case .vlan(let tag): self = tag.type.map(Parser.etherType) ?? .nothing
    case .ipv4(let header): self = header.fragmentOffset > 0 ? .nothing : .protocolNumber(header.protocolNumber ?? 253)
    case .ipv6(let header): self = .protocolNumber(header.nextHeader ?? 59)
    case .ipv6Extension(let header):
      if case .fragment(let offset, _, _) = header.content, offset > 0 {
        self = .nothing
      } else {
        self = .protocolNumber(header.nextHeader ?? 59)
      }
    default: self = .nothing
    }
  }

  /// nil: it ends here, and the reader stands where it stood.
  func layer(_ reader: inout ByteReader) -> Layer? {
    var ahead = reader
    guard let layer = read(&ahead) else { return nil }
    reader = ahead
    return layer
  }

  private func read(_ reader: inout ByteReader) -> Layer? {
    switch self {
    case .nothing: return nil
    case .ethernet: return EthernetHeader(&reader).map(Layer.ethernet)
    case .internet, .etherType(0x0800), .etherType(0x86dd):
      if case .etherType(let type) = self, reader.rest.first.map({ $0 >> 4 }) != (type == 0x0800 ? 4 : 6) { return nil }
      return reader.rest.first.map { $0 >> 4 } == 6
        ? IPv6Header(&reader).map(Layer.ipv6) : IPv4Header(&reader).map(Layer.ipv4)
    case .etherType(0x0806): return ARPMessage(&reader).map(Layer.arp)
    case .etherType(let type) where type == 0x8100 || type == 0x88a8:
      return VLANTag(&reader, protocolType: type).map(Layer.vlan)
    case .etherType: return nil
    case .protocolNumber(let number):
      switch number {
      case 0, 43, 44, 60: return IPv6Extension(&reader, number: number).map(Layer.ipv6Extension)
      case 1: return ICMPHeader(&reader).map(Layer.icmp)
      case 4: return IPv4Header(&reader).map(Layer.ipv4)
      case 6: return TCPHeader(&reader).map(Layer.tcp)
      case 17: return UDPHeader(&reader).map(Layer.udp)
      case 41: return IPv6Header(&reader).map(Layer.ipv6)
      case 58: return ICMPHeader(&reader).map(Layer.icmpv6)
      case 132: return SCTPHeader(&reader).map(Layer.sctp)
      default: return nil
      }
    }
  }
}

extension Layer {
  /// How many bytes an IP header says follow it.
  fileprivate var claimedFollowing: Int? {
    switch self {
    case .ipv4(let header): header.totalLength.map { Int($0) - header.length }.flatMap { $0 < 0 ? nil : $0 }
    case .ipv6(let header): header.payloadLength.map(Int.init)
    default: nil
    }
  }

  /// The layer with one of its fields left to be computed; nil: there are no more such fields.
  fileprivate func leavingOpen(_ field: Int) -> Layer? {
    switch (self, field) {
    case (.ethernet(var header), 0):
      header.type = nil
      return .ethernet(header)
    case (.vlan(var tag), 0):
      tag.type = nil
      return .vlan(tag)
    case (.ipv4(var header), 0...2):
      if field == 0 { header.totalLength = nil }
      if field == 1 { header.protocolNumber = nil }
      if field == 2 { header.checksum = .correct }
      return .ipv4(header)
    case (.ipv6(var header), 0...1):
      if field == 0 { header.payloadLength = nil }
      if field == 1 { header.nextHeader = nil }
      return .ipv6(header)
    case (.ipv6Extension(var header), 0...1):
      if field == 0 { header.nextHeader = nil }
      if field == 1 { header.content = header.content.withoutPadding }
      return .ipv6Extension(header)
    case (.tcp(var header), 0):
      header.checksum = .correct
      return .tcp(header)
    case (.udp(var header), 0...1):
      if field == 0 { header.length = nil }
      if field == 1 { header.checksum = .correct }
      return .udp(header)
    case (.sctp(var header), 0):
      header.checksum = .correct
      return .sctp(header)
    case (.icmp(var header), 0):
      header.checksum = .correct
      return .icmp(header)
    case (.icmpv6(var header), 0):
      header.checksum = .correct
      return .icmpv6(header)
    default: return nil
    }
  }
}
