// SPDX-License-Identifier: Apache-2.0
//
// bpfmap-bench-c: the floor under bpfmap-bench. The same operations in C on libbpf, as fast as they go: descriptors as
// numbers, keys and values on the stack, batches from buffers that are made once.

#ifndef BPFMAP_BENCH_C_H
#define BPFMAP_BENCH_C_H

#include <stdint.h>

#define ENTRIES 100000
#define CHUNK   100

struct value {
  uint64_t first;
  uint64_t second;
};

struct key40 {
  uint32_t words[10];
};

struct lpm_key {
  uint32_t prefix_length;
  uint32_t address;
};

// Keys

static inline uint32_t scatter(uint32_t number) {
  return number * 2654435761u;
}

static inline uint64_t key8(uint32_t number) {
  return number | (uint64_t)scatter(number) << 32;
}

static inline struct key40 key40(uint32_t number) {
  return (struct key40){{[0] = number, [1] = scatter(number), [9] = number}};
}

static inline struct lpm_key lpm_key(uint32_t number) {
  return (struct lpm_key){32, __builtin_bswap32(0x0a000000 + (scatter(number) >> 8))};
}

static inline struct value value(uint32_t number) {
  return (struct value){number, scatter(number)};
}

// Measuring

struct measurement {
  const char *op;
  double *chunks;
  unsigned chunk_count, chunk_capacity;
  uint64_t objects;
  double cpu, wall;
};

// All in microseconds.
double now_wall(void);
double now_process(void);
double now_thread(void);

struct measurement measure(const char *group, const char *op, unsigned chunks);
// Times `body` for each place below `count`, by the chunk.
void measure_loop(struct measurement *, uint32_t count, void (*body)(uint32_t));
// Times one call, which says how many objects it handled.
void measure_call(struct measurement *, uint32_t (*body)(void));
void measure_add(struct measurement *, uint64_t count, double cpu, double wall);
// Prints the line, in nanoseconds per operation; `more` are further members, from the comma on.
void report(struct measurement *, const char *more);

_Noreturn void die(const char *what);

// Groups

uint32_t scaled(uint32_t count);

void hash8(void);
void hash40(void);
void per_cpu(void);
void lpm(void);
void array(void);
void batch(uint32_t size);
void ring(const char *object);

// Of maps; each dies for the kernel's refusal.

int make_map(int type, const char *name, uint32_t key_size, uint32_t value_size, uint32_t flags);

#endif
