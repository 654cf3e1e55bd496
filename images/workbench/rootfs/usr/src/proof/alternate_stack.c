/* The alternate signal stack of sigaltstack(2): kept, and used by a handler. */
#include "proof.h"

#define BYTES (64 << 10)

static char stack[BYTES];
static volatile int ran, on_stack, told;

static void handler(int signal)
{
    char here;
    stack_t now;
    (void)signal;
    on_stack = &here >= stack && &here < stack + BYTES;
    sigaltstack(NULL, &now);
    told = now.ss_flags & SS_ONSTACK;
    ran++;
}

int main(void)
{
    struct sigaction action;
    stack_t alternate, found;
    proof_begin("alternate_stack");
    memset(&alternate, 0, sizeof alternate);
    alternate.ss_sp = stack;
    alternate.ss_size = BYTES;
    proof_equal(sigaltstack(&alternate, NULL), 0, "the alternate stack is set");
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGUSR1, &action, NULL);
    proof_wait();
    proof_equal(sigaltstack(NULL, &found), 0, "sigaltstack tells");
    proof_expect(found.ss_sp == stack, "the alternate stack's place is kept");
    proof_equal(found.ss_size, BYTES, "its size is kept");
    proof_equal(found.ss_flags, 0, "it is not in use");
    raise(SIGUSR1);
    proof_equal(ran, 1, "the handler runs");
    proof_expect(on_stack, "it runs on the alternate stack");
    proof_equal(told, SS_ONSTACK, "the kernel tells that it does");
    proof_passed();
}
