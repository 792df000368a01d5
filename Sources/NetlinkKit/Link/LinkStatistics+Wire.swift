// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

extension LinkStatistics {
  /// Reads `IFLA_STATS64`: however many counters of eight bytes the kernel sent.
  ///
  /// Those it did not send are 0.
  init(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) {
    let length = attribute.payload.count
    guard length >= 64, length % 8 == 0 else {
      throw .attributeWidth(type: attribute.type, expected: LinkStatistics.known * 8, actual: length)
    }
    count = length / 8
    var offset = attribute.payload.lowerBound
    let end = attribute.payload.upperBound
    func next() throws(WireError) -> UInt64 {
      guard offset < end else { return 0 }
      defer { offset += 8 }
      return try datagram.load(UInt64.self, at: offset)
    }
    received.packets = try next()
    transmitted.packets = try next()
    received.bytes = try next()
    transmitted.bytes = try next()
    received.errors = try next()
    transmitted.errors = try next()
    received.dropped = try next()
    transmitted.dropped = try next()
    multicast = try next()
    collisions = try next()
    receiveErrors.length = try next()
    receiveErrors.over = try next()
    receiveErrors.crc = try next()
    receiveErrors.frame = try next()
    receiveErrors.fifo = try next()
    receiveErrors.missed = try next()
    transmitErrors.aborted = try next()
    transmitErrors.carrier = try next()
    transmitErrors.fifo = try next()
    transmitErrors.heartbeat = try next()
    transmitErrors.window = try next()
    received.compressed = try next()
    transmitted.compressed = try next()
    unhandled = try next()
    otherHostDropped = try next()
    while offset < end { newerCounters.append(try next()) }
  }

  /// The counters in the kernel's order, as many as it sent.
  private var counters: [UInt64] {
    let known = [
      received.packets, transmitted.packets, received.bytes, transmitted.bytes, received.errors, transmitted.errors,
      received.dropped, transmitted.dropped, multicast, collisions, receiveErrors.length, receiveErrors.over,
      receiveErrors.crc, receiveErrors.frame, receiveErrors.fifo, receiveErrors.missed, transmitErrors.aborted,
      transmitErrors.carrier, transmitErrors.fifo, transmitErrors.heartbeat, transmitErrors.window,
      received.compressed, transmitted.compressed, unhandled, otherHostDropped,
    ]
    return Array((known + newerCounters).prefix(count))
  }

  /// Writes the counters as the kernel does: in 64 bits, and the first of them once more in 32.
  func encodeReply(into writer: MessageWriter) {
    let counters = counters
    writer.put(Int(IFLA_STATS64), values: counters)
    let narrow = counters.prefix(MemoryLayout<rtnl_link_stats>.size / 4)
    writer.put(Int(IFLA_STATS), values: narrow.map { UInt32(truncatingIfNeeded: $0) })
  }
}
