/* What prctl(2) and personality(2) set: names, death signal, dumpable, subreaper, timer slack, no huge pages. */
#include "proof.h"
#include <pthread.h>
#include <sys/personality.h>
#include <sys/prctl.h>

static volatile int asked, thread_ready;

static void expect_name(const char *wanted)
{
    char found[17] = "";
    proof_equal(prctl(PR_GET_NAME, found, 0, 0, 0), 0, "the name is told");
    proof_expect(strcmp(found, wanted) == 0, "the name is kept");
}

static void *second(void *unused)
{
    (void)unused;
    prctl(PR_SET_NAME, "second thread", 0, 0, 0);
    prctl(PR_SET_TIMERSLACK, 99000, 0, 0, 0);
    thread_ready = 1;
    while (!asked)
        proof_sleep(10);
    expect_name("second thread");
    proof_equal(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0), 99000, "the timer slack of the second thread");
    return NULL;
}

static pid_t child_with_death_signal(void)
{
    pid_t child = proof_fork();
    int signal;
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGUSR2, 0, 0, 0);
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        proof_settled();
        proof_wait_quietly();
        proof_equal(prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0), 0, "the death signal is told");
        proof_equal(signal, SIGUSR2, "the death signal");
        proof_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0, "a child that is not dumpable");
        proof_end(0);
    }
    return child;
}

int main(void)
{
    pthread_t thread;
    pid_t child;
    int reaper;
    proof_begin("prctl_flags");
    child = child_with_death_signal();
    prctl(PR_SET_NAME, "first (odd) name", 0, 0, 0);
    prctl(PR_SET_TIMERSLACK, 77000, 0, 0, 0);
    proof_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0, "the process becomes a subreaper");
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    personality(ADDR_NO_RANDOMIZE);
    proof_equal(pthread_create(&thread, NULL, second, NULL), 0, "a thread is made");
    while (!thread_ready)
        proof_sleep(1);
    proof_wait();
    expect_name("first (odd) nam");
    proof_equal(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0), 77000, "the timer slack");
    proof_equal(prctl(PR_GET_CHILD_SUBREAPER, &reaper, 0, 0, 0), 0, "the subreaper flag is told");
    proof_equal(reaper, 1, "the subreaper flag");
    proof_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1, "the parent is dumpable");
    proof_equal(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1, "no huge pages");
    proof_equal(personality(0xffffffff), ADDR_NO_RANDOMIZE, "the personality");
    asked = 1;
    pthread_join(thread, NULL);
    proof_reap(child);
    proof_passed();
}
