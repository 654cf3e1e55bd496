/* Signal dispositions: handlers, their flags and masks; they run, and SA_RESTART restarts a read. */
#include "proof.h"

#define QUEUED (SIGRTMIN + 3)

static volatile int simple_runs, value, masked_inside;

static void simple(int signal)
{
    (void)signal;
    simple_runs++;
}

static void detailed(int signal, siginfo_t *info, void *context)
{
    sigset_t mask;
    (void)signal;
    (void)context;
    value = info->si_value.sival_int;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    masked_inside = sigismember(&mask, SIGTERM) && sigismember(&mask, SIGRTMAX) && !sigismember(&mask, SIGHUP);
}

static struct sigaction found(int signal)
{
    struct sigaction action;
    proof_equal(sigaction(signal, NULL, &action), 0, "sigaction tells");
    return action;
}

/* A child interrupts our read by SIGUSR1 and only then lets it end. */
static void read_is_restarted(void)
{
    int ends[2];
    char byte;
    pid_t parent = getpid(), child;
    proof_equal(pipe(ends), 0, "a pipe is made");
    child = proof_fork();
    if (child == 0) {
        proof_settled();
        proof_wait_blocked(parent);
        kill(parent, SIGUSR1);
        proof_sleep(50);
        proof_equal(write(ends[1], "x", 1), 1, "the pipe takes a byte");
        proof_end(0);
    }
    proof_equal(read(ends[0], &byte, 1), 1, "the interrupted read is restarted");
    proof_reap(child);
}

int main(void)
{
    struct sigaction action;
    union sigval sent;
    proof_begin("signal_handlers");
    memset(&action, 0, sizeof action);
    action.sa_sigaction = detailed;
    action.sa_flags = SA_SIGINFO;
    sigaddset(&action.sa_mask, SIGTERM);
    sigaddset(&action.sa_mask, SIGRTMAX);
    sigaction(QUEUED, &action, NULL);
    memset(&action, 0, sizeof action);
    action.sa_handler = simple;
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, NULL);
    action.sa_flags = SA_RESETHAND | SA_NODEFER;
    sigaction(SIGUSR2, &action, NULL);
    signal(SIGPIPE, SIG_IGN);

    proof_wait();

    action = found(QUEUED);
    proof_expect(action.sa_sigaction == detailed, "the handler with SA_SIGINFO is kept");
    proof_expect(action.sa_flags & SA_SIGINFO, "SA_SIGINFO is kept");
    proof_expect(sigismember(&action.sa_mask, SIGTERM) && sigismember(&action.sa_mask, SIGRTMAX), "its mask is kept");
    proof_expect(found(SIGUSR1).sa_handler == simple, "the handler of SIGUSR1 is kept");
    proof_expect(found(SIGUSR1).sa_flags & SA_RESTART, "SA_RESTART is kept");
    proof_equal(found(SIGUSR2).sa_flags & (SA_RESETHAND | SA_NODEFER), SA_RESETHAND | SA_NODEFER,
        "SA_RESETHAND and SA_NODEFER are kept");
    proof_expect(found(SIGPIPE).sa_handler == SIG_IGN, "an ignored signal is kept");
    proof_expect(found(SIGHUP).sa_handler == SIG_DFL, "a default action is kept");
    sent.sival_int = 1234;
    sigqueue(getpid(), QUEUED, sent);
    proof_equal(value, 1234, "the handler runs with its value");
    proof_expect(masked_inside, "its mask is in force while it runs");
    raise(SIGUSR2);
    proof_equal(simple_runs, 1, "the handler of SIGUSR2 runs");
    proof_expect(found(SIGUSR2).sa_handler == SIG_DFL, "SA_RESETHAND resets it");
    read_is_restarted();
    proof_equal(simple_runs, 2, "the handler of SIGUSR1 runs");
    proof_passed();
}
