// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

/// Settings that travel as a list of attributes: those of a kind of link (`IFLA_INFO_DATA`), or of a port
/// (`IFLA_INFO_SLAVE_DATA`).
///
/// One type for both ways: what a request sets is what a reply says.
protocol LinkData {
  /// Settings of which none is said.
  init()

  /// Takes one attribute, and leaves what it does not speak of as it was.
  ///
  /// - Returns: false when it is none of these settings.
  mutating func read(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) -> Bool

  /// Writes what is said.
  ///
  /// - Parameters:
  ///   - writer: where to.
  ///   - asReply: as the kernel would, with what can only be read; else as a request.
  func encode(into writer: MessageWriter, asReply: Bool)
}

extension LinkData {
  /// Reads the attributes in `list`; those that are none of these settings go into `rest`.
  init(_ list: Attribute?, in datagram: RawSpan, rest: inout RawAttributes) throws(WireError) {
    self.init()
    guard let list else { return }
    var cursor = AttributeCursor(list.payload)
    while let attribute = try cursor.next(in: datagram) {
      if try !read(attribute, in: datagram) {
        try rest.append(attribute, from: datagram, upTo: list.payload.upperBound)
      }
    }
  }
}

extension LinkData where Self: Equatable {
  /// Whether each setting that is said here is so in `actual`.
  func isMet(by actual: Self) -> Bool {
    // Told all of it, it would be what it was.
    var told = actual
    visitRequest { attribute, span throws(WireError) in _ = try told.read(attribute, in: span) }
    return told == actual
  }
}

extension LinkData {
  /// Those of these settings that `wanted` names, too: what puts back a change to `wanted`.
  ///
  /// Not all of them, because a kernel refuses some even where they stay what they are.
  func limited(to wanted: Self) -> Self {
    var limited = Self()
    var named: Set<UInt16> = []
    wanted.visitRequest { attribute, _ throws(WireError) in named.insert(attribute.type) }
    visitRequest { attribute, span throws(WireError) in
      if named.contains(attribute.type) { _ = try limited.read(attribute, in: span) }
    }
    return limited
  }

  /// Calls `body` with each attribute of a request for these settings.
  fileprivate func visitRequest(_ body: (Attribute, RawSpan) throws(WireError) -> Void) {
    let writer = MessageWriter()
    writer.begin(type: 0, flags: 0, sequence: 0)
    encode(into: writer, asReply: false)
    let bytes = writer.bytes
    let span = unsafe bytes.span.bytes
    var cursor = AttributeCursor(Message.headerSize..<bytes.count)
    while let attribute = try? cursor.next(in: span) { try? body(attribute, span) }
  }
}

extension RawSpan {
  /// The payload of `attribute`, one byte, as a switch.
  @inline(__always)
  func isOn(_ attribute: Attribute) throws(WireError) -> Bool { try value(attribute, as: UInt8.self) != 0 }

  /// The payload of `attribute` as a link's index; nothing is said by 0, which the kernel does not send.
  func linkIndex(_ attribute: Attribute) throws(WireError) -> InterfaceIndex?? {
    InterfaceIndex(rawValue: try value(attribute)).map(Optional.some)
  }

  /// The payload of `attribute`, in network byte order.
  @inline(__always)
  func networkValue<T: FixedWidthInteger & BitwiseCopyable>(_ attribute: Attribute) throws(WireError) -> T {
    T(bigEndian: try value(attribute))
  }

  /// The payload of `attribute`, two integers one after the other.
  func pair<T: FixedWidthInteger & BitwiseCopyable>(_ attribute: Attribute) throws(WireError) -> (T, T) {
    let size = MemoryLayout<T>.size
    guard attribute.payload.count == 2 * size else {
      throw .attributeWidth(type: attribute.type, expected: 2 * size, actual: attribute.payload.count)
    }
    let start = attribute.payload.lowerBound
    return (try load(T.self, at: start), try load(T.self, at: start + size))
  }
}

extension MessageWriter {
  /// An integer attribute, when there is a value.
  func put<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Int, ifSet value: Value?) {
    if let value { put(type, value) }
  }

  /// A switch of one byte, when there is a value.
  func put(_ type: Int, ifSet isOn: Bool?) { if let isOn { put(type, UInt8(isOn ? 1 : 0)) } }

  /// A link's index, when there is a value; 0 for no link.
  func put(_ type: Int, ifSet index: InterfaceIndex??) { if let index { put(type, index?.rawValue ?? 0) } }

  /// A link-layer address, when there is one.
  func put(_ type: Int, ifSet address: MACAddress?) { if let address { put(type, address) } }
}

extension RawAttributes {
  /// Calls `body` with each attribute and the bytes that it lies in; one that `body` cannot read is passed over.
  func visit(_ body: (Attribute, RawSpan) throws(WireError) -> Void) {
    withSpan { span in
      var cursor = AttributeCursor(0..<span.byteCount)
      while let attribute = try? cursor.next(in: span) { try? body(attribute, span) }
    }
  }
}
