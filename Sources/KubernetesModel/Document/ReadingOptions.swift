// SPDX-License-Identifier: Apache-2.0

/// How objects are read.
public struct ReadingOptions: Hashable, Sendable {
  /// What happens to a field of a cluster-scoped policy that this module does not know.
  ///
  /// Fields of other kinds are always errors where they are unknown.
  public enum UnknownFields: Hashable, Sendable {
    /// It is an error: a manifest is misspelt more often than newer.
    case refused
    /// It is taken for one of a newer version of the API, and fails closed.
    ///
    /// A peer becomes ``ClusterPolicy/Peer/unknown(_:)``. An unknown way to write ports is never matched by a rule that
    /// accepts, and makes of any other rule one that denies everything. Elsewhere the field is skipped.
    case failClosed
  }

  /// What happens to fields that are not known.
  public var unknownFields: UnknownFields

  /// Makes options.
  ///
  /// - Parameter unknownFields: what happens to fields that are not known.
  public init(unknownFields: UnknownFields = .refused) {
    self.unknownFields = unknownFields
  }

  /// For manifests: everything the API server refuses is refused.
  public static let strict = ReadingOptions()
  /// For objects that an API server has accepted, perhaps by a newer definition than this module's.
  public static let accepted = ReadingOptions(unknownFields: .failClosed)
}
