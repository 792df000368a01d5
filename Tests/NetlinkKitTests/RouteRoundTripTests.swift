// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import NetlinkKit

@Suite("Captured routes")
struct RouteRoundTripTests {
  @Test(arguments: ["route-reply-gateway"])
  func `every byte of a route comes back`(name: String) throws {
    try Fixture(name).expectRoundTrip(headerSize: Route.headerSize) { message, span, writer in
      let route = try #require(try Route(message, in: span))
      route.encode(into: writer, scope: route.scope)
    }
  }
}
