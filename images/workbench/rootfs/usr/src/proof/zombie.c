/* Children that have ended and are not reaped yet: one by exit with status 42, one by a signal. */
#include "proof.h"

static pid_t dead_child(int status, int signal)
{
    siginfo_t info;
    pid_t child = proof_fork();
    if (child == 0) {
        proof_settled();
        if (signal)
            kill(getpid(), signal);
        _exit(status);
    }
    proof_equal(waitid(P_PID, child, &info, WEXITED | WNOWAIT), 0, "the child ends");
    return child;
}

int main(void)
{
    pid_t exited, killed;
    int status;
    proof_begin("zombie");
    exited = dead_child(42, 0);
    killed = dead_child(0, SIGKILL);
    proof_wait();
    proof_equal(proof_state(exited), 'Z', "the state of the child that exited");
    proof_equal(proof_state(killed), 'Z', "the state of the child that was killed");
    proof_equal(waitpid(exited, &status, WNOHANG), exited, "the child that exited is reaped");
    proof_forget(exited);
    proof_expect(WIFEXITED(status), "the child ended by exit");
    proof_equal(WEXITSTATUS(status), 42, "its exit status");
    proof_equal(waitpid(killed, &status, WNOHANG), killed, "the child that was killed is reaped");
    proof_forget(killed);
    proof_expect(WIFSIGNALED(status), "the child ended by a signal");
    proof_equal(WTERMSIG(status), SIGKILL, "its signal");
    proof_passed();
}
