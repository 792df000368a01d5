// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem
public import SystemPackage

/// A value that belongs to a control group and goes with it, whatever programs are attached to it.
///
/// Before Linux 6.2 there is ``BPFAttachedCgroupStorage`` alone.
public struct BPFCgroupStorage<Value: BPFValue & BitwiseCopyable>: ~Copyable, BPFMapProtocol {
  @usableFromInline let handle: BPFMapHandle

  /// Control group storage, by a descriptor of its directory.
  public static var shape: BPFMapShape {
    BPFMapShape(kinds: [.cgroupStorage], key: Int32.layout, value: Value.ownLayout)
  }

  /// Wraps a checked map.
  public init(checked handle: consuming BPFMapHandle) { self.handle = handle }

  /// Lends the untyped map.
  @inlinable
  public borrowing func withHandle<Result: ~Copyable, Failure: Error>(
    _ body: (borrowing BPFMapHandle) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(handle) }

  /// Makes storage without an object.
  ///
  /// - Parameter name: Letters, digits, `_` and `.`; the kernel keeps 15 of them.
  /// - Returns: The map.
  /// - Throws: `notSupported` before Linux 6.2; `permissionDenied`; `systemCall`.
  /// - Requires: CAP_BPF, Linux 6.2. `BPF_MAP_CREATE`
  public static func create(name: String) throws(BPFError) -> Self { try create(name: name, maximumEntryCount: 0) }

  /// A control group's value; nil: it has none.
  ///
  /// - Throws: `invalidArgument` for a descriptor that is not open, or no directory of cgroup2. `BPF_MAP_LOOKUP_ELEM`
  @inlinable
  public borrowing func value(forCgroup directory: FileDescriptor) throws(BPFError) -> Value? {
    try handle.lookUp(directory.rawValue, as: Value.self)
  }

  /// A control group's value; nil: it has none.
  ///
  /// - Throws: `invalidArgument` for a descriptor that is no directory of cgroup2. `BPF_MAP_LOOKUP_ELEM`
  @inlinable
  public borrowing func value(forCgroup directory: borrowing OwnedFileDescriptor) throws(BPFError) -> Value? {
    try handle.lookUp(directory.rawValue, as: Value.self)
  }

  /// Gives a control group a value.
  ///
  /// - Throws: `invalidArgument` for a descriptor that is not open, or no directory of cgroup2; `alreadyExists` with
  ///   ``BPFUpdateMode/new``; `notFound` with ``BPFUpdateMode/existing``. `BPF_MAP_UPDATE_ELEM`
  @inlinable
  public borrowing func updateValue(
    _ value: Value, forCgroup directory: FileDescriptor, mode: BPFUpdateMode = .any
  ) throws(BPFError) {
    try handle.update(directory.rawValue, value, mode)
  }

  /// Gives a control group a value.
  ///
  /// - Throws: `invalidArgument` for a descriptor that is no directory of cgroup2; `alreadyExists` with ``BPFUpdateMode/new``;
  ///   `notFound` with ``BPFUpdateMode/existing``. `BPF_MAP_UPDATE_ELEM`
  @inlinable
  public borrowing func updateValue(
    _ value: Value, forCgroup directory: borrowing OwnedFileDescriptor, mode: BPFUpdateMode = .any
  ) throws(BPFError) {
    try handle.update(directory.rawValue, value, mode)
  }

  /// Takes a control group's value away; false: it had none.
  ///
  /// - Throws: `invalidArgument` for a descriptor that is not open, or no directory of cgroup2. `BPF_MAP_DELETE_ELEM`
  @inlinable @discardableResult
  public borrowing func removeValue(forCgroup directory: FileDescriptor) throws(BPFError) -> Bool {
    try handle.remove(directory.rawValue)
  }

  /// Takes a control group's value away; false: it had none.
  ///
  /// - Throws: `invalidArgument` for a descriptor that is no directory of cgroup2. `BPF_MAP_DELETE_ELEM`
  @inlinable @discardableResult
  public borrowing func removeValue(forCgroup directory: borrowing OwnedFileDescriptor) throws(BPFError) -> Bool {
    try handle.remove(directory.rawValue)
  }
}
