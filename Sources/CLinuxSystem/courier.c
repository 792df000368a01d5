/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "clinuxsystem_courier.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>

#define SWIFT __attribute__((swiftcall))

/* The runtime's hooks, swift/Runtime/Concurrency.h: called in place of what gives a job to the pool. */
typedef struct Job Job;
typedef SWIFT void Enqueue(Job *);
typedef SWIFT void EnqueueWithDelay(unsigned long long, Job *);
typedef SWIFT void EnqueueWithDeadline(long long, long long, long long, long long, int, Job *);
extern SWIFT void (*swift_task_enqueueGlobal_hook)(Job *, Enqueue *);
extern SWIFT void (*swift_task_enqueueGlobalWithDelay_hook)(unsigned long long, Job *, EnqueueWithDelay *);
extern SWIFT void (*swift_task_enqueueGlobalWithDeadline_hook)(long long, long long, long long, long long, int, Job *,
                                                               EnqueueWithDeadline *);

/* Hooks that were there before, and are still called. */
static SWIFT void (*earlier)(Job *, Enqueue *);
static SWIFT void (*earlier_with_delay)(unsigned long long, Job *, EnqueueWithDelay *);
static SWIFT void (*earlier_with_deadline)(long long, long long, long long, long long, int, Job *,
                                           EnqueueWithDeadline *);

/* One call, to be made by the courier: of a hook, or of a function that a thread waits for. */
struct letter {
  struct letter *next;
  Job *job;
  Enqueue *now;
  EnqueueWithDelay *with_delay;
  EnqueueWithDeadline *with_deadline;
  long long numbers[4];
  int clock;
  void (*function)(void *);
  void *context;
  sem_t *is_done;
};

static _Thread_local bool is_marked;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t has_letters = PTHREAD_COND_INITIALIZER;
static struct letter *first, **end = &first;

static void give(Job *job, Enqueue *original) {
  earlier ? earlier(job, original) : original(job);
}

static void give_with_delay(unsigned long long delay, Job *job, EnqueueWithDelay *original) {
  earlier_with_delay ? earlier_with_delay(delay, job, original) : original(delay, job);
}

/* Seconds and nanoseconds of the deadline, then of what it may be late. */
static void give_with_deadline(const long long n[4], int clock, Job *job, EnqueueWithDeadline *original) {
  earlier_with_deadline ? earlier_with_deadline(n[0], n[1], n[2], n[3], clock, job, original)
                        : original(n[0], n[1], n[2], n[3], clock, job);
}

static void deliver(const struct letter *letter) {
  if (letter->function) {
    letter->function(letter->context);
    sem_post(letter->is_done);
  } else if (letter->now)
    give(letter->job, letter->now);
  else if (letter->with_delay)
    give_with_delay((unsigned long long)letter->numbers[0], letter->job, letter->with_delay);
  else
    give_with_deadline(letter->numbers, letter->clock, letter->job, letter->with_deadline);
}

static void queue(struct letter letter) {
  struct letter *copy = malloc(sizeof *copy);
  if (!copy)
    abort(); /* A job cannot be refused, nor forgotten. The runtime ends the process when it has no memory, too. */
  *copy = letter;
  pthread_mutex_lock(&lock);
  *end = copy;
  end = &copy->next;
  pthread_mutex_unlock(&lock);
  pthread_cond_signal(&has_letters);
}

/* The hooks deliver at once from a thread without a mark, as nearly all are, and else let the courier. */
static SWIFT void enqueue(Job *job, Enqueue *original) {
  if (!is_marked)
    return give(job, original);
  queue((struct letter){.job = job, .now = original});
}

static SWIFT void enqueue_with_delay(unsigned long long delay, Job *job, EnqueueWithDelay *original) {
  if (!is_marked)
    return give_with_delay(delay, job, original);
  queue((struct letter){.job = job, .with_delay = original, .numbers = {(long long)delay}});
}

static SWIFT void enqueue_with_deadline(long long seconds, long long nanoseconds, long long tolerance_seconds,
                                        long long tolerance_nanoseconds, int clock, Job *job,
                                        EnqueueWithDeadline *original) {
  const long long numbers[4] = {seconds, nanoseconds, tolerance_seconds, tolerance_nanoseconds};
  if (!is_marked)
    return give_with_deadline(numbers, clock, job, original);
  queue((struct letter){.job = job,
                        .with_deadline = original,
                        .numbers = {seconds, nanoseconds, tolerance_seconds, tolerance_nanoseconds},
                        .clock = clock});
}

static void *deliver_for_ever(void *unused) {
  (void)unused;
  prctl(PR_SET_NAME, "netns:courier", 0, 0, 0);
  for (;;) {
    pthread_mutex_lock(&lock);
    while (!first)
      pthread_cond_wait(&has_letters, &lock);
    struct letter *letter = first;
    first = letter->next;
    if (!first)
      end = &first;
    pthread_mutex_unlock(&lock);
    deliver(letter);
    free(letter);
  }
  return NULL;
}

static int start(void) {
  pthread_attr_t attributes;
  int failure = pthread_attr_init(&attributes);
  if (failure)
    return failure;
  pthread_t thread;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, 512 << 10);
  failure = pthread_create(&thread, &attributes, deliver_for_ever, NULL);
  pthread_attr_destroy(&attributes);
  if (failure)
    return failure;
  earlier = swift_task_enqueueGlobal_hook;
  earlier_with_delay = swift_task_enqueueGlobalWithDelay_hook;
  earlier_with_deadline = swift_task_enqueueGlobalWithDeadline_hook;
  __atomic_store_n(&swift_task_enqueueGlobal_hook, enqueue, __ATOMIC_RELEASE);
  __atomic_store_n(&swift_task_enqueueGlobalWithDelay_hook, enqueue_with_delay, __ATOMIC_RELEASE);
  __atomic_store_n(&swift_task_enqueueGlobalWithDeadline_hook, enqueue_with_deadline, __ATOMIC_RELEASE);
  return 0;
}

int clinuxsystem_start_courier(void) {
  static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
  static bool is_started;
  pthread_mutex_lock(&once);
  int failure = is_started ? 0 : start();
  is_started = failure == 0;
  pthread_mutex_unlock(&once);
  return failure;
}

void clinuxsystem_send_jobs_by_courier(void) {
  is_marked = true;
}

void clinuxsystem_perform_by_courier(void (*function)(void *), void *context) {
  if (!is_marked)
    return function(context);
  sem_t is_done;
  sem_init(&is_done, 0, 0);
  queue((struct letter){.function = function, .context = context, .is_done = &is_done});
  while (sem_wait(&is_done) != 0 && errno == EINTR) {
  }
  sem_destroy(&is_done);
}
