/* System V semaphores: identifier, key, values, mode. */
#include "proof.h"
#include <sys/ipc.h>
#include <sys/sem.h>

#define KEY 0x50726f67

static int id = -1;

static void remove_set(void)
{
    semctl(id, 0, IPC_RMID);
}

int main(void)
{
    struct semid_ds status;
    struct sembuf take = {1, -7, IPC_NOWAIT};
    unsigned short values[3] = {3, 7, 0};
    proof_begin("sysv_sem");
    id = semget(KEY, 3, IPC_CREAT | IPC_EXCL | 0620);
    if (id < 0 && errno == ENOSYS)
        proof_skip("the kernel has no System V IPC");
    proof_expect(id >= 0, "a set is made");
    proof_cleanup = remove_set;
    proof_equal(semctl(id, 0, SETALL, values), 0, "the values are set");
    proof_wait();
    proof_equal(semget(KEY, 3, 0), id, "the key leads to the same identifier");
    proof_equal(semctl(id, 0, IPC_STAT, &status), 0, "the set is told");
    proof_equal(status.sem_nsems, 3, "how many semaphores it has");
    proof_equal(status.sem_perm.mode & 0777, 0620, "its mode");
    proof_equal(semctl(id, 0, GETVAL), 3, "the first value");
    proof_equal(semctl(id, 1, GETVAL), 7, "the second value");
    proof_equal(semctl(id, 2, GETVAL), 0, "the third value");
    proof_equal(semop(id, &take, 1), 0, "semop takes what is there");
    proof_equal(semop(id, &take, 1), -1, "semop cannot take more");
    proof_equal(errno, EAGAIN, "semop cannot take more, errno");
    proof_passed();
}
