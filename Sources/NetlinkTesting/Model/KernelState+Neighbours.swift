// SPDX-License-Identifier: Apache-2.0

// `struct ndmsg`: family 0, index 4, state 8, flags 10, type 11.
extension WireObject {
  var neighbourIndex: UInt32 { header.host(at: 4) }
  /// Whether this machine answers for it (`NTF_PROXY`).
  var isProxy: Bool { header[10] & 0x08 != 0 }
}

extension KernelState {
  static let headerOfNeighbours = 12

  private func neighbour(in message: WireMessage) throws(Refusal) -> (request: WireObject, place: Int?) {
    let request = try WireObject(message.body, headerSize: KernelState.headerOfNeighbours)
    guard request.family == Family.ipv4 || request.family == Family.ipv6 else { throw Refusal(.notSupported) }
    guard let address = request.attributes[NDA.destination] else {
      throw Refusal(.invalidArgument, "Network address not specified")
    }
    guard address.count == (request.family == Family.ipv4 ? 4 : 16) else {
      throw Refusal(.invalidArgument, "Invalid network address")
    }
    guard links[request.neighbourIndex] != nil || request.isProxy && request.neighbourIndex == 0 else {
      throw Refusal(.noDevice)
    }
    let place = neighbours.firstIndex {
      $0.family == request.family && $0.neighbourIndex == request.neighbourIndex && $0.isProxy == request.isProxy
        && $0.attributes[NDA.destination] == address
    }
    return (request, place)
  }

  mutating func newNeighbour(_ message: WireMessage) throws(Refusal) {
    let (request, place) = try neighbour(in: message)
    if let place {
      // A proxy entry may be added as often as one likes.
      if request.isProxy { return }
      if message.has(Flag.exclusive) { throw Refusal(.exists) }
      let old = neighbours[place]
      neighbours[place] = request
      if request.attributes[NDA.linkLayerAddress] == nil {
        neighbours[place].attributes[NDA.linkLayerAddress] = old.attributes[NDA.linkLayerAddress]
      }
      return tell(.newNeighbour, neighbours[place])
    }
    guard message.has(Flag.create) || request.isProxy else { throw Refusal(.noEntry) }
    neighbours.append(request)
    tell(.newNeighbour, request)
  }

  mutating func removeNeighbour(_ message: WireMessage) throws(Refusal) {
    guard let place = try neighbour(in: message).place else { throw Refusal(.noEntry) }
    tell(.removeNeighbour, neighbours.remove(at: place))
  }

  func listNeighbours(_ message: WireMessage) throws(Refusal) -> [WireObject] {
    let request = try WireObject(message.body, headerSize: KernelState.headerOfNeighbours)
    let index = request.attributes.number(NDA.index)
    return neighbours.filter {
      (request.family == Family.unspecified || $0.family == request.family) && $0.isProxy == request.isProxy
        && (index == nil || $0.neighbourIndex == index)
    }
  }
}
