/* A process group whose leader has ended and was reaped: its number is no process any more. */
#include "proof.h"

int main(void)
{
    pid_t leader, member;
    proof_begin("orphaned_group");
    leader = proof_fork();
    if (leader == 0) {
        setpgid(0, 0);
        proof_settled();
        pause();
    }
    member = proof_fork();
    if (member == 0) {
        proof_equal(setpgid(0, leader), 0, "setpgid joins the group");
        proof_settled();
        proof_wait_quietly();
        proof_equal(getpgrp(), leader, "the group without its leader");
        proof_end(0);
    }
    kill(leader, SIGKILL);
    proof_equal(waitpid(leader, NULL, 0), leader, "the leader is reaped");
    proof_forget(leader);
    proof_wait();
    proof_equal(getpgid(member), leader, "the member's group");
    proof_equal(kill(-leader, 0), 0, "a signal finds the group");
    proof_reap(member);
    proof_passed();
}
