// SPDX-License-Identifier: Apache-2.0

package import CDatapathABI
package import NetworkTypes

/// What takes the maps from one generation to the next: pure values.
///
/// First the entries are written, none of which a program can reach yet. Then the words are stored, which say the same as
/// before until ``generation`` is in force. Then it is put into force. When no program of the old generation is running any
/// more, the tail follows.
package struct PolicyMapPlan: Sendable {
  /// A version word that says something else from the new generation on.
  package struct Word: Hashable, Sendable {
    package var place: PolicyWordPlace
    package var before: UInt32
    package var after: UInt32
  }

  /// What is left to do when no program can be at work in the old generation.
  package struct Tail: Sendable {
    /// Words that shall say one thing from now on.
    package var settled: [(place: PolicyWordPlace, value: UInt32)] = []
    package var verdicts: [verdict_key] = []
    package var peers: [IPAddress] = []
    /// What the store may give away again when the tail is done.
    var release = PolicyStore.Release()

    package var isEmpty: Bool { settled.isEmpty && verdicts.isEmpty && peers.isEmpty && release.isEmpty }
  }

  /// The generation that it makes.
  package var generation: UInt32 = 0
  package var portRanges: [(UInt32, port_range)] = []
  package var portTables: [(UInt32, port_table)] = []
  package var addressRanges4: [(UInt32, address_range4)] = []
  package var addressRanges6: [(UInt32, address_range6)] = []
  package var ruleSets: [(UInt32, rule_set)] = []
  package var verdicts: [(verdict_key, verdict)] = []
  /// New peers with their slots; their words are among ``words``.
  package var peers: [(IPAddress, UInt32)] = []
  /// Decisions whose numbers were in use before.
  package var recycledDecisions: [UInt32] = []
  package var words: [Word] = []
  package var tail = Tail()

  /// Whether nothing changes.
  package var isEmpty: Bool { words.isEmpty && writtenEntryCount == 0 && tail.isEmpty }

  /// How many entries are written by system calls.
  package var writtenEntryCount: Int {
    portRanges.count + portTables.count + addressRanges4.count + addressRanges6.count + ruleSets.count + verdicts.count
      + peers.count
  }
}
