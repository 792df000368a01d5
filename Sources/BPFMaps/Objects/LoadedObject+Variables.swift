// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf

extension LoadedObject {
  /// A global variable, in memory that the programs see too.
  ///
  /// - Parameters:
  ///   - variable: The C variable, of `.data`, `.bss` or `.rodata`; constants can only be read.
  ///   - type: As for ``BPFObject/setConstant(_:to:)``.
  /// - Returns: The variable.
  /// - Throws: `notFound`, listing the variables there are; `invalidArgument` for another type; `notSupported` for a
  ///   section that is no shared memory.
  /// - Requires: Linux 5.5. `BPF_F_MMAPABLE`, mmap(2)
  public func variable<Value: BitwiseCopyable & Sendable>(
    _ variable: String, as type: Value.Type
  ) throws(BPFError) -> BPFVariable<Value> {
    let variables = pointer.variables
    guard let found = variables.first(where: { $0.name == variable }) else {
      let names = variables.map { "\($0.name) (\($0.shape))" }.sorted()
      throw BPFError(
        .notFound,
        "object \"\(name)\" has no variable \"\(variable)\"; it has: \(names.isEmpty ? "none" : names.joined(separator: ", "))"
      )
    }
    let operation = "open variable \"\(variable)\" of object \"\(name)\""
    if let difference = VariableCheck.difference(found, types?.type(found.type), Value.self) {
      throw BPFError(.invalidArgument, "\(operation): \(difference)")
    }
    guard let map = unsafe pointer.map(found.section) else {
      throw BPFError(.malformedObject, "\(operation): its section \(found.section) is no map")
    }
    let definition = unsafe pointer.definition(of: map)
    guard found.offset >= 0, found.offset + MemoryLayout<Value>.size <= definition.valueSize else {
      throw BPFError(.malformedObject, "\(operation): its section \(found.section) has no such place")
    }
    // libbpf asks for shared memory where the kernel has it, and a variable of the section is visible outside its file.
    guard definition.flags & (1 << 10) != 0 else {
      throw BPFError(
        .notSupported,
        "\(operation): its section \(found.section) is no shared memory, because all of its variables are static; make one global"
      )
    }
    let memory = try SharedMemory(
      of: unsafe bpf_map__fd(map), length: definition.valueSize, isWritable: !found.isConstant,
      "section \(found.section) of object \"\(name)\"")
    return BPFVariable(variable, at: found.offset, of: MappedSection(memory, isWritable: !found.isConstant))
  }
}
