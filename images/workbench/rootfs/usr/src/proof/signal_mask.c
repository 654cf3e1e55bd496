/* The signal masks of two threads, each its own. */
#include "proof.h"
#include <pthread.h>

static volatile int asked, thread_ready;

static void block(int first, int second)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, first);
    sigaddset(&set, second);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
}

static int same_mask(int first, int second)
{
    sigset_t set;
    int signal;
    pthread_sigmask(SIG_BLOCK, NULL, &set);
    for (signal = 1; signal <= SIGRTMAX; signal++)
        if (signal < 32 || signal >= SIGRTMIN) /* glibc hides two of its own */
            if (sigismember(&set, signal) != (signal == first || signal == second))
                return 0;
    return 1;
}

static void *second(void *unused)
{
    (void)unused;
    block(SIGUSR2, SIGRTMAX);
    thread_ready = 1;
    while (!asked)
        proof_sleep(10);
    proof_expect(same_mask(SIGUSR2, SIGRTMAX), "the second thread's mask is kept");
    return NULL;
}

int main(void)
{
    pthread_t thread;
    proof_begin("signal_mask");
    proof_equal(pthread_create(&thread, NULL, second, NULL), 0, "a thread is made");
    block(SIGTERM, SIGRTMIN + 5);
    while (!thread_ready)
        proof_sleep(1);
    proof_wait();
    proof_expect(same_mask(SIGTERM, SIGRTMIN + 5), "the first thread's mask is kept");
    asked = 1;
    pthread_join(thread, NULL);
    proof_passed();
}
