// SPDX-License-Identifier: Apache-2.0

extension FakeKernel {
  /// Lets something go wrong with requests to come.
  ///
  /// ```swift
  /// kernel.inject(.silence, atCall: 2, of: .newRoute)
  /// kernel.inject(.interruption, of: .getLink, times: 3)
  /// ```
  ///
  /// - Parameters:
  ///   - fault: what goes wrong.
  ///   - call: with which request, counted from 1 for the next one; those of other kinds do not count.
  ///   - kind: with which kind of request; nil for any, and then all count.
  ///   - times: with how many of them, one after the other.
  public func inject(_ fault: Fault, atCall call: Int = 1, of kind: RequestKind? = nil, times: Int = 1) {
    precondition(call >= 1, "calls are counted from 1")
    precondition(times >= 1, "a fault happens at least once")
    withState { $0.faults.append(PlannedFault(fault: fault, kind: kind, passing: call - 1, remaining: times)) }
  }

  /// Refuses the `call`th request from now on; nothing is changed by it.
  ///
  /// - Parameters:
  ///   - call: which request, counted from 1 for the next one.
  ///   - kind: counts only requests of this kind; nil for all.
  ///   - number: why.
  ///   - message: the kernel's own words.
  public func fail(call: Int, of kind: RequestKind? = nil, with number: ErrorNumber, message: String? = nil) {
    inject(.refusal(number, message: message), atCall: call, of: kind)
  }

  /// Refuses the next request of this kind; nothing is changed by it.
  ///
  /// - Parameters:
  ///   - kind: the kind of request.
  ///   - number: why.
  ///   - message: the kernel's own words.
  public func failNext(_ kind: RequestKind, with number: ErrorNumber, message: String? = nil) {
    inject(.refusal(number, message: message), of: kind)
  }

  /// Forgets the faults that did not happen yet.
  public func removeFaults() { withState { $0.faults = [] } }

  /// Answers by hand: `script` is asked for every datagram that a socket sends.
  ///
  /// - Parameter script: gets the datagram and its number, from 1; returns what the socket finds, or nil for what the
  ///   fake kernel would answer. It runs while the socket sends, and may ask the fake kernel for its state.
  public func answer(with script: @escaping @Sendable (_ datagram: [UInt8], _ number: Int) -> [Arrival]?) {
    withState { $0.script = script }
  }

  /// Lets arrive what ``Arrival/held`` holds back.
  public func release() { for mailbox in withState({ Array($0.mailboxes.values) }) { mailbox.release() } }
}
