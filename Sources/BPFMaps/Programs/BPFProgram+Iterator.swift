// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

extension BPFProgram {
  /// Runs a `SEC("iter/…")` program once over all that it iterates, and returns what it wrote with `bpf_seq_write`.
  ///
  /// An iterator of sockets sees those of the network namespace that the calling thread is in.
  ///
  /// - Returns: The bytes.
  /// - Throws: `invalidArgument` for another type of program, or one that iterates the elements of a map;
  ///   `permissionDenied`; `systemCall`.
  /// - Requires: Linux 5.8 with BTF, and to load the program CAP_BPF and CAP_PERFMON. `BPF_LINK_CREATE`,
  ///   `BPF_ITER_CREATE`
  public borrowing func iterate() throws(BPFError) -> [UInt8] {
    let operation = "iterate with program \"\(name)\" (\(kindInWords))"
    let link = LinkRequest(program: descriptor, target: 0, attachType: BPF_TRACE_ITER.rawValue).create()
    guard link >= 0 else {
      guard link == -EINVAL else { throw BPFError.kernel(operation, status: link) }
      throw BPFError(
        .invalidArgument, "\(operation): invalid argument; only SEC(\"iter/…\") programs iterate, and not over a map",
        errno: .invalidArgument)
    }
    let owned = OwnedFileDescriptor(taking: link)
    let iterator = bpf_iter_create(owned.rawValue)
    guard iterator >= 0 else { throw BPFError.kernel(operation, status: iterator) }
    let reader = OwnedFileDescriptor(taking: iterator)
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = unsafe read(reader.rawValue, &buffer, buffer.count)
      if count > 0 {
        bytes += buffer[..<count]
      } else if count == 0 {
        return bytes
      } else if errno != EINTR, errno != EAGAIN {
        // EAGAIN: nothing was written for very many elements; the next read goes on.
        throw BPFError.kernel(operation, status: -errno)
      }
    }
  }
}
