/* A child stopped by SIGSTOP stays stopped, and goes on with SIGCONT. */
#include "proof.h"

int main(void)
{
    pid_t child;
    int status;
    proof_begin("stopped");
    child = proof_fork();
    if (child == 0) {
        proof_settled();
        proof_wait_quietly();
        proof_end(0);
    }
    kill(child, SIGSTOP);
    proof_equal(waitpid(child, &status, WUNTRACED), child, "the child stops");
    proof_wait();
    proof_sleep(100);
    proof_equal(proof_state(child), 'T', "the state of the stopped child");
    kill(child, SIGCONT);
    proof_equal(waitpid(child, &status, WCONTINUED), child, "the child goes on");
    proof_expect(WIFCONTINUED(status), "waitpid tells that the child goes on");
    proof_reap(child);
    proof_passed();
}
