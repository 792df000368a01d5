// SPDX-License-Identifier: Apache-2.0

/// Which value of a ``BPFAttachedCgroupStorage``. `struct bpf_cgroup_storage_key`
@frozen
public struct BPFCgroupStorageKey: BPFValue, BitwiseCopyable, Hashable {
  /// The inode of the control group's directory.
  public let cgroup: UInt64
  /// How the program is attached. `enum bpf_attach_type`
  public let attachType: UInt32
  @usableFromInline let padding: UInt32 = 0

  /// Names a value.
  ///
  /// - Parameters:
  ///   - cgroup: The inode of the control group's directory, as `stat -c %i` prints it.
  ///   - hook: How the program is attached.
  public init(cgroup: UInt64, hook: CgroupHook) {
    self.cgroup = cgroup
    attachType = hook.rawValue
  }

  /// `struct bpf_cgroup_storage_key`.
  public static let layout = StructLayout(
    "bpf_cgroup_storage_key", of: Self.self,
    fields: [.init("cgroup_inode_id", \.cgroup), .init("attach_type", \.attachType)])
}

/// A value for each control group that one of the object's programs is attached to, made and removed with the attachment.
///
/// ``BPFCgroupStorage`` is its successor.
public struct BPFAttachedCgroupStorage<Value: BPFValue & BitwiseCopyable>: ~Copyable, BPFMapProtocol {
  @usableFromInline let handle: BPFMapHandle

  /// Storage by control group and attach type.
  public static var shape: BPFMapShape {
    BPFMapShape(kinds: [.attachedCgroupStorage], key: BPFCgroupStorageKey.layout, value: Value.ownLayout)
  }

  /// Wraps a checked map.
  public init(checked handle: consuming BPFMapHandle) { self.handle = handle }

  /// Lends the untyped map.
  @inlinable
  public borrowing func withHandle<Result: ~Copyable, Failure: Error>(
    _ body: (borrowing BPFMapHandle) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(handle) }

  /// The value of an attachment; nil: nothing is attached there.
  ///
  /// - Throws: `systemCall`. `BPF_MAP_LOOKUP_ELEM`
  @inlinable
  public borrowing func value(forKey key: BPFCgroupStorageKey) throws(BPFError) -> Value? {
    try handle.lookUp(key, as: Value.self)
  }

  /// Replaces the value of an attachment.
  ///
  /// - Throws: `notFound` where nothing is attached: only attaching makes values. `BPF_MAP_UPDATE_ELEM`
  @inlinable
  public borrowing func updateValue(_ value: Value, forKey key: BPFCgroupStorageKey) throws(BPFError) {
    try handle.update(key, value, .existing)
  }

  /// The value of each attachment.
  ///
  /// - Throws: `interrupted` when attachments come and go faster than they can be read. `BPF_MAP_GET_NEXT_KEY`
  @inlinable
  public borrowing func entries() throws(BPFError) -> [(BPFCgroupStorageKey, Value)] {
    try handle.entries(BPFCgroupStorageKey.self, Value.self)
  }
}
