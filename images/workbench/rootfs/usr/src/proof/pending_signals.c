/* Signals that wait because they are blocked: standard, queued real-time ones in order, to one thread. */
#include "proof.h"
#include <pthread.h>
#include <sys/syscall.h>

#define QUEUED (SIGRTMIN + 1)

static volatile int asked;

/* Takes a pending signal without waiting; 0 if there is none. The wrapper of glibc would hide SI_TKILL. */
static int take(int signal, siginfo_t *info)
{
    struct timespec none = {0, 0};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    return syscall(SYS_rt_sigtimedwait, &set, info, &none, 8) == signal;
}

static void *second(void *unused)
{
    siginfo_t info;
    (void)unused;
    while (!asked)
        proof_sleep(10);
    proof_expect(take(SIGUSR2, &info), "the signal to the second thread is pending there");
    proof_equal(info.si_code, SI_TKILL, "it was sent to the thread");
    proof_equal(info.si_pid, getpid(), "it was sent by this process");
    proof_expect(take(QUEUED + 1, &info), "the queued signal to the second thread is pending there");
    proof_equal(info.si_value.sival_int, 44, "its value");
    return NULL;
}

int main(void)
{
    pthread_t thread;
    sigset_t set;
    siginfo_t info;
    union sigval value;
    int i;
    proof_begin("pending_signals");
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, QUEUED);
    sigaddset(&set, QUEUED + 1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    proof_equal(pthread_create(&thread, NULL, second, NULL), 0, "a thread is made");
    kill(getpid(), SIGUSR1);
    for (i = 1; i <= 3; i++) {
        value.sival_int = 11 * i;
        proof_equal(sigqueue(getpid(), QUEUED, value), 0, "a signal is queued");
    }
    proof_equal(pthread_kill(thread, SIGUSR2), 0, "a signal is sent to the thread");
    value.sival_int = 44;
    proof_equal(pthread_sigqueue(thread, QUEUED + 1, value), 0, "a signal is queued to the thread");

    proof_wait();

    proof_expect(take(SIGUSR1, &info), "the standard signal is pending");
    proof_equal(info.si_code, SI_USER, "it was sent by kill");
    proof_equal(info.si_pid, getpid(), "it was sent by this process");
    proof_expect(!take(SIGUSR1, &info), "it is pending once");
    for (i = 1; i <= 3; i++) {
        proof_expect(take(QUEUED, &info), "the queued signals are pending");
        proof_equal(info.si_code, SI_QUEUE, "they were sent by sigqueue");
        proof_equal(info.si_value.sival_int, 11 * i, "their values, in order");
    }
    proof_expect(!take(QUEUED, &info), "three of them were queued");
    proof_expect(!take(SIGUSR2, &info), "the second thread's signal is not pending here");
    asked = 1;
    pthread_join(thread, NULL);
    proof_passed();
}
