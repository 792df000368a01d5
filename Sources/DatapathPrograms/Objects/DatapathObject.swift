// SPDX-License-Identifier: Apache-2.0

public import BPFMaps

/// A compiled BPF object of this package, embedded in the library.
///
/// Most users want ``PodDatapath``, which loads the pod programs and the dispatchers. The bytes are for those who load an
/// object with tools of their own.
public struct DatapathObject: Sendable {
  /// The object as `BPFObject` opens it.
  public let embedded: EmbeddedObject

  init(_ embedded: EmbeddedObject) { self.embedded = embedded }

  /// `bpf/pod.bpf.c`: policy, connection tracking and drops of pods.
  public static let pod = DatapathObject(.pod)
  /// `bpf/dispatcher.bpf.c`: names the endpoint and jumps to the pod programs.
  public static let dispatcher = DatapathObject(.dispatcher)

  /// `bpf/bypass_guard.bpf.c`: refuses sockets that send past the programs at an interface.
  public static let bypassGuard = DatapathObject(.bypass_guard)

  /// The source's name without `.bpf.c`.
  public var name: String { embedded.name }

  /// The ELF image: instructions and BTF, without DWARF.
  public func bytes() -> [UInt8] { embedded.bytes() }
}
