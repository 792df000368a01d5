// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
public import LinuxSystem
internal import SystemPackage

extension BPFProgram {
  /// Attaches a `SEC("tc")` program to an interface.
  ///
  /// Interface indexes are numbers of one namespace: the kernel call is made inside `namespace`.
  ///
  /// - Parameters:
  ///   - direction: Received or sent packets.
  ///   - interface: The interface's index in `namespace`.
  ///   - namespace: Where the interface is.
  ///   - priority: Order among clsact filters, 1 ... 65535, lowest first; tcx programs run in order of attachment,
  ///     before all clsact filters.
  ///   - mechanism: tcx or clsact; by default tcx where the kernel has it.
  /// - Returns: The attachment; the program leaves when it goes.
  /// - Throws: `notFound` for an unknown interface; `notSupported` for ``TrafficControlMechanism/tcx`` before Linux
  ///   6.6; `invalidArgument` for another type of program; `busy` for egress where an `ingress` qdisc has clsact's place;
  ///   `permissionDenied`.
  /// - Requires: CAP_NET_ADMIN, and CAP_SYS_ADMIN to enter another namespace. `BPF_LINK_CREATE`, `RTM_NEWTFILTER`
  public borrowing func attach(
    toTrafficControl direction: TrafficControlDirection, of interface: UInt32, in namespace: NetworkNamespace,
    priority: UInt16 = 1, mechanism: TrafficControlMechanism = .automatic
  ) async throws(BPFError) -> Attachment {
    let hook = "\(direction) of interface \(interface)"
    guard interface > 0, interface <= UInt32(CInt.max) else {
      throw BPFError(.invalidArgument, "attach program \"\(name)\" to \(hook): interface indexes are 1 ... \(CInt.max)")
    }
    guard priority > 0 else {
      throw BPFError(.invalidArgument, "attach program \"\(name)\" to \(hook): priority 0; priorities are 1 ... 65535")
    }
    let hasTCX = mechanism == .clsact ? false : await BPFFeature.supportsTCX()
    if mechanism == .tcx, !hasTCX {
      throw BPFError(
        .notSupported,
        "attach program \"\(name)\" to tcx \(hook): this kernel has no tcx (Linux 6.6 brought it); use clsact")
    }
    let descriptor = descriptor
    guard hasTCX else {
      let filter = try await TrafficControlFilter.add(
        program: descriptor, name: name, direction, interface: interface, in: namespace, priority: priority)
      return Attachment(.filter(filter), .trafficControl, filter.description)
    }
    let operation = "attach program \"\(name)\" to tcx \(hook)"
    let type = direction.tcxType
    let result = try await BPFError.inside(namespace, operation) {
      bpf_link_create(descriptor, CInt(interface), bpf_attach_type(type), nil)
    }
    guard result >= 0 else {
      if result == -22 {
        throw BPFError(
          .invalidArgument,
          "\(operation): invalid argument; only SEC(\"tc\") programs attach there, this one is \"\(section)\"",
          errno: .invalidArgument)
      }
      throw BPFError.kernel(operation, status: result)
    }
    return Attachment(.link(OwnedFileDescriptor(taking: result)), .tcx, "program \"\(name)\" at tcx \(hook)")
  }
}

extension BPFError {
  /// Runs a call on a thread inside a namespace.
  static func inside<Result: Sendable>(
    _ namespace: NetworkNamespace, _ operation: String, _ body: @escaping @Sendable () -> Result
  ) async throws(BPFError) -> Result {
    do {
      return try await namespace.run { body() }
    } catch let error as SystemError {
      throw BPFError(
        error.code == .permissionDenied ? .permissionDenied : .systemCall, "\(operation): \(error.message)",
        errno: error.errno)
    } catch {
      throw BPFError(.systemCall, "\(operation): \(error)")
    }
  }
}
