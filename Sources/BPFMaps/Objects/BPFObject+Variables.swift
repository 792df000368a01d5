// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf

extension BPFObject {
  /// Sets a `const volatile` variable, so that the verifier can use its value.
  ///
  /// ```c
  /// const volatile __u32 record_allowed = 0;
  /// ```
  ///
  /// - Parameters:
  ///   - variable: The C variable.
  ///   - value: A value of the variable's type: integers of its width and sign, `Bool` for `bool`, a ``BPFValue`` whose
  ///     fields are those of its struct, a tuple of the size of an array.
  /// - Throws: `notFound`, listing the constants there are; `invalidArgument` for another type, saying what the
  ///   variable is.
  public mutating func setConstant<Value: BitwiseCopyable>(_ variable: String, to value: Value) throws(BPFError) {
    let constants = pointer.variables.filter(\.isConstant)
    try set(variable, among: constants, called: "constant", to: value)
  }

  /// Sets what a variable of `.data` or `.bss` has when the programs are loaded.
  ///
  /// Its value afterwards is ``LoadedObject/variable(_:as:)``.
  ///
  /// - Parameters:
  ///   - variable: The C variable.
  ///   - value: As for ``setConstant(_:to:)``.
  /// - Throws: As ``setConstant(_:to:)``.
  public mutating func setInitialValue<Value: BitwiseCopyable>(
    of variable: String, to value: Value
  ) throws(BPFError) {
    let variables = pointer.variables.filter { !$0.isConstant }
    try set(variable, among: variables, called: "variable", to: value)
  }

  private mutating func set<Value: BitwiseCopyable>(
    _ name: String, among variables: [ObjectVariable], called what: String, to value: Value
  ) throws(BPFError) {
    guard let found = variables.first(where: { $0.name == name }) else {
      throw BPFError(.notFound, missing(what, name, among: variables.map { "\($0.name) (\($0.shape))" }))
    }
    let operation = "set \(what) \"\(name)\" of object \"\(self.name)\""
    if let difference = VariableCheck.difference(found, types?.type(found.type), Value.self) {
      throw BPFError(.invalidArgument, "\(operation): \(difference)")
    }
    var length = 0
    let size = MemoryLayout<Value>.size
    guard let map = unsafe pointer.map(found.section), let start = unsafe bpf_map__initial_value(map, &length),
      found.offset >= 0, found.offset + size <= length
    else {
      throw BPFError(.malformedObject, "\(operation): its section \(found.section) has no such place")
    }
    var section = unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: length))
    unsafe withUnsafeBytes(of: value) { unsafe section.replaceSubrange(found.offset..<found.offset + size, with: $0) }
    let status = unsafe bpf_map__set_initial_value(map, section, length)
    if status != 0 { throw BPFError.kernel(operation, status: status) }
  }
}
