// SPDX-License-Identifier: Apache-2.0

/// The number of a queueing discipline or a class, and the place where something hangs: `major:minor`.
///
/// A queueing discipline has minor 0 (`1:`); its classes have its major (`1:10`). Both halves are hexadecimal in text, as
/// `tc` writes them: `TrafficHandle("1:10")` has minor 16.
public struct TrafficHandle: RawRepresentable, Sendable, Hashable, Comparable {
  /// The kernel's number: major in the upper 16 bits, minor in the lower.
  public let rawValue: UInt32

  /// Makes a handle from the kernel's number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Makes a handle from its halves.
  ///
  /// - Parameters:
  ///   - major: the queueing discipline, 1...0x7fff for your own; the kernel gives itself 0x8000 and up.
  ///   - minor: the class; 0 for the queueing discipline itself.
  public init(major: UInt16, minor: UInt16 = 0) { rawValue = UInt32(major) << 16 | UInt32(minor) }

  /// The queueing discipline.
  public var major: UInt16 { UInt16(truncatingIfNeeded: rawValue >> 16) }
  /// The class; 0 for the queueing discipline itself.
  public var minor: UInt16 { UInt16(truncatingIfNeeded: rawValue) }

  /// Not said (`TC_H_UNSPEC`).
  public static let unspecified = TrafficHandle(rawValue: 0)
  /// Where a link's main queueing discipline hangs (`TC_H_ROOT`).
  public static let root = TrafficHandle(rawValue: 0xffff_ffff)
  /// Where the `ingress` discipline hangs (`TC_H_INGRESS`): the same place as ``clsact``.
  public static let ingress = TrafficHandle(rawValue: 0xffff_fff1)
  /// Where `clsact` hangs (`TC_H_CLSACT`): the same place as ``ingress``.
  public static let clsact = TrafficHandle(rawValue: 0xffff_fff1)
  /// The number of the `ingress` and the `clsact` discipline, `ffff:`; filters of `ingress` hang here.
  public static let ingressQdisc = TrafficHandle(rawValue: 0xffff_0000)
  /// Where filters hang at `clsact` that see what comes in (`TC_H_MIN_INGRESS`).
  public static let clsactIngress = TrafficHandle(rawValue: 0xffff_fff2)
  /// Where filters hang at `clsact` that see what goes out (`TC_H_MIN_EGRESS`).
  public static let clsactEgress = TrafficHandle(rawValue: 0xffff_fff3)

  /// Where filters of this direction hang at `clsact`.
  public static func clsact(_ direction: TrafficDirection) -> TrafficHandle {
    direction == .ingress ? clsactIngress : clsactEgress
  }

  /// Orders handles by number.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension TrafficHandle: LosslessStringConvertible {
  /// Reads `root`, `none`, `ingress`, `clsact`, `1:`, `1:10` or `:10`; nil for anything else.
  public init?(_ description: String) {
    switch description {
    case "root": self = .root
    case "none": self = .unspecified
    case "ingress", "clsact": self = .clsact
    default:
      let halves = description.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard halves.count == 2, !(halves[0].isEmpty && halves[1].isEmpty), let major = TrafficHandle.half(halves[0]),
        let minor = TrafficHandle.half(halves[1])
      else { return nil }
      self.init(major: major, minor: minor)
    }
  }

  private static func half(_ text: Substring) -> UInt16? {
    if text.isEmpty { return 0 }
    return text.first == "+" || text.first == "-" ? nil : UInt16(text, radix: 16)
  }

  /// The handle in `tc`'s words: `root`, `none`, `1:`, `1:10`, `:10`.
  public var description: String {
    switch self {
    case .root: return "root"
    case .unspecified: return "none"
    default:
      let (left, right) = (String(major, radix: 16), String(minor, radix: 16))
      return (major == 0 ? "" : left) + ":" + (minor == 0 ? "" : right)
    }
  }
}
