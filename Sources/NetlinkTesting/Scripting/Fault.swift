// SPDX-License-Identifier: Apache-2.0

extension FakeKernel {
  /// What goes wrong with a request.
  public struct Fault: Sendable {
    enum Effect: Sendable {
      case refusal(Refusal)
      case silence
      case interrupted
      case overrun
      case truncated(Int)
      case malformed
      case foreign(sender: UInt32, sequence: UInt32, port: UInt32)
      case delay(Duration)
      case scripted([Arrival])
    }

    let effect: Effect

    /// The kernel refuses it, and does nothing.
    ///
    /// - Parameters:
    ///   - number: why.
    ///   - message: the kernel's own words.
    /// - Returns: The fault.
    public static func refusal(_ number: ErrorNumber, message: String? = nil) -> Fault {
      Fault(effect: .refusal(Refusal(number, message)))
    }

    /// It is carried out, and its answer is lost: the socket waits until its timeout.
    public static let silence = Fault(effect: .silence)
    /// A listing says that what it lists changed meanwhile (`NLM_F_DUMP_INTR`); the socket makes it again.
    public static let interruption = Fault(effect: .interrupted)
    /// It is carried out, and the kernel has no room for the answer (`ENOBUFS`).
    public static let overrun = Fault(effect: .overrun)

    /// It is carried out, and the answer's first datagram ends early.
    ///
    /// - Parameter length: how many bytes are left.
    /// - Returns: The fault.
    public static func truncation(to length: Int) -> Fault { Fault(effect: .truncated(length)) }

    /// It is carried out, and the answer's first message claims a length of 0.
    public static let malformedReply = Fault(effect: .malformed)
    /// It is carried out; before the answer comes a forged one from another process.
    public static let forgery = Fault(effect: .foreign(sender: 4711, sequence: 0, port: 0))
    /// It is carried out, and the answer has a sequence number that was never used.
    public static let foreignSequence = Fault(effect: .foreign(sender: 0, sequence: 1000, port: 0))
    /// It is carried out, and the answer is for another socket.
    public static let foreignPort = Fault(effect: .foreign(sender: 0, sequence: 0, port: 1))

    /// It is carried out, and the answer comes late.
    ///
    /// - Parameter duration: how late.
    /// - Returns: The fault.
    public static func delay(_ duration: Duration) -> Fault { Fault(effect: .delay(duration)) }

    /// It is not carried out, and answered with these.
    ///
    /// - Parameter arrivals: what the socket finds, one after the other.
    /// - Returns: The fault.
    public static func scripted(_ arrivals: [Arrival]) -> Fault { Fault(effect: .scripted(arrivals)) }
  }

  /// What a socket finds when it looks for an answer.
  public enum Arrival: Sendable {
    /// A datagram of these bytes; `sender` 0 is the kernel.
    case datagram([UInt8], sender: UInt32 = 0)
    /// A datagram that is longer than any buffer.
    case oversized(Int)
    /// The system call fails.
    case failure(ErrorNumber)
    /// Nothing, and nothing of what is behind it, until ``FakeKernel/release()``.
    case held
  }
}

/// A fault and when it happens.
struct PlannedFault: Sendable {
  let fault: FakeKernel.Fault
  let kind: FakeKernel.RequestKind?
  /// How many requests of that kind are still to pass unharmed.
  var passing: Int
  /// How many are harmed.
  var remaining: Int

  /// Whether the next request of `kind` is harmed.
  mutating func strikes(_ kind: FakeKernel.RequestKind) -> Bool {
    guard remaining > 0, self.kind == nil || self.kind == kind else { return false }
    guard passing == 0 else {
      passing -= 1
      return false
    }
    remaining -= 1
    return true
  }
}
