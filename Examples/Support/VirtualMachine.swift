// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc

/// Runs this very program again on the project's virtual machine, where the running kernel lacks a feature.
public enum VirtualMachine {
  /// The project's boot script, searched upwards from the working directory and from the program.
  ///
  /// - Returns: Its path; nil outside a checkout.
  public static func script() -> String? {
    let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path
    for start in [FileManager.default.currentDirectoryPath, program] {
      var directory = URL(fileURLWithPath: start)
      while directory.path != "/" {
        let script = directory.appending(path: "Tests/VirtualMachine/vm").path
        if FileManager.default.isExecutableFile(atPath: script) { return script }
        directory.deleteLastPathComponent()
      }
    }
    return nil
  }

  /// Where the machine sees the folder that it may write.
  public static let outputFolder = "/run/terwaykit/out"

  /// Becomes the script, which boots the machine and runs this program there.
  ///
  /// Output, signals and the exit status are the script's from here on.
  ///
  /// - Parameters:
  ///   - script: As ``script()`` found it.
  ///   - arguments: The program's arguments.
  ///   - outputFolder: A folder here that the machine may write, as ``outputFolder`` there; nil for none.
  /// - Throws: `ExampleError` when the script can't be started.
  public static func become(script: String, arguments: [String], outputFolder: String? = nil) throws -> Never {
    let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
    let share = outputFolder.map { ["--out", $0] } ?? []
    let words = [script, "run"] + share + ["--", program] + arguments
    var vector: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) }
    unsafe vector.append(nil)
    // The calling thread is one of the pool's, which block most signals (see ``Process/runUnblocked()``).
    var none = sigset_t()
    unsafe sigemptyset(&none)
    unsafe pthread_sigmask(SIG_SETMASK, &none, nil)
    unsafe execv(script, &vector)
    throw ExampleError("cannot start \(script): \(unsafe String(cString: strerror(errno)))")
  }
}
