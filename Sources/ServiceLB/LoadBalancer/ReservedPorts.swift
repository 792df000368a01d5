// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem

/// Ports that the kernel gives to no socket by itself: `net.ipv4.ip_local_reserved_ports`, for TCP and UDP of both families.
///
/// A node's own connections must not come from a node port: replies to them would be taken for requests. Binding to such a
/// port on purpose is refused by the programs at sockets.
public struct ReservedPorts: Hashable, Sendable, CustomStringConvertible {
  /// In order, apart from each other by one port at least.
  public private(set) var ranges: [ClosedRange<UInt16>]

  /// Puts ranges together; those that overlap or touch become one.
  public init(_ ranges: [ClosedRange<UInt16>]) {
    self.ranges = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = self.ranges.last, range.lowerBound <= last.upperBound || range.lowerBound - last.upperBound == 1 {
        self.ranges[self.ranges.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        self.ranges.append(range)
      }
    }
  }

  /// Reads the kernel's form, `8080,30000-32767`; nil: it is none.
  public init?(_ text: String) {
    var ranges: [ClosedRange<UInt16>] = []
    for part in text.split(whereSeparator: { $0 == "," || $0 == " " || $0 == "\t" || $0 == "\n" }) {
      let bounds = part.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
      guard (1...2).contains(bounds.count), let first = bounds[0], let last = bounds[bounds.count - 1], first <= last
      else { return nil }
      ranges.append(first...last)
    }
    self.init(ranges)
  }

  /// The kernel's form.
  public var description: String {
    ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
  }

  /// Whether all of a range is reserved.
  public func contains(_ range: ClosedRange<UInt16>) -> Bool {
    ranges.contains { $0.lowerBound <= range.lowerBound && range.upperBound <= $0.upperBound }
  }

  private static let setting = "net/ipv4/ip_local_reserved_ports"

  /// Reserves ports besides those that are reserved; what others reserved stays.
  ///
  /// The kernel has no way to add: what somebody else writes between reading and writing is lost.
  ///
  /// - Parameters:
  ///   - range: The node ports.
  ///   - namespace: The node's own.
  /// - Returns: Whether anything was written; false: all were reserved already.
  /// - Throws: `SystemError`: `notFound`, `permissionDenied`, `notKept` where the kernel kept something else;
  ///   `invalidArgument` where it has something that is no list of ports.
  /// - Requires: Root. `/proc/sys` mounted writable.
  @discardableResult
  public static func reserve(
    _ range: ClosedRange<UInt16>, in namespace: NetworkNamespace
  ) async throws(SystemError) -> Bool {
    let text = try await Sysctl.read(setting, in: namespace)
    guard let reserved = ReservedPorts(text) else {
      throw SystemError(
        code: .invalidArgument, message: "reserve ports \(range): the kernel's list is \"\(text)\", which is none")
    }
    if reserved.contains(range) { return false }
    try await Sysctl.write(ReservedPorts(reserved.ranges + [range]).description, to: setting, in: namespace)
    return true
  }
}
