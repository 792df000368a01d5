// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import Glibc
public import LinuxSystem
internal import SystemPackage

extension BPFProgram {
  /// Attaches a `SEC("sk_lookup")` program to a network namespace: it chooses the socket for connections and datagrams that
  /// arrive there.
  ///
  /// Several programs run in order of attachment, until one has chosen or refused.
  ///
  /// - Parameter namespace: Where the sockets are; it need not be entered.
  /// - Returns: The attachment; the program leaves when it goes.
  /// - Throws: `invalidArgument` for another type of program; `full` beyond 64 programs; `permissionDenied`.
  /// - Requires: Linux 5.9. The kernel asks for privilege when the program is loaded, not here. `BPF_LINK_CREATE`
  public borrowing func attach(toSocketLookupIn namespace: NetworkNamespace) throws(BPFError) -> Attachment {
    let operation = "attach program \"\(name)\" to the socket look-up of network namespace \(namespace.identity.inode)"
    let result = LinkRequest(
      program: descriptor, target: UInt32(bitPattern: namespace.descriptor), attachType: BPF_SK_LOOKUP.rawValue
    ).create()
    guard result >= 0 else {
      switch result {
      case -EINVAL:
        throw BPFError(
          .invalidArgument,
          "\(operation): invalid argument; only SEC(\"sk_lookup\") programs attach there, this one is \(kindInWords)",
          errno: .invalidArgument)
      case -E2BIG:
        throw BPFError(
          .full, "\(operation): 64 programs are attached there, and no more fit", errno: .init(rawValue: E2BIG))
      default: throw BPFError.kernel(operation, status: result)
      }
    }
    return Attachment(
      .link(OwnedFileDescriptor(taking: result)), .networkNamespace,
      "program \"\(name)\" at the socket look-up of network namespace \(namespace.identity.inode)")
  }
}
