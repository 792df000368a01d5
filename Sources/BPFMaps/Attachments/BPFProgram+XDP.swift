// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import Glibc
public import LinuxSystem
internal import SystemPackage

extension BPFProgram {
  /// Attaches a `SEC("xdp")` program to an interface.
  ///
  /// An interface runs one XDP program. To exchange it without a gap, use ``Attachment/replaceProgram(with:)``.
  ///
  /// - Parameters:
  ///   - interface: The interface's index in `namespace`.
  ///   - namespace: Where the interface is.
  ///   - mode: Who runs it. ``Attachment/xdpMode`` tells what `automatic` became.
  /// - Returns: The attachment; the program leaves when it goes.
  /// - Throws: `notFound` for an unknown interface; `busy` when another XDP program is there, with its name;
  ///   `notSupported` for `offload`, and for `native` where the driver has no XDP or cannot run it with its MTU or queues;
  ///   `invalidArgument` for another type of program; `permissionDenied`.
  /// - Requires: CAP_NET_ADMIN, and CAP_SYS_ADMIN to enter another namespace. `BPF_LINK_CREATE`
  public borrowing func attach(
    toXDP interface: UInt32, in namespace: NetworkNamespace, mode: XDPMode = .automatic
  ) async throws(BPFError) -> Attachment {
    let operation = "attach program \"\(name)\" to XDP of interface \(interface), mode \(mode)"
    guard interface > 0, interface <= UInt32(CInt.max) else {
      throw BPFError(.invalidArgument, "\(operation): interface indexes are 1 ... \(CInt.max)")
    }
    guard mode != .offload else {
      throw BPFError(
        .notSupported,
        "\(operation): a network card runs only programs that were compiled for it when they were loaded, which this library does not do; use native"
      )
    }
    let request = LinkRequest(
      program: descriptor, target: interface, attachType: BPF_XDP.rawValue, flags: mode.flags)
    let (result, programs) = try await BPFError.inside(namespace, operation) {
      (request.create(), XDPPrograms(of: interface))
    }
    guard result >= 0 else { throw failure(operation, mode, result, programs) }
    // What was asked for was granted; where the choice was the kernel's, it is asked, and may not answer.
    let seen: XDPMode? = programs.native == identifier ? .native : programs.generic == identifier ? .generic : nil
    let attached = mode == .automatic ? seen : mode
    return Attachment(
      .link(OwnedFileDescriptor(taking: result)), .xdp,
      "program \"\(name)\" at XDP of interface \(interface) (\(attached ?? mode))", xdpMode: attached)
  }

  private borrowing func failure(
    _ operation: String, _ mode: XDPMode, _ status: CInt, _ programs: XDPPrograms
  ) -> BPFError {
    switch status {
    case -EBUSY, -EEXIST:
      let holder = programs.all.first.map { identifier in
        let name = (try? BPFProgramInfo(identifier: identifier)).map { " \"\($0.name)\"" } ?? ""
        let mode = programs.native == identifier ? "native" : programs.generic == identifier ? "generic" : "offload"
        return "program\(name) (identifier \(identifier), \(mode)) is attached there"
      }
      return BPFError(
        .busy,
        "\(operation): \(holder ?? "another program is attached there"), and an interface runs one XDP program; detach it, or replace it through its attachment",
        errno: .init(rawValue: -status))
    case -EOPNOTSUPP where mode != .generic:
      return BPFError(
        .notSupported,
        "\(operation): the interface's driver has no XDP, or not with its present MTU, queues or offloads; use generic",
        errno: .init(rawValue: -status))
    case -ERANGE, -ENOSPC:
      return BPFError(
        .notSupported,
        "\(operation): the driver cannot run XDP with the interface's MTU; make it smaller, or use generic",
        errno: .init(rawValue: -status))
    case -EINVAL where programs.status == -ENODEV: return BPFError.kernel(operation, status: -ENODEV)
    case -EINVAL:
      return BPFError(
        .invalidArgument,
        "\(operation): invalid argument; only SEC(\"xdp\") programs attach there, this one is \(kindInWords)",
        errno: .invalidArgument)
    default: return BPFError.kernel(operation, status: status)
    }
  }
}

/// The XDP programs of an interface, by who runs them; 0: none. `IFLA_XDP`
struct XDPPrograms: Sendable {
  var status: CInt = 0
  var native: UInt32 = 0
  var generic: UInt32 = 0
  var offload: UInt32 = 0

  var all: [UInt32] { [generic, native, offload].filter { $0 != 0 } }

  /// Asks in the calling thread's namespace.
  init(of interface: UInt32) {
    LibbpfMessages.silence()
    // libbpf looks through all interfaces, and finds nothing to say of one that is not there.
    status = interfaceStatus(interface)
    guard status == 0 else { return }
    withZeroed(bpf_xdp_query_opts.self) { options in
      options.sz = MemoryLayout<bpf_xdp_query_opts>.size
      status = unsafe bpf_xdp_query(CInt(interface), 0, &options)
      guard status == 0 else { return }
      native = options.drv_prog_id
      generic = options.skb_prog_id
      offload = options.hw_prog_id
      // With one program, the kernel says only which mode it has.
      if native == 0, generic == 0, offload == 0, options.prog_id != 0 {
        switch options.attach_mode {
        case 1: native = options.prog_id
        case 3: offload = options.prog_id
        default: generic = options.prog_id
        }
      }
    }
  }
}
