// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NetworkTypes
import ServiceLB

/// An address, a port and a protocol as people write them: `10.96.0.10:53/UDP`, `[fd00::10]:80`; TCP if it does not say.
struct FrontendArgument: ExpressibleByArgument, Hashable, Sendable {
  var key: ServiceFrontend.Key

  init(_ key: ServiceFrontend.Key) { self.key = key }

  init?(argument: String) {
    let parts = argument.split(separator: "/", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let end = EndArgument(argument: String(parts[0])) else { return nil }
    let transport: IPProtocol
    switch parts.count == 2 ? parts[1].uppercased() : "TCP" {
    case "TCP": transport = .tcp
    case "UDP": transport = .udp
    case "SCTP": transport = .sctp
    default: return nil
    }
    self.init(ServiceFrontend.Key(address: end.address, port: end.port, protocol: transport))
  }
}

/// An address and a port: `10.0.1.5:8080`, `[fd00::5]:8080`.
struct EndArgument: ExpressibleByArgument, Hashable, Sendable {
  var address: IPAddress
  var port: Port

  init?(argument: String) {
    guard let colon = argument.lastIndex(of: ":") else { return nil }
    var host = argument[..<colon]
    let isBracketed = host.first == "[" && host.last == "]" && host.count > 2
    if isBracketed { host = host.dropFirst().dropLast() }
    let digits = argument[argument.index(after: colon)...]
    guard digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let port = UInt16(digits).flatMap({ Port(rawValue: $0) }), let address = IPAddress(host),
      isBracketed == (address.family == .ipv6)
    else { return nil }
    self.address = address
    self.port = port
  }
}

/// `random`, `maglev`, `maglev:65521` or `least-load`.
struct AlgorithmArgument: ExpressibleByArgument, Hashable, Sendable {
  var algorithm: ServiceAlgorithm

  init(_ algorithm: ServiceAlgorithm) { self.algorithm = algorithm }

  init?(argument: String) {
    switch argument {
    case "random": algorithm = .random
    case "maglev", "maglev:16381": algorithm = .maglev(tableSize: 16_381)
    case "maglev:65521": algorithm = .maglev(tableSize: 65_521)
    case "least-load": algorithm = .leastLoad
    default: return nil
    }
  }

  var defaultValueDescription: String { algorithm.words }
}

extension ServiceAlgorithm {
  /// As it is written on the command line.
  var words: String {
    switch self {
    case .random: "random"
    case .maglev(let size): size == 16_381 ? "maglev" : "maglev:\(size)"
    case .leastLoad: "least-load"
    }
  }
}
