// SPDX-License-Identifier: Apache-2.0

/// An aligned block of port numbers: those that share their first bits, as a longest-prefix map stores them.
public struct PortBlock: Hashable, Sendable {
  /// The first port.
  public var first: UInt16
  /// How many leading bits count, 0 to 16: 16 is one port, 0 is all of them.
  public var prefixLength: Int

  /// The last port.
  public var last: UInt16 { first | UInt16(truncatingIfNeeded: (1 << (16 - prefixLength)) - 1) }

  /// The block of this length around a port.
  ///
  /// - Parameters:
  ///   - port: any port of the block.
  ///   - prefixLength: 0 to 16; values outside are taken as the nearest.
  public init(around port: UInt16, prefixLength: Int) {
    let length = min(max(prefixLength, 0), 16)
    self.prefixLength = length
    self.first = UInt16(truncatingIfNeeded: (Int(port) >> (16 - length)) << (16 - length))
  }

  /// The fewest blocks that make up a range: at most 30.
  ///
  /// - Parameter range: port numbers.
  /// - Returns: blocks in ascending order.
  public static func covering(_ range: ClosedRange<UInt16>) -> [PortBlock] {
    var blocks: [PortBlock] = []
    var next = Int(range.lowerBound)
    let end = Int(range.upperBound)
    while next <= end {
      var size = next == 0 ? 1 << 16 : 1 << next.trailingZeroBitCount
      while next + size - 1 > end { size >>= 1 }
      blocks.append(PortBlock(around: UInt16(next), prefixLength: 16 - size.trailingZeroBitCount))
      next += size
    }
    return blocks
  }
}

extension PortBlock: CustomStringConvertible, Comparable {
  /// A port, or the first and the last with a dash between.
  public var description: String { prefixLength == 16 ? "\(first)" : "\(first)-\(last)" }

  /// Orders by first port, larger blocks first.
  public static func < (left: PortBlock, right: PortBlock) -> Bool {
    (left.first, left.prefixLength) < (right.first, right.prefixLength)
  }
}
