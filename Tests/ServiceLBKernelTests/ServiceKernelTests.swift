// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import Testing

/// All of them move this process to another cgroup and back: one at a time.
@Suite("Services in the kernel", .serialized, .requires(.root), .requires(.cgroup2))
enum ServiceKernelTests {}
