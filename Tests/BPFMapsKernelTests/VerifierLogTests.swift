// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import KernelTestSupport
import LinuxSystem
import SystemPackage
import Testing

extension BPFKernelTests {
  @Suite("Verifier logs and instruction counts")
  struct VerifierLogTests {
    @Test func `a log of tens of megabytes is kept from its first line to its last`() throws {
      var object = try BPFObject(.walks)
      try object.setConstant("turns", to: UInt32(30_000))
      do throws(BPFError) {
        _ = try object.load()
        Issue.record("the verifier accepted a program that reads past the end of the packet")
      } catch {
        #expect(error.code == .verifierRejected)
        #expect(error.message.contains(#"refused program "walks_far": "#))
        #expect(error.message.contains("outside of the packet"), "\(error.message)")
        let log = try #require(error.verifierLog)
        // Beyond the buffer that libbpf begins with.
        #expect(log.utf8.count > 16 << 20, "\(log.utf8.count)")
        #expect(log.prefix(400).contains("\n0: "), "\(log.prefix(400))")
        let statistics = try #require(VerifierStatistics(parsing: log))
        #expect(statistics.processedInstructions > 100_000)
      }
    }

    @Test func `nothing is logged of accepted programs unless asked for`() throws {
      let loaded = try BPFObject(.cgroup).load()
      #expect(loaded.verifierLog(ofProgram: "redirects") == nil)
      #expect(loaded.verifierStatistics(ofProgram: "redirects") == nil)
    }

    @Test(arguments: [VerifierLogging.statistics, .everyState])
    func `what is asked for is logged of each program`(logging: VerifierLogging) throws {
      let loaded = try BPFObject(.samples).load(log: logging)
      for name in loaded.programNames {
        let found = loaded.verifierStatistics(ofProgram: name)
        let statistics = try #require(found, "\(name)")
        let info = try loaded.program(name).info()
        #expect(statistics.processedInstructions == info.verifiedInstructionCount)
        #expect(statistics.processedInstructions > 0)
        #expect(statistics.limit == 1_000_000)
        #expect(statistics.microseconds != nil)
        #expect(!statistics.stackDepths.isEmpty)
      }
      let found = loaded.verifierLog(ofProgram: "counts")
      let log = try #require(found)
      #expect(log.contains("exit") == (logging == .everyState))
      #expect(loaded.verifierLog(ofProgram: "nothing") == nil)
    }

    @Test func `a refused program's log has the reason whatever was asked for`() throws {
      for logging in VerifierLogging.allCases {
        do throws(BPFError) {
          _ = try BPFObject(.refused).load(log: logging)
          Issue.record("accepted")
        } catch {
          #expect(error.code == .verifierRejected)
          #expect(error.message.hasSuffix("R1 offset is outside of the packet"), "\(logging): \(error.message)")
          #expect(error.verifierLog?.contains("processed ") == true)
        }
      }
    }

    @Test func `load information says what the kernel made of a program`() throws {
      let loaded = try loadSamples()
      let counts = try loaded.program("counts").info()
      #expect(counts.kind == .trafficControl)
      #expect(counts.verifiedInstructionCount > 5)
      #expect(counts.translatedSize > 40 && counts.translatedSize % 8 == 0)
      #expect(counts.mapIdentifiers.count >= 1)
      #expect(counts.user == 0)
      // Where the compiler is turned off programs are interpreted; where it cannot be, there is no such file.
      let isInterpreted = (try? FileSystem.text(of: "/proc/sys/net/core/bpf_jit_enable"))?.first == "0"
      #expect((counts.compiledSize == 0) == isInterpreted)
      let later = try loadSamples().program("counts").info()
      #expect(later.loadTime > counts.loadTime)
      #expect(later.verifiedInstructionCount == counts.verifiedInstructionCount)
      #expect(try loaded.program("emits").info().verifiedInstructionCount != counts.verifiedInstructionCount)
      #expect(try BPFObject(.cgroup).load().program("redirects").info().kind == .cgroupAddress)
    }
  }
}
