// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BPFMaps
import ExampleSupport

/// Prints the types of a map, or the functions of a program, as C.
struct DescribeCommand: ExampleCommand {
  static let configuration = CommandConfiguration(
    commandName: "describe", abstract: "Prints the types of a map's keys and values, or a program's functions, as C.",
    discussion: """
      Named types that a map's key and value are made of come first. The first function of a program is the one that \
      the kernel calls.
      """)

  @Argument(help: "A map by identifier, pin or name; with --program: a program, named so too.")
  var object: MapArgument

  @Flag(help: "Describe a program.")
  var program = false

  @Option(help: "Form of the output.")
  var output = OutputForm.table

  mutating func run() async throws {
    if program { return try describeProgram() }
    let map = try object.open()
    let types = map.format.types
    let pairs = [("key", types.key, map.format.info.keySize), ("value", types.value, map.format.info.valueSize)]
    switch output {
    case .json:
      let parts = pairs.map { role, type, size in
        let text = type.map { ",\"type\":\(quoted("\($0)")),\"definition\":\(quoted(Self.definition($0)))" } ?? ""
        return "\"\(role)\":{\"size\":\(size)\(text)}"
      }
      try write("{\(parts.joined(separator: ","))}")
    case .table:
      for (role, type, size) in pairs {
        guard let type else {
          try write("// \(role): \(size) bytes without types")
          continue
        }
        try write("// \(role): \(type), \(size) bytes\n\(Self.definition(type))")
      }
    }
  }

  /// The type and the named types that it is made of, those first that others need; each once.
  private static func definition(_ type: BTFType) -> String {
    var seen: Set<UInt32> = []
    var definitions: [String] = []
    func visit(_ type: BTFType, depth: Int) {
      guard depth < 16, seen.count < 200, seen.insert(type.identifier).inserted else { return }
      switch type.kind {
      case .structure(let members), .union(let members):
        for member in members { visit(member.type, depth: depth + 1) }
        if !type.name.isEmpty { definitions.append(type.definition) }
      case .enumeration: if !type.name.isEmpty { definitions.append(type.definition) }
      case .array(let element, _): visit(element, depth: depth + 1)
      case .typedef(let target):
        visit(target, depth: depth + 1)
        // A struct without a name of its own is defined with the typedef's.
        if target.members != nil, target.name.isEmpty { definitions.append(type.definition) }
      case .qualified(let target, _): visit(target, depth: depth + 1)
      default: break
      }
    }
    visit(type, depth: 0)
    return definitions.isEmpty ? type.definition : definitions.joined(separator: "\n")
  }

  private func describeProgram() throws {
    guard let program = ProgramArgument(argument: object.text) else { throw ValidationError("Which program?") }
    let info = try program.information()
    let functions = try info.functions()
    switch output {
    case .table:
      if functions.isEmpty { try write("// program \"\(info.name)\" was loaded without types") }
      for function in functions {
        try write("\(function.type.definition)  // instruction \(function.instructionOffset)")
      }
    case .json:
      try writeList(
        functions.map { function in
          "{\"name\":\(quoted(function.type.name)),\"insn_offset\":\(function.instructionOffset),"
            + "\"definition\":\(quoted(function.type.definition))}"
        })
    }
  }

  private func quoted(_ text: String) -> String { BTFDatum.text(text).json }
}
