// SPDX-License-Identifier: Apache-2.0

extension FakeKernel {
  /// What a request asks for, by the kernel's number of its message type.
  public struct RequestKind: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The kernel's number.
    public let rawValue: UInt16

    /// Makes a kind from the kernel's number.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// To create or change a link (`RTM_NEWLINK`).
    public static let newLink = RequestKind(rawValue: 16)
    /// To remove a link (`RTM_DELLINK`).
    public static let removeLink = RequestKind(rawValue: 17)
    /// To find or list links (`RTM_GETLINK`).
    public static let getLink = RequestKind(rawValue: 18)
    /// To add or replace an address (`RTM_NEWADDR`).
    public static let newAddress = RequestKind(rawValue: 20)
    /// To remove an address (`RTM_DELADDR`).
    public static let removeAddress = RequestKind(rawValue: 21)
    /// To list addresses (`RTM_GETADDR`).
    public static let getAddress = RequestKind(rawValue: 22)
    /// To add or replace a route (`RTM_NEWROUTE`).
    public static let newRoute = RequestKind(rawValue: 24)
    /// To remove a route (`RTM_DELROUTE`).
    public static let removeRoute = RequestKind(rawValue: 25)
    /// To look up or list routes (`RTM_GETROUTE`).
    public static let getRoute = RequestKind(rawValue: 26)
    /// To add or replace a neighbour (`RTM_NEWNEIGH`).
    public static let newNeighbour = RequestKind(rawValue: 28)
    /// To remove a neighbour (`RTM_DELNEIGH`).
    public static let removeNeighbour = RequestKind(rawValue: 29)
    /// To find or list neighbours (`RTM_GETNEIGH`).
    public static let getNeighbour = RequestKind(rawValue: 30)
    /// To add a rule (`RTM_NEWRULE`).
    public static let newRule = RequestKind(rawValue: 32)
    /// To remove a rule (`RTM_DELRULE`).
    public static let removeRule = RequestKind(rawValue: 33)
    /// To list rules (`RTM_GETRULE`).
    public static let getRule = RequestKind(rawValue: 34)
    /// To add or replace a queueing discipline (`RTM_NEWQDISC`).
    public static let newQdisc = RequestKind(rawValue: 36)
    /// To remove a queueing discipline (`RTM_DELQDISC`).
    public static let removeQdisc = RequestKind(rawValue: 37)
    /// To list queueing disciplines (`RTM_GETQDISC`).
    public static let getQdisc = RequestKind(rawValue: 38)
    /// To add or replace a filter (`RTM_NEWTFILTER`).
    public static let newFilter = RequestKind(rawValue: 44)
    /// To remove a filter (`RTM_DELTFILTER`).
    public static let removeFilter = RequestKind(rawValue: 45)
    /// To list filters (`RTM_GETTFILTER`).
    public static let getFilter = RequestKind(rawValue: 46)
    /// To add alternative names of a link (`RTM_NEWLINKPROP`).
    public static let newLinkProperty = RequestKind(rawValue: 108)
    /// To remove alternative names of a link (`RTM_DELLINKPROP`).
    public static let removeLinkProperty = RequestKind(rawValue: 109)

    static let error = RequestKind(rawValue: 2)
    static let done = RequestKind(rawValue: 3)

    private static let names: [UInt16: String] = [
      2: "NLMSG_ERROR", 3: "NLMSG_DONE", 16: "RTM_NEWLINK", 17: "RTM_DELLINK", 18: "RTM_GETLINK", 20: "RTM_NEWADDR",
      21: "RTM_DELADDR", 22: "RTM_GETADDR", 24: "RTM_NEWROUTE", 25: "RTM_DELROUTE", 26: "RTM_GETROUTE",
      28: "RTM_NEWNEIGH", 29: "RTM_DELNEIGH", 30: "RTM_GETNEIGH", 32: "RTM_NEWRULE", 33: "RTM_DELRULE",
      34: "RTM_GETRULE", 36: "RTM_NEWQDISC", 37: "RTM_DELQDISC", 38: "RTM_GETQDISC", 44: "RTM_NEWTFILTER",
      45: "RTM_DELTFILTER", 46: "RTM_GETTFILTER", 108: "RTM_NEWLINKPROP", 109: "RTM_DELLINKPROP",
    ]

    /// The kernel's name, such as `RTM_NEWLINK`.
    public var description: String { RequestKind.names[rawValue] ?? "message type \(rawValue)" }
  }
}
