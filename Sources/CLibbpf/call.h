/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TERWAYKIT_CLIBBPF_CALL_H
#define TERWAYKIT_CLIBBPF_CALL_H

/*
 * bpf(2) itself: the result, or the negative error number; errno stays as it was, and no call between libraries is
 * made. `size` is how much of `union bpf_attr` there is; the kernel takes the rest as zero.
 */
#include <linux/bpf.h>
#include <sys/syscall.h>
#if !defined(__x86_64__) && !defined(__aarch64__)
#include <errno.h>
#include <unistd.h>
#endif

static inline int clibbpf_call(int command, void *arguments, unsigned long size) {
#if defined(__x86_64__)
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "0"((long)SYS_bpf), "D"((long)command), "S"(arguments), "d"(size)
                   : "rcx", "r11", "memory");
  return (int)result;
#elif defined(__aarch64__)
  register long number __asm__("x8") = SYS_bpf;
  register long result __asm__("x0") = (long)command;
  register void *first __asm__("x1") = arguments;
  register unsigned long second __asm__("x2") = size;
  __asm__ volatile("svc #0" : "+r"(result) : "r"(number), "r"(first), "r"(second) : "memory");
  return (int)result;
#else
  int before = errno;
  int result = (int)syscall(SYS_bpf, command, arguments, size);
  if (result < 0) {
    result = -errno;
    errno = before;
  }
  return result;
#endif
}

#endif
