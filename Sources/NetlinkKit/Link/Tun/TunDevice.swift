// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem
public import NetworkTypes
internal import SystemPackage

/// A tun or tap device that this program has open: the packets that the kernel sends there are read from its descriptor,
/// and what is written to that arrives at the device.
///
/// ```swift
/// let device = try await TunDevice.make(named: "tap0", TunSettings(layer: .tap), in: namespace)
/// let link = try await socket.links.link(named: device.name)
/// ```
///
/// Netlink can list such devices (``LinkKind/tun(_:)``), change and remove them, but not make one. A device goes when the
/// last program closes it, unless it is persistent.
///
/// - Requires: a kernel with the `tun` module. `/dev/net/tun`.
public struct TunDevice: ~Copyable, Sendable {
  /// The device's name when it was opened.
  public let name: InterfaceName
  private let handle: OwnedFileDescriptor

  /// The descriptor's number, valid while this value lives; reading and writing never wait (`O_NONBLOCK`).
  ///
  /// One read is one packet, one write is one packet. Pass it to a call; never store it.
  public var descriptor: CInt { handle.rawValue }

  private init(name: InterfaceName, handle: consuming OwnedFileDescriptor) {
    self.name = name
    self.handle = handle
  }

  /// Makes a device, which is down, as every new link.
  ///
  /// - Parameters:
  ///   - name: its name; nil for the kernel's choice, `tap0` or `tun0` and so on.
  ///   - settings: its settings.
  ///   - namespace: where it is born.
  /// - Returns: the device, open.
  /// - Throws: ``NetlinkError`` with code `exists` when a link of that name is there, `notSupported` when the kernel has no
  ///   tun devices, `permissionDenied`.
  /// - Requires: `CAP_NET_ADMIN` in the namespace, and `CAP_SYS_ADMIN` to enter it. `TUNSETIFF`, `IFF_TUN_EXCL`.
  public static func make(
    named name: InterfaceName? = nil, _ settings: TunSettings = TunSettings(), in namespace: NetworkNamespace
  ) async throws(NetlinkError) -> TunDevice {
    let operation = "make \(settings.layer) device" + (name.map { " \"\($0)\"" } ?? "")
    let attributes = TunDriver.Attributes(
      owner: settings.owner, group: settings.group, isPersistent: settings.isPersistent)
    // IFF_TUN_EXCL: one that is there is not opened.
    let flags = settings.interfaceFlags | 0x8000
    let wanted = name?.rawValue ?? "\(settings.layer)%d"
    do throws(NetlinkError) {
      return try await open(wanted, operation, in: namespace) { () throws(TunDriver.Failure) in
        try TunDriver.open(wanted, flags: flags, attributes)
      }
    } catch {
      // A device of that name is EBUSY, another link EINVAL.
      guard let name, error.code == .busy || error.code == .invalidArgument, error.request == "TUNSETIFF" else {
        throw error
      }
      throw NetlinkError(
        .exists, operation: operation, reason: "a link of the name \"\(name)\" is there", request: error.request,
        errno: error.errno)
    }
  }

  /// Opens a device that is there: a persistent one, or a further queue of one with several.
  ///
  /// - Parameters:
  ///   - name: its name.
  ///   - settings: what it was made with. The kernel refuses another layer, and another answer to the question of several
  ///     queues; it takes over the headers in front of packets, for all queues; owner, group and persistence are left as
  ///     they are.
  ///   - namespace: where it is.
  /// - Returns: the device, open.
  /// - Throws: ``NetlinkError`` with code `notFound` when there is no link of that name, `busy` when somebody has it open,
  ///   `invalidArgument` when it is no tun device or another one than the settings say, `permissionDenied`.
  /// - Requires: to be owner or in the group, or `CAP_NET_ADMIN` in the namespace; `CAP_SYS_ADMIN` to enter it.
  ///   `TUNSETIFF`.
  public static func open(
    _ name: InterfaceName, _ settings: TunSettings, in namespace: NetworkNamespace
  ) async throws(NetlinkError) -> TunDevice {
    let operation = "open \(settings.layer) device \"\(name)\""
    let flags = settings.interfaceFlags
    return try await open(name.rawValue, operation, in: namespace) { () throws(TunDriver.Failure) in
      // The kernel would make one.
      guard TunDriver.isTaken(name.rawValue) else {
        throw TunDriver.Failure(call: "TUNSETIFF", errno: .noSuchAddressOrDevice)
      }
      return try TunDriver.open(name.rawValue, flags: flags, TunDriver.Attributes())
    }
  }

  /// Says whether it stays when no program has it open.
  ///
  /// - Throws: ``NetlinkError``.
  /// - Requires: nothing. `TUNSETPERSIST`.
  public borrowing func setPersistent(_ isPersistent: Bool) throws(NetlinkError) {
    do throws(TunDriver.Failure) {
      try TunDriver.setPersistent(isPersistent, handle.rawValue)
    } catch {
      throw NetlinkError(error, "make device \"\(name)\" \(isPersistent ? "stay" : "go with its last program")")
    }
  }

  /// Gives the descriptor away, to whoever reads and writes packets.
  public consuming func takeDescriptor() -> OwnedFileDescriptor { handle }

  /// Closes it; the device goes if it is not persistent and nobody else has it open.
  ///
  /// - Throws: ``NetlinkError``; the descriptor is closed all the same.
  public consuming func close() throws(NetlinkError) {
    let operation = "close device \"\(name)\""
    do throws(Errno) {
      try handle.close()
    } catch {
      throw NetlinkError(TunDriver.Failure(call: "close", errno: error), operation)
    }
  }

  private static func open(
    _ wanted: String, _ operation: String, in namespace: NetworkNamespace,
    _ body: @escaping @Sendable () throws(TunDriver.Failure) -> (descriptor: CInt, name: String)
  ) async throws(NetlinkError) -> TunDevice {
    let opened: (descriptor: CInt, name: String)
    do {
      opened = try await namespace.run(body)
    } catch let error as TunDriver.Failure {
      throw NetlinkError(error, operation)
    } catch {
      let isDenied = (error as? SystemError)?.code == .permissionDenied
      throw NetlinkError(
        isDenied ? .permissionDenied : .socket, operation: operation, reason: "cannot enter the namespace: \(error)")
    }
    let handle = OwnedFileDescriptor(taking: opened.descriptor)
    guard let name = InterfaceName(opened.name) else {
      throw NetlinkError(.malformedReply, operation: operation, reason: "the kernel gave it no name that can be held")
    }
    return TunDevice(name: name, handle: handle)
  }
}

extension NetlinkError {
  /// A call of the tun driver failed.
  fileprivate init(_ failure: TunDriver.Failure, _ operation: String) {
    let number = failure.errno.rawValue
    let (code, reason): (Code, String) =
      switch (failure.errno, failure.call) {
      case (.noSuchFileOrDirectory, _), (.operationNotSupportedByDevice, _):
        (.notSupported, "this kernel has no tun devices, or /dev/net/tun is missing; is the module tun present?")
      case (.noSuchAddressOrDevice, "TUNSETIFF"): (.notFound, "no link of that name is there")
      case (.resourceBusy, "TUNSETIFF"): (.busy, "a program has it open, and it was not made for several queues")
      case (.invalidArgument, "TUNSETIFF"):
        (.invalidArgument, "it is no tun device, or its layer or number of queues is another than the settings say")
      default: ErrorNumber.meaning(number)
      }
    self.init(code, operation: operation, reason: reason, request: failure.call, errno: number)
  }
}
