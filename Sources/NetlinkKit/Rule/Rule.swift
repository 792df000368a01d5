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
  /// Routes through links of this group do not count (`FRA_SUPPRESS_IFGROUP`); nil for none.
  public var suppressedGroup: LinkGroup?
  /// The priority of the rule to go on at, higher than its own, for the action `goTo` (`FRA_GOTO`).
  public var target: UInt32?
  /// Only packets of these users (`FRA_UID_RANGE`); nil for any.
  public var userIDs: ClosedRange<UInt32>?
  /// Only packets of this protocol (`FRA_IP_PROTO`); nil for any.
  public var ipProtocol: IPProtocol?
  /// Only packets from these ports (`FRA_SPORT_RANGE`), not 0; nil for any.
  public var sourcePorts: ClosedRange<UInt16>?
  /// Only packets to these ports (`FRA_DPORT_RANGE`), not 0; nil for any.
  public var destinationPorts: ClosedRange<UInt16>?
  /// Only packets that came out of a tunnel with this identifier (`FRA_TUN_ID`); nil for any.
  public var tunnelID: UInt64?
  /// Only packets with this type of service, such as 0x10; 0 for any.
  public var typeOfService: UInt8 = 0
  /// Only packets with this code point, 0...63 (`FRA_DSCP`, Linux 6.13); nil for any.
  ///
  /// Unlike ``typeOfService`` it can be 0, and has all six bits for IPv4 too.
  public var codePoint: UInt8?
  /// Whether the table is that of the VRF which the packet came through or goes to (`FRA_L3MDEV`).
  ///
  /// Such a rule has no table of its own.
  public var usesVRFTable = false
  /// Classes for accounting, IPv4 only: that of the source in the upper 16 bits, of the destination in the lower ones
  /// (`FRA_FLOW`); nil for none.
  public var realms: UInt32?
  /// All flags as the kernel sent them (`FIB_RULE_...`); not sent.
  public var kernelFlags: UInt32 = 0
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

extension Rule {
  /// Whether there is no rule with the priority ``target`` (`FIB_RULE_UNRESOLVED`).
  public var isTargetMissing: Bool { kernelFlags & 0x04 != 0 }
  /// Whether there is no link ``inputInterface`` (`FIB_RULE_IIF_DETACHED`).
  public var isInputInterfaceMissing: Bool { kernelFlags & 0x08 != 0 }
  /// Whether there is no link ``outputInterface`` (`FIB_RULE_OIF_DETACHED`).
  public var isOutputInterfaceMissing: Bool { kernelFlags & 0x10 != 0 }

  /// Whether ``table`` means something.
  var asksTable: Bool { action == .lookUp && !usesVRFTable }

  /// The rule without what only the kernel says: flags, unknown attributes, and a table that is not asked.
  ///
  /// A rule that is listed has the settings of the one that was added.
  public var settings: Rule {
    var settings = self
    settings.kernelFlags = 0
    settings.otherAttributes = RawAttributes()
    if !asksTable { settings.table = RouteTableID(0) }
    if action != .goTo { settings.target = nil }
    if mark == nil || markMask == .max { settings.markMask = nil }
    return settings
  }
}
