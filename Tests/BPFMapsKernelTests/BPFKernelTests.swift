// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import KernelTestSupport
import LinuxSystem
import Testing

/// Everything here runs one by one: some tests count the process's descriptors.
@Suite("BPF in the kernel", .serialized, .requires(.root))
enum BPFKernelTests {}
