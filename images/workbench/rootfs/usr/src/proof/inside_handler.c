/* Moved while a signal handler runs on the alternate stack; then it returns to what it interrupted. */
#include "proof.h"

#define BYTES (64 << 10)

static char stack[BYTES];
static volatile int returned;

static void handler(int signal)
{
    sigset_t mask;
    (void)signal;
    proof_wait();
    sigprocmask(SIG_BLOCK, NULL, &mask);
    proof_expect(sigismember(&mask, SIGUSR1), "the handled signal is blocked while its handler runs");
    returned = 1;
}

int main(void)
{
    struct sigaction action;
    stack_t alternate;
    sigset_t mask;
    double sum = 0.5;
    unsigned char local[1000];
    proof_begin("inside_handler");
    memset(&alternate, 0, sizeof alternate);
    alternate.ss_sp = stack;
    alternate.ss_size = BYTES;
    sigaltstack(&alternate, NULL);
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGUSR1, &action, NULL);
    proof_fill(local, sizeof local, 1);
    sum += kill(getpid(), SIGUSR1);
    proof_expect(returned, "the handler has run");
    proof_expect(sum == 0.5, "the interrupted computation goes on");
    proof_expect(proof_filled(local, sizeof local, 1), "the interrupted function's variables are kept");
    sigprocmask(SIG_BLOCK, NULL, &mask);
    proof_expect(!sigismember(&mask, SIGUSR1), "the signal is no longer blocked");
    proof_passed();
}
