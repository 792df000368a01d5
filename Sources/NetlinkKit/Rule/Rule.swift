// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// A rule that says which routing table is asked for which packets.
///
/// Rules are tried from the lowest priority number.
public struct Rule: Sendable, Hashable {
  /// IPv4 or IPv6.
  public var family: AddressFamily
  /// Its place in the line; lower comes first.
  public var priority: UInt32
  /// Only packets from there; nil for any.
  public var source: IPCIDR?
  /// Only packets to there; nil for any.
  public var destination: IPCIDR?
  /// Only packets that came in through the link of this name; nil for any.
  ///
  /// `lo`: made on this machine.
  public var inputInterface: InterfaceName?
  /// Only packets of sockets bound to the link of this name; nil for any.
  public var outputInterface: InterfaceName?
  /// Only packets with this mark; nil for any.
  public var mark: UInt32?
  /// Which bits of the mark count; nil for all.
  public var markMask: UInt32?
  /// The table to ask, for the action `lookUp`.
  public var table: RouteTableID
  /// Who put it there.
  public var `protocol`: RouteProtocol
  /// What it does with a packet that matches.
  public var action: RuleAction
  /// Whether it is for packets that do *not* match.
  public var isInverted: Bool
  /// Routes with a prefix this short or shorter do not count: 0 leaves out default routes; nil for none.
  public var suppressedPrefixLength: UInt32?
  /// What the kernel sent besides (`FRA_...`).
  ///
  /// Not sent.
  public var otherAttributes = RawAttributes()

  /// Describes a rule.
  ///
  /// - Parameters:
  ///   - family: IPv4 or IPv6.
  ///   - priority: its place in the line; 0 comes first, the kernel's own rules are 0, 32766 and 32767.
  ///   - source: only packets from there; nil for any.
  ///   - destination: only packets to there; nil for any.
  ///   - inputInterface: only packets that came in through the link of this name.
  ///   - outputInterface: only packets of sockets bound to the link of this name.
  ///   - mark: only packets with this mark.
  ///   - markMask: which bits of the mark count; nil for all.
  ///   - table: the table to ask.
  ///   - protocol: who puts it there.
  ///   - action: what it does with a packet that matches.
  ///   - isInverted: whether it is for packets that do *not* match.
  ///   - suppressedPrefixLength: routes with a prefix this short or shorter do not count.
  public init(
    family: AddressFamily, priority: UInt32, source: IPCIDR? = nil, destination: IPCIDR? = nil,
    inputInterface: InterfaceName? = nil, outputInterface: InterfaceName? = nil, mark: UInt32? = nil,
    markMask: UInt32? = nil, table: RouteTableID = .main, protocol: RouteProtocol = .static,
    action: RuleAction = .lookUp, isInverted: Bool = false, suppressedPrefixLength: UInt32? = nil
  ) {
    self.family = family
    self.priority = priority
    self.source = source
    self.destination = destination
    self.inputInterface = inputInterface
    self.outputInterface = outputInterface
    self.mark = mark
    self.markMask = markMask
    self.table = table
    self.protocol = `protocol`
    self.action = action
    self.isInverted = isInverted
    self.suppressedPrefixLength = suppressedPrefixLength
  }
}

/// What a rule does with a packet that matches (`FR_ACT_...`).
public struct RuleAction: RawRepresentable, Sendable, Hashable {
  /// The kernel's number.
  public let rawValue: UInt8

  /// Makes an action from the kernel's number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Asks the rule's table; the next rule follows if that has no route.
  public static let lookUp = RuleAction(rawValue: 1)
  /// Goes on at another rule, which ``Rule/otherAttributes`` names (`FRA_GOTO`).
  public static let goTo = RuleAction(rawValue: 2)
  /// Nothing.
  public static let none = RuleAction(rawValue: 3)
  /// Drops the packet silently.
  public static let blackhole = RuleAction(rawValue: 6)
  /// Refuses the packet: unreachable.
  public static let unreachable = RuleAction(rawValue: 7)
  /// Refuses the packet: prohibited.
  public static let prohibit = RuleAction(rawValue: 8)
}
