// SPDX-License-Identifier: Apache-2.0

import ExampleSupport

/// Parses, and works; 1 is the status of a failure, 2 of wrong usage.
@main
enum Main {
  static func main() async { await BPFMapCommand.runAndExit() }
}
