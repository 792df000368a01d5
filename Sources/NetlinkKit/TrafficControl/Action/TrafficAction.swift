// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// One thing that is done with the packets of a filter: to give it to a filter, and as read back.
///
/// A filter's actions are done in order, as long as each one's ``verdict`` is ``TrafficVerdict/pipe``.
public struct TrafficAction: Sendable, Hashable {
  /// Its kind, and the settings of that kind.
  public var settings: ActionSettings
  /// What happens to a packet afterwards.
  ///
  /// Of ``ActionSettings/other(_:options:)`` it is in the options, and this one says nothing.
  public var verdict: TrafficVerdict
  /// Its number among those of its kind, by which several filters can share it; 0 to let the kernel make one.
  public var index: UInt32
  /// A mark of your own, up to 16 bytes (`TCA_ACT_COOKIE`).
  public var cookie: [UInt8]
  /// How many hold on to it; not sent.
  public var referenceCount: Int32 = 0
  /// How many filters use it; not sent.
  public var bindCount: Int32 = 0
  /// What it did (`TCA_ACT_STATS`); not sent.
  public var statistics: TrafficStatistics?
  /// What the kernel sent in `TCA_ACT_OPTIONS` besides: when it was made and used, among others; not sent.
  public var otherOptions = RawAttributes()
  /// What the kernel sent besides (`TCA_ACT_...`); not sent.
  public var otherAttributes = RawAttributes()
  /// A word that the kernel keeps in the action's fixed part, and has no use for.
  var capabilities: UInt32 = 0

  /// Describes an action.
  ///
  /// - Parameters:
  ///   - settings: its kind, and the settings of that kind.
  ///   - verdict: what happens to a packet afterwards; nil for what `tc` takes: ``TrafficVerdict/stolen`` for a redirect,
  ///     ``TrafficVerdict/pass`` for `gact`, ``TrafficVerdict/pipe`` for the others.
  ///   - index: its number among those of its kind; 0 to let the kernel make one.
  ///   - cookie: a mark of your own, up to 16 bytes.
  public init(
    _ settings: ActionSettings, then verdict: TrafficVerdict? = nil, index: UInt32 = 0, cookie: [UInt8] = []
  ) {
    self.settings = settings
    self.verdict = verdict ?? settings.usualVerdict
    self.index = index
    self.cookie = cookie
  }

  /// Its kind, by the kernel's name, such as `mirred`.
  public var kind: String { settings.name }
}

extension TrafficAction {
  /// Nothing but a verdict.
  public static func verdict(_ verdict: TrafficVerdict) -> TrafficAction { TrafficAction(.gact(), then: verdict) }
  /// Sends the packet out of another link, or makes it come in there, in the place of what would have become of it.
  ///
  /// - Parameters:
  ///   - interface: the other link.
  ///   - direction: whether it leaves there or comes in.
  /// - Returns: The action.
  public static func redirect(
    to interface: InterfaceIndex, _ direction: TrafficDirection = .egress
  ) -> TrafficAction {
    TrafficAction(.mirred(.init(.redirect, to: interface, direction)))
  }
  /// Sends a copy of the packet out of another link, or makes it come in there.
  ///
  /// - Parameters:
  ///   - interface: the other link.
  ///   - direction: whether it leaves there or comes in.
  /// - Returns: The action.
  public static func mirror(
    to interface: InterfaceIndex, _ direction: TrafficDirection = .egress
  ) -> TrafficAction {
    TrafficAction(.mirred(.init(.mirror, to: interface, direction)))
  }
}
