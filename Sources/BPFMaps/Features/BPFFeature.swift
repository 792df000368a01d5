// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem
internal import Synchronization

/// Something that the running kernel's BPF may or may not have, found out by trying.
///
/// ```swift
/// guard BPFFeature.mapKind(.ringBuffer).isAvailable else { … }
/// switch BPFFeature.helper(.redirectToPeer, in: .trafficControl).availability() {
/// case .available: …
/// case .missing(let reason, let minimumKernel): …
/// case .unknown(let reason): …  // the probe needs privileges that the thread lacks
/// }
/// ```
///
/// What the kernel answered is remembered; ``Availability/unknown(reason:)`` is asked again.
public struct BPFFeature: Sendable, Hashable, CustomStringConvertible {
  /// What a probe found out.
  public enum Availability: Sendable, Hashable {
    /// The kernel has it.
    case available
    /// The kernel has it not; `minimumKernel` is the first Linux that can have it, where known.
    case missing(reason: String, minimumKernel: KernelVersion?)
    /// The probe itself was refused, or there is none.
    case unknown(reason: String)
  }

  /// An operation on many entries of a map. `BPF_MAP_*_BATCH`
  public enum Batch: String, Sendable, Hashable, CaseIterable {
    /// `BPF_MAP_LOOKUP_BATCH`
    case lookUp = "look-up"
    /// `BPF_MAP_LOOKUP_AND_DELETE_BATCH`
    case take = "look-up-and-delete"
    /// `BPF_MAP_UPDATE_BATCH`
    case update = "update"
    /// `BPF_MAP_DELETE_BATCH`
    case delete = "delete"
  }

  enum Subject: Sendable, Hashable {
    case mapKind(BPFMapKind)
    case batch(Batch, BPFMapKind)
    case mappableArray
    case programType(BPFProgramKind)
    case helper(BPFHelper, BPFProgramKind)
    case attach(BPFAttachType)
    case links, kernelTypes, queryRevisions
  }

  let subject: Subject

  /// A kind of map.
  public static func mapKind(_ kind: BPFMapKind) -> BPFFeature { BPFFeature(subject: .mapKind(kind)) }

  /// An operation on many entries of a kind of map at once.
  public static func batch(_ operation: Batch, of kind: BPFMapKind) -> BPFFeature {
    BPFFeature(subject: .batch(operation, kind))
  }

  /// A type of program.
  public static func programType(_ type: BPFProgramKind) -> BPFFeature { BPFFeature(subject: .programType(type)) }

  /// A helper, for a type of program: the kernel offers each type others.
  public static func helper(_ helper: BPFHelper, in type: BPFProgramKind) -> BPFFeature {
    BPFFeature(subject: .helper(helper, type))
  }

  /// A hook, by link.
  public static func attach(_ type: BPFAttachType) -> BPFFeature { BPFFeature(subject: .attach(type)) }

  /// Arrays whose values are shared memory. `BPF_F_MMAPABLE`
  public static let mappableArray = BPFFeature(subject: .mappableArray)
  /// The ring buffer. `BPF_MAP_TYPE_RINGBUF`
  public static let ringBuffer = BPFFeature.mapKind(.ringBuffer)
  /// Attachments that are objects of their own. `BPF_LINK_CREATE`
  public static let links = BPFFeature(subject: .links)
  /// A description of the kernel's own types. `/sys/kernel/btf/vmlinux`
  public static let kernelTypes = BPFFeature(subject: .kernelTypes)
  /// Queries of a hook that say its revision, so that changes can be made against what was seen. `BPF_PROG_QUERY`
  public static let queryRevisions = BPFFeature(subject: .queryRevisions)
  /// Traffic control by links.
  public static let tcx = BPFFeature.attach(.tcxIngress)

  /// Tries it, unless the kernel answered before.
  ///
  /// Leaves nothing behind. Some system calls on the calling thread; for ``BPFAttachType/functionEntry`` the kernel's types
  /// are read, which takes tens of milliseconds.
  public func availability() -> Availability {
    if let answer = Self.known.withLock({ $0[self] }) { return answer }
    let answer = FeatureProbe.answer(subject)
    if case .unknown = answer { return answer }
    Self.known.withLock { $0[self] = answer }
    return answer
  }

  /// Whether it is known to be there.
  public var isAvailable: Bool { availability() == .available }

  /// Whether traffic control programs attach by tcx links. Linux 6.6
  ///
  /// Without the privilege to load a program: false, until there is the privilege.
  public static func supportsTCX() async -> Bool { tcx.isAvailable }

  /// What it is, such as `map kind ring buffer`.
  public var description: String {
    switch subject {
    case .mapKind(let kind): "map kind \(MapKindFacts.name(of: kind))"
    case .batch(let batch, let kind): "batched \(batch.rawValue) of map kind \(MapKindFacts.name(of: kind))"
    case .mappableArray: "memory-mapped arrays"
    case .programType(let type): "program type \(type)"
    case .helper(let helper, let type): "helper \(helper) in programs of type \(type)"
    case .attach(let type): "attach type \(type)"
    case .links: "BPF links"
    case .kernelTypes: "the kernel's own BTF"
    case .queryRevisions: "revisions of hooks"
    }
  }

  /// Which Linux brought it, where known.
  public var minimumKernel: KernelVersion? {
    switch subject {
    case .mapKind(let kind): MapKindFacts.minimumKernel(of: kind)
    case .batch: KernelVersion(5, 6)
    case .mappableArray: KernelVersion(5, 5)
    case .programType(let type): type.minimumKernel
    case .helper(let helper, _): helper.minimumKernel
    case .attach(let type): type.fact?.kernel
    case .links: KernelVersion(5, 7)
    case .kernelTypes: KernelVersion(5, 4)
    case .queryRevisions: KernelVersion(6, 6)
    }
  }

  private static let known = Mutex<[BPFFeature: Availability]>([:])
}
