// SPDX-License-Identifier: Apache-2.0

public import ENIProvider
import NetworkTypes

/// The simulated region as a value: every rule of the API, and no clock, socket or NIC.
///
/// A function that begins something slow returns what is to be done as a ``VPCWork``; whoever does it reports back
/// with ``complete(_:)`` or ``fail(_:)``.
public struct VPCState: Sendable {
  /// One network interface with what the common model leaves out.
  public struct Record: Sendable, Hashable {
    /// The interface.
    public var interface: NetworkInterface

    /// The name given at creation.
    public var name: String

    /// When it was made.
    public var creationTime: APITimestamp

    /// Whether it goes away with its instance.
    public var isDeletedOnRelease: Bool

    /// Whether its source addresses are checked.
    public var isSourceDestinationChecked: Bool
  }

  /// What exists besides the interfaces.
  public let configuration: VPCConfiguration

  /// The interfaces by identifier.
  public internal(set) var interfaces: [ENIIdentifier: Record] = [:]

  var spaces: [VSwitchIdentifier: AddressSpace]
  var createTokens = TokenLedger<Record>()
  var assignTokens = TokenLedger<[IPv4Address]>()
  private var counter: UInt32 = 0

  /// Begins without interfaces.
  ///
  /// - Throws: ``VPCConfigurationError`` when the configuration is impossible.
  public init(_ configuration: VPCConfiguration) throws(VPCConfigurationError) {
    try configuration.validate()
    self.configuration = configuration
    spaces = Dictionary(
      configuration.vSwitches.map { ($0.id, AddressSpace($0.cidr)) }, uniquingKeysWith: { first, _ in first })
  }

  /// A vSwitch with its present count of free addresses.
  public func vSwitch(_ id: VSwitchIdentifier) -> VSwitch? {
    guard let found = configuration.vSwitches.first(where: { $0.id == id }), let space = spaces[id] else { return nil }
    return VSwitch(
      id: id, vpc: configuration.vpc, zone: found.zone, cidr: found.cidr, availableAddressCount: space.freeCount)
  }

  /// The interfaces that match a filter, in the order of their identifiers.
  public func interfaces(matching filter: NetworkInterfaceFilter) -> [Record] {
    interfaces.values
      .filter { record in
        let eni = record.interface
        return (filter.ids.isEmpty || filter.ids.contains(eni.id))
          && (filter.instance == nil || eni.attachment?.instance == filter.instance)
          && (filter.vSwitch == nil || eni.vSwitch == filter.vSwitch)
          && (filter.status == nil || eni.status == filter.status)
          && (filter.kind == nil || eni.kind == filter.kind)
          && filter.tags.allSatisfy { eni.tags[$0.key] == $0.value }
      }
      .sorted { $0.interface.id < $1.interface.id }
  }

  /// The interface as a port of the fabric; nil unless it belongs to an instance.
  public func port(of id: ENIIdentifier) -> FabricPort? {
    guard let eni = interfaces[id]?.interface, let instance = eni.attachment?.instance, let space = spaces[eni.vSwitch]
    else { return nil }
    return FabricPort(
      eni: id.rawValue, mac: eni.mac, node: instance.rawValue, addresses: eni.privateAddresses.map(\.address),
      gateway: space.gateway, prefixLength: space.cidr.prefixLength)
  }

  /// The record of an interface.
  ///
  /// - Throws: `InvalidEniId.NotFound`.
  func record(_ id: ENIIdentifier) throws(APIFailure) -> Record {
    guard let found = interfaces[id] else { throw .notFound("EniId", id.rawValue) }
    return found
  }

  /// The identifier and MAC address of the next interface.
  mutating func nextIdentity() -> (id: ENIIdentifier, mac: MACAddress) {
    counter += 1
    let digits = String(counter, radix: 16)
    let id = ENIIdentifier(unchecked: "eni-sim\(String(repeating: "0", count: 8 - digits.count))\(digits)")
    return (id, MACAddress(truncating: 0x00_163E_000000 | UInt64(counter & 0xFF_FFFF)))
  }
}

/// What a call leaves to be done after its answer: an effect on the fabric, then the end of a transition.
public struct VPCWork: Sendable, Hashable {
  /// What kind of work it is.
  public enum Kind: Sendable, Hashable {
    /// The interface becomes `Available`.
    case create

    /// The NIC appears in its node, then the interface becomes `InUse`.
    case attach

    /// The NIC disappears, then the interface becomes `Available`.
    case detach

    /// The interface disappears.
    case delete
  }

  /// The interface.
  public var eni: ENIIdentifier

  /// The kind.
  public var kind: Kind

  /// Describes work.
  public init(eni: ENIIdentifier, kind: Kind) {
    self.eni = eni
    self.kind = kind
  }
}
