/* A child that is traced by its parent: the move is to be refused. */
#include "proof.h"
#include <sys/ptrace.h>

int main(void)
{
    pid_t child;
    int status;
    proof_begin("ptraced_child");
    child = proof_fork();
    if (child == 0) {
        proof_settled();
        for (;;)
            pause();
    }
    proof_equal(ptrace(PTRACE_SEIZE, child, 0, 0), 0, "the child is traced");
    proof_wait();
    proof_equal(ptrace(PTRACE_INTERRUPT, child, 0, 0), 0, "the child is interrupted");
    proof_equal(waitpid(child, &status, 0), child, "the child stops");
    proof_expect(WIFSTOPPED(status) && status >> 16 == PTRACE_EVENT_STOP, "it stops for its tracer");
    proof_equal(ptrace(PTRACE_DETACH, child, 0, 0), 0, "the child is let go");
    kill(child, SIGKILL);
    proof_equal(waitpid(child, &status, 0), child, "the child is reaped");
    proof_forget(child);
    proof_passed();
}
