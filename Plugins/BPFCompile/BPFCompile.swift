// SPDX-License-Identifier: Apache-2.0

import Foundation
import PackagePlugin

/// Compiles BPF programs with the Swift toolchain's clang and embeds the objects as Swift source.
///
/// The package's own programs, `bpf/*.bpf.c`, belong to the target `DatapathPrograms`. Any other target that uses the
/// plugin gets `Programs/*.bpf.c` of its own directory (which its manifest entry excludes). Both see `bpf/include`.
/// Each program becomes `EmbeddedObject.NAME`; the target must depend on `BPFMaps`, which declares `EmbeddedObject`.
///
/// The objects are embedded as base64 in a `StaticString`: the one route that needs no experimental package-manager
/// flag, works in a dependent package and in a moved binary. A program's name must be a Swift identifier.
@main
struct BPFCompile: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
    let clang = try context.tool(named: "clang").url
    let objcopy = clang.deletingLastPathComponent().appending(path: "llvm-objcopy")
    let shared = context.package.directoryURL.appending(path: "bpf")
    let include = shared.appending(path: "include")
    let directory = target.name == "DatapathPrograms" ? shared : target.directoryURL.appending(path: "Programs")
    let folders = directory == shared ? [shared, include] : [directory, shared, include]
    let headers = try folders.flatMap { try files(in: $0, suffix: ".h") }
    return try files(in: directory, suffix: ".bpf.c").map { program in
      let name = program.lastPathComponent.replacingOccurrences(of: ".bpf.c", with: "")
      let object = context.pluginWorkDirectoryURL.appending(path: "\(name).bpf.o")
      let source = context.pluginWorkDirectoryURL.appending(path: "\(name).embedded.swift")
      return .buildCommand(
        displayName: "Compiling BPF \(program.lastPathComponent)",
        executable: URL(fileURLWithPath: "/bin/sh"),
        arguments: ["-c", Self.script, "bpf", clang.path, objcopy.path, program.path, object.path, source.path, name]
          + [
            "-target", "bpf", "-mcpu=v3", "-O2", "-g", "-Wall", "-Wextra", "-Werror",
            "-D__TARGET_ARCH_\(Self.architecture)",
            "-idirafter", "/usr/include/\(Self.triplet)", "-I", include.path, "-I", shared.path,
            "-ffile-prefix-map=\(directory.path)=bpf",
          ],
        inputFiles: [program] + headers,
        outputFiles: [source])
    }
  }

  private func files(in directory: URL, suffix: String) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
      .filter { $0.lastPathComponent.hasSuffix(suffix) }
      .sorted { $0.path < $1.path }
  }

  #if arch(x86_64)
  private static let triplet = "x86_64-linux-gnu"
  private static let architecture = "x86"
  #else
  private static let triplet = "aarch64-linux-gnu"
  private static let architecture = "arm64"
  #endif

  /// Compile, drop DWARF but keep BTF, encode.
  private static let script = #"""
    set -eu
    clang=$1 objcopy=$2 program=$3 object=$4 source=$5 name=$6
    shift 6
    "$clang" "$@" -c "$program" -o "$object"
    "$objcopy" --strip-debug "$object"
    {
      printf '// Generated from %s.bpf.c. Do not edit.\n\n' "$name"
      printf 'import BPFMaps\n\n'
      printf 'extension EmbeddedObject {\n'
      printf '  /// `%s.bpf.c`, compiled.\n' "$name"
      printf '  static let %s = EmbeddedObject(name: "%s", base64: "%s")\n' "$name" "$name" "$(base64 -w0 "$object")"
      printf '}\n'
    } > "$source"
    """#
}
