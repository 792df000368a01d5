/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TERWAYKIT_CLINUXSYSTEM_COURIER_H
#define TERWAYKIT_CLINUXSYSTEM_COURIER_H

/*
 * A thread inherits the namespaces and the capabilities of the thread that starts it, and the pool of Swift's tasks
 * starts threads from whichever thread gives it work. So a thread that is in another namespace must not give it any:
 * the courier, a thread that stays where the process is, does so in its place.
 */

/*
 * Starts the courier, once in a process, in the namespaces of the caller, and lets it have the jobs that marked threads
 * give to the pool. 0, or the errno of pthread_create.
 */
int clinuxsystem_start_courier(void);

/* Marks the calling thread, for good: what it gives to the pool goes by way of the courier. */
void clinuxsystem_send_jobs_by_courier(void);

/* Calls the function: here, or on a marked thread by the courier, and waits for it. */
void clinuxsystem_perform_by_courier(void (*function)(void *), void *context);

#endif
