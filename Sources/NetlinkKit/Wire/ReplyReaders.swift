// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

/// Every decoder of this module.
///
/// A new kind of message is one line in ``all``, and is fuzzed from then on.
package enum ReplyReaders {
  package static let links = ReplyReader<Link>(
    "link", type: Int(RTM_NEWLINK), exactBehind: Link.headerSize, answering: FindLinks(subject: .all)
  ) { $0.encodeReply(into: $1) }

  package static let addresses = ReplyReader<InterfaceAddress>(
    "address", type: Int(RTM_NEWADDR),
    read: { message, datagram throws(WireError) in try InterfaceAddress(message, in: datagram) }
  ) { $0.encodeReply(into: $1) }

  package static let routes = ReplyReader<Route>(
    "route", type: Int(RTM_NEWROUTE),
    read: { message, datagram throws(WireError) in try Route(message, in: datagram) }
  ) { $0.encodeReply(into: $1) }

  package static let rules = ReplyReader<Rule>(
    "rule", type: Int(RTM_NEWRULE),
    read: { message, datagram throws(WireError) in try Rule(message, in: datagram) }
  ) { $0.encodeReply(into: $1) }

  package static let neighbours = ReplyReader<Neighbour>(
    "neighbour", type: Int(RTM_NEWNEIGH), answering: ListNeighbours(link: nil, proxies: false)
  ) { $0.encodeReply(into: $1) }

  package static let forwardingEntries = ReplyReader<ForwardingEntry>(
    "forwarding entry", type: Int(RTM_NEWNEIGH), answering: ListForwardingEntries(link: nil, bridge: nil)
  ) { $0.encodeReply(into: $1) }

  package static let qdiscs = ReplyReader<Qdisc>("qdisc", type: Int(RTM_NEWQDISC), answering: ListQdiscs()) {
    $0.encodeReply(into: $1)
  }

  package static let classes = ReplyReader<TrafficClass>(
    "class", type: Int(RTM_NEWTCLASS), answering: ListClasses(interface: .loopback)
  ) { $0.encodeReply(into: $1) }

  package static let filters = ReplyReader<TrafficFilter>(
    "filter", type: Int(RTM_NEWTFILTER), answering: ListFilters(place: .block(1))
  ) { $0.encodeReply(into: $1) }

  package static let namespaceIDs = ReplyReader<NamespaceID>(
    "namespace id", type: Int(RTM_NEWNSID), exactBehind: NamespaceID.headerSize,
    answering: FindNamespaceID(namespace: nil)
  ) { $0.encodeReply(into: $1) }

  package static let tcpSockets = internetSockets("TCP socket", .tcp)
  package static let udpSockets = internetSockets("UDP socket", .udp)
  package static let rawSockets = internetSockets("raw socket", .raw)

  private static func internetSockets(_ name: String, _ protocol: SocketProtocol) -> ReplyReader<InternetSocket> {
    ReplyReader(
      name, type: Int(SOCK_DIAG_BY_FAMILY), exactBehind: InternetSocket.headerSize,
      read: { message, datagram throws(WireError) in
        try InternetSocket(message, in: datagram, protocol: `protocol`)
      }
    ) { $0.encodeReply(into: $1) }
  }

  package static let unixSockets = ReplyReader<UnixSocket>(
    "unix socket", type: Int(SOCK_DIAG_BY_FAMILY), exactBehind: UnixSocket.headerSize,
    read: { message, datagram throws(WireError) in try UnixSocket(message, in: datagram) }
  ) { $0.encodeReply(into: $1) }

  package static let families = ReplyReader<GenericFamily>(
    "generic family", type: Int(GENL_ID_CTRL), exactBehind: genlmsghdr.size,
    answering: FindFamilies(familyName: nil)
  ) { $0.encodeReply(into: $1) }

  /// An answer of ethtool, whose messages have the type that the kernel gave to the family.
  private static func ethtool<Reply: EthtoolReply & Equatable>(
    _ type: Reply.Type, write: @escaping @Sendable (Reply, MessageWriter) -> Void
  ) -> ReplyReader<Reply> {
    ReplyReader(
      "ethtool \(Reply.noun)", type: nil, exactBehind: genlmsghdr.size,
      read: { message, datagram throws(WireError) in try Reply(message, in: datagram) }
    ) { reply, writer in
      writer.put(header: genlmsghdr(Reply.reply))
      write(reply, writer)
    }
  }

  /// All of them, and what reads messages of every type.
  package static let all: [any AnyReplyReader] = [
    links, addresses, routes, rules, neighbours, forwardingEntries, qdiscs, classes, filters, namespaceIDs,
    // Lists of one family: what they leave out.
    ReplyReader("IPv6 addresses", type: Int(RTM_NEWADDR), answering: ListAddresses(family: .ipv6, link: nil)),
    ReplyReader("IPv6 routes", type: Int(RTM_NEWROUTE), answering: ListRoutes(family: .ipv6, table: .main)),
    ReplyReader("IPv6 rules", type: Int(RTM_NEWRULE), answering: ListRules(family: .ipv6)),
    // What messages mean for a request, for a batch and for a monitor.
    ReplyReader(
      "exchange", type: nil,
      read: { message, datagram throws(WireError) in
        var exchange = Exchange(sequence: message.sequence, port: message.port)
        return try exchange.accept(message, in: datagram)
      }),
    ReplyReader(
      "batch exchange", type: nil,
      read: { message, datagram throws(WireError) in
        try BatchExchange(first: message.sequence &- 1, last: message.sequence, port: message.port)
          .accept(message, in: datagram)
      }),
    ReplyReader(
      "foreign exchange", type: nil,
      read: { message, datagram throws(WireError) in
        var exchange = Exchange(sequence: 7, port: 4242)
        return try exchange.accept(message, in: datagram)
      }),
    ReplyReader(
      "refusal", type: Int(NLMSG_ERROR),
      read: { message, datagram throws(WireError) in try KernelFailure(error: message, in: datagram) }),
    ReplyReader(
      "end of a dump", type: Int(NLMSG_DONE),
      read: { message, datagram throws(WireError) in try KernelFailure(done: message, in: datagram) }),
    ReplyReader(
      "event", type: nil,
      read: { message, datagram throws(WireError) in try NetlinkEvent(message, in: datagram) }),
    tcpSockets, udpSockets, rawSockets, unixSockets, families,
    ethtool(OffloadFeatures.self) { $0.encodeReply(into: $1) },
    ethtool(LinkInformation.self) { $0.encodeReply(into: $1) }, ethtool(LinkModes.self) { $0.encodeReply(into: $1) },
    ethtool(LinkStateInformation.self) { $0.encodeReply(into: $1) },
    ethtool(DeviceChannels.self) { $0.encodeReply(into: $1) }, ethtool(DeviceRings.self) { $0.encodeReply(into: $1) },
    ethtool(DeviceCoalescing.self) { $0.encodeReply(into: $1) },
    ReplyReader(
      "ethtool strings", type: nil,
      read: { message, datagram throws(WireError) in try EthtoolStrings(message, in: datagram) }),
  ]
}
