// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf

extension BPFObject {
  /// Loads without one of the object's programs.
  ///
  /// - Parameter program: The program's name.
  /// - Throws: `notFound`, listing the programs there are.
  public mutating func exclude(program: String) throws(BPFError) {
    _ = unsafe bpf_program__set_autoload(try require(program: program), false)
  }

  /// Loads one of the object's programs that would stay out: one of `SEC("?…")`, or excluded before.
  ///
  /// - Parameter program: The program's name.
  /// - Throws: `notFound`, listing the programs there are.
  public mutating func include(program: String) throws(BPFError) {
    _ = unsafe bpf_program__set_autoload(try require(program: program), true)
  }

  /// Loads the named programs and no others.
  ///
  /// - Parameter programs: Names of programs; empty loads maps alone.
  /// - Throws: `notFound` for any name that is not one, listing the programs there are; nothing is changed then.
  public mutating func select(programs: Set<String>) throws(BPFError) {
    for program in programs.sorted() { _ = unsafe try require(program: program) }
    for program in pointer.programNames {
      guard let found = unsafe pointer.program(program) else { continue }
      _ = unsafe bpf_program__set_autoload(found, programs.contains(program))
    }
  }

  /// The programs that will be loaded.
  public var selectedPrograms: [String] {
    pointer.programNames.filter { name in
      guard let found = unsafe pointer.program(name) else { return false }
      return unsafe bpf_program__autoload(found)
    }
  }

  /// Loads without one of the object's maps: a map that only excluded programs use costs nothing then.
  ///
  /// A program that reaches a place where it would use the map is refused by the verifier.
  ///
  /// - Parameter map: The map's name.
  /// - Throws: `notFound`, listing the maps there are.
  public mutating func exclude(map: String) throws(BPFError) {
    let status = unsafe bpf_map__set_autocreate(try require(map), false)
    if status != 0 { throw BPFError.kernel("exclude map \"\(map)\" of object \"\(name)\"", status: status) }
  }

  private func require(program: String) throws(BPFError) -> OpaquePointer {
    guard let found = unsafe pointer.program(program) else {
      throw BPFError(.notFound, missing("program", program, among: pointer.programNames))
    }
    return unsafe found
  }
}
