// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BPFMaps
import ExampleSupport
import Foundation

/// Prints types as C: of a map, a program, an object file, or the kernel.
struct DescribeCommand: ExampleCommand {
  static let configuration = CommandConfiguration(
    commandName: "describe",
    abstract: "Prints types as C: of a map's keys and values, a program's functions, an object file, or the kernel.",
    discussion: """
      Named types that a map's key and value are made of come first. The first function of a program is the one that \
      the kernel calls. An object file is read, not loaded. A name of the kernel's can be of several types: a struct \
      and a function.
      """)

  enum Source: EnumerableFlag {
    case map, program, object, kernel

    static func help(for value: Source) -> ArgumentHelp? {
      switch value {
      case .map: "A map by identifier, pin or name."
      case .program: "A program by identifier, pin or name."
      case .object: "An object file."
      case .kernel: "A type of the running kernel by its name."
      }
    }
  }

  @Flag(help: "What is named.")
  var source = Source.map

  @Argument(help: "What to describe.")
  var name: String

  @Option(help: "Form of the output.")
  var output = OutputForm.table

  mutating func run() async throws {
    switch source {
    case .map: try describeMap()
    case .program: try describeProgram()
    case .object: try describeObject()
    case .kernel: try describeKernel()
    }
  }

  private func describeMap() throws {
    guard let argument = MapArgument(argument: name) else { throw ValidationError("Which map?") }
    let map = try argument.open()
    let types = map.format.types
    let pairs = [("key", types.key, map.format.info.keySize), ("value", types.value, map.format.info.valueSize)]
    switch output {
    case .json: try write("{" + pairs.map { Self.json($0, $1, $2) }.joined(separator: ",") + "}")
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

  private func describeProgram() throws {
    guard let program = ProgramArgument(argument: name) else { throw ValidationError("Which program?") }
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

  private func describeObject() throws {
    guard let bytes = FileManager.default.contents(atPath: name) else {
      throw ExampleError("object file \"\(name)\" cannot be read; is that its path?")
    }
    let types = try BTF.ofObject([UInt8](bytes))
    let maps = types.mapDeclarations
    switch output {
    case .json:
      let lists = maps.map { map in
        "{\"name\":\(quoted(map.name)),\"type\":\(quoted(map.kind.kernelName)),"
          + Self.json("key", map.types.key, map.keySize ?? 0) + ","
          + Self.json("value", map.types.value, map.valueSize ?? 0)
          + ",\"max_entries\":\(map.maximumEntryCount ?? 0)}"
      }
      let functions = types.functions.map { quoted($0.definition) }
      try write("{\"maps\":[\(lists.joined(separator: ","))],\n \"functions\":[\(functions.joined(separator: ","))]}")
    case .table:
      var table = TextTable(["MAP", "KIND", "KEY", "VALUE", "MAX"])
      for map in maps {
        table.append([
          map.name, map.kind.kernelName, map.types.key?.description ?? map.keySize.map { "\($0) bytes" } ?? "",
          map.types.value?.description ?? map.valueSize.map { "\($0) bytes" } ?? "",
          map.maximumEntryCount.map { "\($0)" } ?? "",
        ])
      }
      try write(([table.description, ""] + types.functions.map(\.definition)).joined(separator: "\n"))
    }
  }

  private func describeKernel() throws {
    let found = try BTF.vmlinux().types(named: name)
    guard !found.isEmpty else {
      throw ExampleError("the kernel has no type \"\(name)\"; write its name without struct, union or enum")
    }
    switch output {
    case .table: for type in found { try write(type.definition) }
    case .json:
      try writeList(
        found.map { type in
          "{\"id\":\(type.identifier)," + (type.size.map { "\"size\":\($0)," } ?? "")
            + "\"definition\":\(quoted(type.definition))}"
        })
    }
  }

  private static func json(_ role: String, _ type: BTFType?, _ size: Int) -> String {
    let text = type.map { ",\"type\":\(quoted("\($0)")),\"definition\":\(quoted(definition($0)))" } ?? ""
    return "\"\(role)\":{\"size\":\(size)\(text)}"
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
}

private func quoted(_ text: String) -> String { BTFDatum.text(text).json }
