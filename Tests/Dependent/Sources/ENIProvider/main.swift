// SPDX-License-Identifier: Apache-2.0

import ENIProvider

// The worked example of the ECS API reference.
let parameters = [
  "Timestamp": "2016-02-23T12:46:24Z", "Format": "XML", "AccessKeyId": "testid", "Action": "DescribeRegions",
  "SignatureMethod": "HMAC-SHA1", "SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf", "Version": "2014-05-26",
  "SignatureVersion": "1.0",
]
print("ENIProvider:", RPCSigner.signature(method: "GET", parameters: parameters, accessKeySecret: "testsecret"))
