// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import SystemPackage

/// A program's place among others of the same hook: at tcx (Linux 6.6), netkit (6.7) and control groups (6.17).
///
/// ```swift
/// try await program.attach(
///   toTrafficControl: .ingress, of: interface, in: namespace, order: .before(.program(theirs.identifier)))
/// ```
public struct AttachmentOrder: Sendable, Hashable, CustomStringConvertible {
  /// What a place is given by.
  public enum Anchor: Sendable, Hashable {
    /// The program of this identifier.
    case program(UInt32)
    /// The link of this identifier.
    case attachment(UInt32)
  }

  private enum Place: Hashable {
    case first, last
    case before(Anchor)
    case after(Anchor)
  }

  private let place: Place
  private init(_ place: Place) { self.place = place }

  /// Runs before all that are there now.
  public static let first = AttachmentOrder(.first)
  /// Runs after all that are there now.
  public static let last = AttachmentOrder(.last)
  /// Runs right before another.
  public static func before(_ anchor: Anchor) -> AttachmentOrder { .init(.before(anchor)) }
  /// Runs right after another.
  public static func after(_ anchor: Anchor) -> AttachmentOrder { .init(.after(anchor)) }

  /// Such as `before program 7`.
  public var description: String {
    func name(_ anchor: Anchor) -> String {
      switch anchor {
      case .program(let identifier): "program \(identifier)"
      case .attachment(let identifier): "attachment \(identifier)"
      }
    }
    switch place {
    case .first: return "first"
    case .last: return "last"
    case .before(let anchor): return "before \(name(anchor))"
    case .after(let anchor): return "after \(name(anchor))"
    }
  }

  var anchor: Anchor? {
    switch place {
    case .first, .last: nil
    case .before(let anchor), .after(let anchor): anchor
    }
  }

  /// The same place beside another name of the anchor.
  func anchored(at anchor: Anchor) -> AttachmentOrder {
    switch place {
    case .first, .last: self
    case .before: .before(anchor)
    case .after: .after(anchor)
    }
  }

  /// `BPF_F_BEFORE`, `BPF_F_AFTER`, `BPF_F_ID`, `BPF_F_LINK`; 0 for ``last``, which older kernels have too.
  var flags: UInt32 {
    let side: UInt32 =
      switch place {
      case .last: 0
      case .first, .before: 1 << 3
      case .after: 1 << 4
      }
    switch anchor {
    case nil: return side
    case .program: return side | 1 << 5
    case .attachment: return side | 1 << 5 | 1 << 13
    }
  }

  var relative: UInt32 {
    switch anchor {
    case nil: 0
    case .program(let identifier), .attachment(let identifier): identifier
    }
  }
}

/// What a link is made of, for the raw call: libbpf 1.1 knows no order.
struct LinkRequest: Sendable {
  var program: CInt
  var target: UInt32
  var attachType: UInt32
  /// Flags of the kind of link, such as an XDP mode.
  var flags: UInt32 = 0
  var order: AttachmentOrder = .last
  var expectedRevision: UInt64?

  /// Whether it asks for more than a place at the end.
  var isOrdered: Bool { order != .last || expectedRevision != nil }

  /// - Returns: The link's descriptor, or a negative error number. `BPF_LINK_CREATE`
  func create() -> CInt {
    // 0 would mean "whatever is there" to the kernel, and no hook has that revision: ESTALE.
    if expectedRevision == 0 { return -116 }
    return withZeroed(clibbpf_link_create.self) { raw in
      raw.program = UInt32(bitPattern: program)
      raw.target = target
      raw.attach_type = attachType
      raw.flags = flags | order.flags
      raw.relative = order.relative
      raw.expected_revision = expectedRevision ?? 0
      return unsafe clibbpf_call(
        CInt(BPF_LINK_CREATE.rawValue), &raw, UInt(MemoryLayout<clibbpf_link_create>.size))
    }
  }

  /// A refusal that has to do with order; nil: another one.
  func orderFailure(_ operation: String, _ status: CInt) -> BPFError? {
    switch status {
    case -116:  // ESTALE
      BPFError(
        .busy,
        "\(operation): what is attached there changed since revision \(expectedRevision ?? 0); query it again and decide anew",
        errno: .init(rawValue: 116))
    case -2 where order.anchor != nil:
      BPFError(.notFound, "\(operation): it is to run \(order), which is not attached there", errno: .init(rawValue: 2))
    case -17:
      BPFError(
        .alreadyExists,
        "\(operation): this program is attached there already, and runs at most once; load it again for a second place",
        errno: .fileExists)
    case -34:  // ERANGE
      BPFError(.full, "\(operation): 64 programs are attached there, and no more fit", errno: .init(rawValue: 34))
    default: nil
    }
  }
}
