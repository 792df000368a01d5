// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import test_report

@Suite struct `Test report` {
  @Test func `tests that passed on one kernel and were skipped on the other are a success`() {
    let report = Report([
      run(
        "6.18", .selected(["slave"]), .skipped("slave", "missing feature: ipvlan (CONFIG_IPVLAN is not set)"), .ended),
      run("6.1", .selected(["slave"]), .passed("slave"), .ended),
    ])
    #expect(report.isSuccess)
    #expect(
      report.lines == [
        "6.18: 0 ran, 0 passed, 0 failed, 1 skipped",
        "  1 skipped, missing feature: ipvlan",
        "6.1: 1 ran, 1 passed, 0 failed, 0 skipped",
        "",
        "1 passed, 0 failed, 0 skipped",
      ])
  }

  @Test func `a test that failed on one of two kernels fails the run by name and reason`() {
    let report = Report([
      run("6.18", .selected(["links"]), .passed("links"), .ended),
      run("6.1", status: 1, .selected(["links"]), .failed("links", "Expectation failed: 1 == 2"), .ended),
    ])
    #expect(!report.isSuccess)
    #expect(report.lines.contains("  6.1: Suite/links(): Expectation failed: 1 == 2"))
    #expect(report.lines.last == "0 passed, 1 failed, 0 skipped")
  }

  @Test func `a test that was skipped on every kernel fails the run`() {
    let report = Report([
      run("6.18", .selected(["a", "b"]), .passed("a"), .skipped("b", "missing feature: ipvs (no module)"), .ended),
      run("6.1", .selected(["b"]), .skipped("b", "missing feature: tcx (6.1 < 6.6)"), .ended),
    ])
    #expect(!report.isSuccess)
    #expect(report.lines.contains("  Suite/b(): missing feature: ipvs, missing feature: tcx"))
    #expect(report.lines.last == "1 passed, 0 failed, 1 skipped")
  }

  @Test func `an unprivileged test that is disabled everywhere fails the run with its own reason`() {
    let report = Report([run("6.18", .selected(["a", "b"]), .passed("a"), .skipped("b", "flaky"), .ended)])
    #expect(!report.isSuccess)
    #expect(report.lines.contains("  Suite/b(): flaky"))
  }

  @Test func `a test that cancels itself counts as skipped`() {
    let report = Report([run("6.18", .selected(["a"]), .cancelled("a", "missing feature: bpffs (not mounted)"), .ended)]
    )
    #expect(report.lines.contains("  1 skipped, missing feature: bpffs"))
  }

  @Test func `two runs on the same kernel count together`() {
    let report = Report([
      run("6.18", .selected(["a"]), .passed("a"), .ended), run("6.18", .selected(["b"]), .passed("b"), .ended),
    ])
    #expect(report.lines == ["6.18: 2 ran, 2 passed, 0 failed, 0 skipped", "", "2 passed, 0 failed, 0 skipped"])
  }

  @Test func `a warning and a known issue are no failures`() {
    let report = Report([run("6.18", .selected(["a"]), .warned("a"), .passed("a"), .ended)])
    #expect(report.isSuccess)
  }
}

@Suite struct `Broken results` {
  @Test func `a stream without an end fails the run and the test that was running`() {
    let broken = run("6.1", status: 139, .selected(["a", "b"]), .passed("a"))
    #expect(broken.defects == ["the test process ended before its tests did (exit status 139)"])
    #expect(broken.outcomes["Suite/`a`()/File.swift:1:2"] == .passed)
    #expect(broken.outcomes["Suite/`b`()/File.swift:1:2"] == .failed("did not finish"))
    #expect(!Report([broken]).isSuccess)
  }

  @Test func `a stream that is cut within a line fails the run`() {
    let whole = contents([.selected(["a"]), .passed("a"), .ended])
    let cut = TestRun(kernel: "6.1", status: 137, contents: whole.dropLast(20))
    #expect(cut.defects == ["the results are cut short in line 4 (exit status 137)"])
    #expect(!Report([cut]).isSuccess)
  }

  @Test func `a missing stream fails the run`() {
    let report = Report([TestRun(kernel: "6.1", status: 125, contents: nil)])
    #expect(!report.isSuccess)
    #expect(report.lines.contains("  6.1: the test process left no results (exit status 125)"))
  }

  @Test func `a run without tests fails`() {
    #expect(!Report([run("6.18", .selected(["a"]), .passed("a"), .ended), run("6.1", .ended)]).isSuccess)
    #expect(run("6.1", .ended).defects == ["no test was selected"])
  }

  @Test func `a process that fails although no test did fails the run`() {
    let report = Report([run("6.1", status: 134, .selected(["a"]), .passed("a"), .ended)])
    #expect(!report.isSuccess)
  }

  @Test func `an issue outside of any test fails the run`() {
    let report = Report([run("6.1", status: 1, .selected(["a"]), .passed("a"), .stray("suite trait threw"), .ended)])
    #expect(!report.isSuccess)
    #expect(report.lines.contains("  6.1: suite trait threw"))
  }

  @Test func `no results at all are no success`() {
    #expect(!Report([]).isSuccess)
  }

  @Test(arguments: [[], ["6.1", "0"], ["6.1", "zero", "/nonexistent"]])
  func `wrong arguments are refused`(arguments: [String]) {
    #expect(Command.runs(in: arguments) == nil)
  }
}
