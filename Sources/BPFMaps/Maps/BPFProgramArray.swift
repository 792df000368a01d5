// SPDX-License-Identifier: Apache-2.0

/// Slots that hold programs, for `bpf_tail_call`.
///
/// The kernel empties the array when the last descriptor and pin of it are gone, even while programs use it: pin it.
public struct BPFProgramArray: ~Copyable, BPFMapProtocol {
  private let handle: BPFMapHandle

  /// A program array.
  public static var shape: BPFMapShape {
    var shape = BPFMapShape(kinds: [.programArray])
    (shape.keySize, shape.valueSize) = (4, 4)
    return shape
  }

  /// Wraps a checked map.
  public init(checked handle: consuming BPFMapHandle) { self.handle = handle }

  /// Lends the untyped map.
  public borrowing func withHandle<Result: ~Copyable, Failure: Error>(
    _ body: (borrowing BPFMapHandle) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(handle) }

  /// How many slots it has.
  public var count: UInt32 { handle.info.maximumEntryCount }

  /// Puts a program into a slot, replacing what was there in one step.
  ///
  /// - Throws: `invalidArgument` for an index that is not below ``count``, or a program of another type than the
  ///   array's programs.
  public borrowing func setProgram(_ program: borrowing BPFProgram, at index: UInt32) throws(BPFError) {
    try handle.update(index, UInt32(bitPattern: program.descriptor), .any)
  }

  /// Empties a slot; false: it was empty.
  ///
  /// - Throws: `invalidArgument` for an index that is not below ``count``.
  @discardableResult
  public borrowing func clear(at index: UInt32) throws(BPFError) -> Bool { try handle.remove(index) }

  /// The identifier of the program in a slot; nil: empty, or not below ``count``.
  ///
  /// - Throws: `systemCall`.
  public borrowing func programIdentifier(at index: UInt32) throws(BPFError) -> UInt32? {
    try handle.lookUp(index, as: UInt32.self)
  }
}
