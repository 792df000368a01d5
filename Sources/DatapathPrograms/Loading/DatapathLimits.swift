// SPDX-License-Identifier: Apache-2.0

/// How much the pod datapath's maps hold.
///
/// Maps that are pinned already keep their size: a table that is in use cannot be resized.
public struct DatapathLimits: Hashable, Sendable {
  /// Flows that are tracked at once, on all pods of the node.
  ///
  /// About 100 bytes of kernel memory each, taken when the map is made. Beyond it the flow that was used least recently is forgotten.
  public var flows: UInt32
  /// Address prefixes that policies tell apart, in two generations together.
  public var peerClasses: UInt32
  /// Verdicts of all rule sets, in two generations together.
  public var verdicts: UInt32
  /// Bytes of flow records that wait to be read; rounded up to a power of two of at least a page.
  public var eventBytes: UInt32

  /// Chooses sizes.
  ///
  /// - Parameters:
  ///   - flows: Flows tracked at once, at least 1.
  ///   - peerClasses: Address prefixes, at least 1.
  ///   - verdicts: Verdicts, at least 1.
  ///   - eventBytes: Bytes of waiting flow records, at least 1.
  public init(
    flows: UInt32 = 131_072, peerClasses: UInt32 = 131_072, verdicts: UInt32 = 131_072, eventBytes: UInt32 = 1 << 20
  ) {
    self.flows = flows
    self.peerClasses = peerClasses
    self.verdicts = verdicts
    self.eventBytes = eventBytes
  }

  /// Sizes for a node with up to 250 pods.
  public static let `default` = DatapathLimits()
}
