/* What a process has taken with SEM_UNDO is given back when it ends. The kernel tells nobody of these debts. */
#include "proof.h"
#include <sys/ipc.h>
#include <sys/sem.h>

static int id = -1;

static void remove_set(void)
{
    semctl(id, 0, IPC_RMID);
}

int main(void)
{
    struct sembuf take = {0, -2, SEM_UNDO};
    pid_t child;
    proof_begin("sysv_sem_undo");
    id = semget(IPC_PRIVATE, 1, 0600);
    if (id < 0 && errno == ENOSYS)
        proof_skip("the kernel has no System V IPC");
    proof_expect(id >= 0, "a set is made");
    proof_cleanup = remove_set;
    proof_equal(semctl(id, 0, SETVAL, 5), 0, "the value is set");
    child = proof_fork();
    if (child == 0) {
        proof_equal(semop(id, &take, 1), 0, "the child takes two");
        proof_settled();
        proof_wait_quietly();
        proof_end(0);
    }
    proof_wait();
    proof_reap(child);
    proof_equal(semctl(id, 0, GETVAL), 5, "the value after the child's end");
    proof_passed();
}
