// SPDX-License-Identifier: Apache-2.0

/// The number by which one network namespace knows another.
///
/// It means something only in the namespace that gave it, and there for as long as the other one lives: the kernel gives
/// it once and never takes it back, and may give it again when the other one is gone.
public struct NamespaceID: RawRepresentable, Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The kernel's number, 0 or more for a namespace that has one.
  public let rawValue: Int32

  /// Makes an id from the kernel's number.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// What the kernel says where there is no number (`NETNSA_NSID_NOT_ASSIGNED`).
  static let notAssigned = NamespaceID(rawValue: -1)

  /// The number.
  public var description: String { "\(rawValue)" }

  /// Orders ids by number.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension NamespaceID {
  /// What to add to the operation of a request that acts in another namespace.
  static func text(_ id: NamespaceID?) -> String { id.map { " in namespace with id \($0)" } ?? "" }

  /// What a refusal means for a request that acts in another namespace.
  static var denied: (code: NetlinkError.Code, reason: String) {
    (.permissionDenied, "not permitted; CAP_NET_ADMIN in the other network namespace is needed, to look as well")
  }
}
