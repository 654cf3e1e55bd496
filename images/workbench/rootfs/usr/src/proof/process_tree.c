/* Three generations of processes: their ids, their parents, and what waitpid tells of them. */
#include "proof.h"

/* Forks a process that keeps its ids and ends with the status after the check. */
static pid_t leaf(int status)
{
    pid_t child = proof_fork();
    if (child == 0) {
        pid_t self = getpid(), parent = getppid();
        proof_settled();
        proof_wait_quietly();
        proof_equal(getpid(), self, "a grandchild's id");
        proof_equal(getppid(), parent, "a grandchild's parent");
        proof_end(status);
    }
    return child;
}

static pid_t branch(int first, int second)
{
    pid_t child = proof_fork();
    if (child == 0) {
        pid_t self = getpid(), parent = getppid(), leaves[2];
        int i, status, wanted[2];
        wanted[0] = first;
        wanted[1] = second;
        for (i = 0; i < 2; i++)
            leaves[i] = leaf(wanted[i]);
        proof_settled();
        proof_wait_quietly();
        proof_equal(getpid(), self, "a child's id");
        proof_equal(getppid(), parent, "a child's parent");
        for (i = 0; i < 2; i++) {
            proof_equal(waitpid(leaves[i], &status, 0), leaves[i], "a grandchild is waited for");
            proof_forget(leaves[i]);
            proof_equal(status, wanted[i] << 8, "a grandchild's status");
        }
        proof_equal(wait(NULL), -1, "a child has no other children");
        proof_end(0);
    }
    return child;
}

int main(void)
{
    pid_t self = getpid(), children[2];
    proof_begin("process_tree");
    children[0] = branch(7, 8);
    children[1] = branch(9, 0);
    proof_wait();
    proof_equal(getpid(), self, "the first process's id");
    proof_reap(children[0]);
    proof_reap(children[1]);
    proof_equal(wait(NULL), -1, "the first process has no other children");
    proof_equal(errno, ECHILD, "the first process has no other children, errno");
    proof_passed();
}
