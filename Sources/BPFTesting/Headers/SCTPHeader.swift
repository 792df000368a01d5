// SPDX-License-Identifier: Apache-2.0

/// SCTP's common header, and its chunks. `struct sctphdr`
public struct SCTPHeader: Hashable, Sendable {
  /// The sender's port.
  public var sourcePort: UInt16
  /// The receiver's port.
  public var destinationPort: UInt16
  /// Names the association; 0 with the first packet.
  public var verificationTag: UInt32
  /// What the packet carries; the packet's payload follows them as it is.
  public var chunks: [SCTPChunk]
  /// CRC-32C over all of it, as a number in network order, which is how captures print it.
  public var checksum: Checksum<UInt32> = .correct

  /// A header with chunks.
  public init(from sourcePort: UInt16, to destinationPort: UInt16, tag: UInt32 = 0, chunks: [SCTPChunk] = []) {
    self.sourcePort = sourcePort
    self.destinationPort = destinationPort
    self.verificationTag = tag
    self.chunks = chunks
  }

  func encode(_ payload: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(sourcePort)
    bytes.append(destinationPort)
    bytes.append(verificationTag)
    bytes.append(UInt32(0))
    for chunk in chunks { bytes += chunk.bytes }
    let whole = bytes + payload
    // The CRC travels with its lowest byte first.
    bytes.store(checksum.value(CRC32C.of(whole).byteSwapped), at: 8)
    return bytes
  }

  init?(_ reader: inout ByteReader) {
    guard let sourcePort: UInt16 = reader.take(), let destinationPort: UInt16 = reader.take(),
      let tag: UInt32 = reader.take(), let checksum: UInt32 = reader.take()
    else { return nil }
    self.init(from: sourcePort, to: destinationPort, tag: tag)
    self.checksum = .exactly(checksum)
    var rest = reader
    while let chunk = SCTPChunk(&rest) {
      chunks.append(chunk)
      reader = rest
    }
  }
}

/// One chunk of an SCTP packet.
public struct SCTPChunk: Hashable, Sendable {
  /// What it is: 0 data, 1 INIT, 2 INIT ACK, 3 SACK, 4 HEARTBEAT, 6 ABORT, 7 SHUTDOWN, 10 COOKIE ECHO, 11 COOKIE ACK.
  public var type: UInt8
  /// What the bits mean depends on the type.
  public var flags: UInt8
  /// What follows the four bytes of type, flags and length; filled with zeros to a multiple of 4 bytes.
  public var value: [UInt8]

  /// A chunk.
  public init(type: UInt8, flags: UInt8 = 0, value: [UInt8] = []) {
    self.type = type
    self.flags = flags
    self.value = value
  }

  /// Opens an association.
  public static func initiation(
    tag: UInt32, window: UInt32 = 65_535, outboundStreams: UInt16 = 10, inboundStreams: UInt16 = 10,
    sequence: UInt32 = 1
  ) -> SCTPChunk {
    var value: [UInt8] = []
    value.append(tag)
    value.append(window)
    value.append(outboundStreams)
    value.append(inboundStreams)
    value.append(sequence)
    return SCTPChunk(type: 1, value: value)
  }

  /// A whole message.
  public static func data(
    _ bytes: [UInt8], sequence: UInt32, stream: UInt16 = 0, streamSequence: UInt16 = 0, payloadProtocol: UInt32 = 0
  ) -> SCTPChunk {
    var value: [UInt8] = []
    value.append(sequence)
    value.append(stream)
    value.append(streamSequence)
    value.append(payloadProtocol)
    return SCTPChunk(type: 0, flags: 3, value: value + bytes)
  }

  var bytes: [UInt8] {
    var bytes = [type, flags]
    bytes.append(UInt16(truncatingIfNeeded: 4 + value.count))
    return bytes + value + Array(repeating: 0, count: (4 - value.count % 4) % 4)
  }

  init?(_ reader: inout ByteReader) {
    guard let type = reader.byte(), let flags = reader.byte(), let length: UInt16 = reader.take(), length >= 4,
      let value = reader.bytes(Int(length) - 4), let padding = reader.bytes((4 - value.count % 4) % 4),
      padding.allSatisfy({ $0 == 0 })
    else { return nil }
    self.init(type: type, flags: flags, value: value)
  }
}
