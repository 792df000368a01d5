// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BPFMaps
import ExampleSupport
import Foundation
import SystemPackage

/// A map as it is named on the command line.
struct MapArgument: ExpressibleByArgument {
  let text: String

  init?(argument: String) {
    guard !argument.isEmpty else { return nil }
    text = argument
  }

  /// Opens the map and prepares its types.
  func open() throws -> DescribedMap {
    let map = try openRaw()
    let info = map.info
    var types = BPFMapTypes(key: nil, value: nil)
    do {
      types = try info.types()
    } catch {
      warn("map \"\(info.name)\" is shown as bytes, because its types cannot be read: \(error)")
    }
    return DescribedMap(map: map, format: try BPFMapFormat(info, types))
  }

  private func openRaw() throws -> BPFRawMap {
    if text.contains("/") { return try BPFRawMap.open(pinnedAt: FilePath(text)) }
    if let identifier = UInt32(text) { return try BPFRawMap.open(identifier: identifier) }
    // The kernel keeps 15 bytes of a name.
    let found = try BPFMapInfo.all().filter { $0.name == text || $0.name.utf8.count == 15 && text.hasPrefix($0.name) }
    guard let only = found.first else {
      throw ExampleError("there is no map \"\(text)\"; `bpfmap list` shows what there is; a pin needs its whole path")
    }
    guard found.count == 1 else {
      let identifiers = found.map { "\($0.identifier)" }.joined(separator: ", ")
      throw ExampleError("\(found.count) maps are named \"\(text)\": name one by its identifier, \(identifiers)")
    }
    return try BPFRawMap.open(identifier: only.identifier)
  }
}

/// A program as it is named on the command line.
struct ProgramArgument: ExpressibleByArgument {
  let text: String

  init?(argument: String) {
    guard !argument.isEmpty else { return nil }
    text = argument
  }

  /// The kernel's identifier of it.
  func identifier() throws -> UInt32 {
    if text.contains("/") { return try BPFProgram.open(pinnedAt: FilePath(text)).identifier }
    if let identifier = UInt32(text) { return identifier }
    let found = try BPFProgramInfo.all().filter { $0.name == text }
    guard let only = found.first else {
      throw ExampleError("there is no program \"\(text)\"; `bpfmap list programs` shows what there is")
    }
    guard found.count == 1 else {
      let identifiers = found.map { "\($0.identifier)" }.joined(separator: ", ")
      throw ExampleError("\(found.count) programs are named \"\(text)\": name one by its identifier, \(identifiers)")
    }
    return only.identifier
  }

  /// What the kernel says of it.
  func information() throws -> BPFProgramInfo {
    let identifier = try identifier()
    guard let info = try BPFProgramInfo.program(identifier: identifier) else {
      throw ExampleError("there is no program \(identifier); `bpfmap list programs` shows what there is")
    }
    return info
  }
}

/// An open map with what is known of its types.
struct DescribedMap: ~Copyable {
  let map: BPFRawMap
  let format: BPFMapFormat

  /// An entry as `bpftool -j map dump` writes it, without braces.
  func json(_ entry: BPFRawMap.Entry) throws -> String {
    var parts = ["\"key\":\(BTFDatum.json(of: entry.key))", json(entry.values.map(BTFDatum.json(of:)))]
    if format.isTyped {
      let values = try entry.values.map { try format.value(of: $0).json }
      parts.append("\"formatted\":{\"key\":\(try format.key(of: entry.key).json),\(json(values))}")
    }
    return parts.joined(separator: ",")
  }

  private func json(_ values: [String]) -> String {
    guard format.info.kind.hasValuePerCPU else { return "\"value\":\(values.first ?? "null")" }
    return "\"values\":["
      + values.enumerated().map { "{\"cpu\":\($0.offset),\"value\":\($0.element)}" }.joined(separator: ",") + "]"
  }

  func key(_ entry: BPFRawMap.Entry) throws -> String { try format.key(of: entry.key).description }

  /// One line; a per-CPU map's values one after the other.
  func values(_ values: [[UInt8]]) throws -> String {
    let texts = try values.map { try format.value(of: $0).description }
    guard format.info.kind.hasValuePerCPU else { return texts.first ?? "" }
    return texts.enumerated().map { "cpu\($0.offset): \($0.element)" }.joined(separator: "; ")
  }
}
