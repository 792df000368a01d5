// SPDX-License-Identifier: Apache-2.0

/// What passed through a link since it was created (`struct rtnl_link_stats64`).
public struct LinkStatistics: Sendable, Hashable {
  /// One direction's counters.
  public struct Direction: Sendable, Hashable {
    /// Packets that passed.
    public var packets: UInt64
    /// Bytes that passed.
    public var bytes: UInt64
    /// Packets that were broken.
    public var errors: UInt64
    /// Packets that were dropped for want of space.
    public var dropped: UInt64
  }

  /// Towards this machine.
  public var received: Direction
  /// Away from it.
  public var transmitted: Direction

  /// Reads the first eight of the kernel's counters; newer kernels append more.
  init(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) {
    func counter(_ place: Int) throws(WireError) -> UInt64 {
      let offset = attribute.payload.lowerBound + place * 8
      guard offset + 8 <= attribute.payload.upperBound else {
        throw .attributeWidth(type: attribute.type, expected: 64, actual: attribute.payload.count)
      }
      return try datagram.load(UInt64.self, at: offset)
    }
    received = Direction(
      packets: try counter(0), bytes: try counter(2), errors: try counter(4), dropped: try counter(6))
    transmitted = Direction(
      packets: try counter(1), bytes: try counter(3), errors: try counter(5), dropped: try counter(7))
  }
}
