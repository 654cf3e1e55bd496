/* System V shared memory: identifier, key, content, and a parent and child that have it attached. */
#include "proof.h"
#include <sys/ipc.h>
#include <sys/shm.h>

#define KEY 0x50726f66
#define BYTES 40960

static int id = -1;

static void remove_segment(void)
{
    shmctl(id, IPC_RMID, NULL);
}

int main(void)
{
    struct shmid_ds status;
    unsigned char *memory, *constant;
    pid_t child;
    int i;
    proof_begin("sysv_shm");
    id = shmget(KEY, BYTES, IPC_CREAT | IPC_EXCL | 0640);
    if (id < 0 && errno == ENOSYS)
        proof_skip("the kernel has no System V IPC");
    proof_expect(id >= 0, "a segment is made");
    proof_cleanup = remove_segment;
    memory = shmat(id, NULL, 0);
    constant = shmat(id, NULL, SHM_RDONLY);
    proof_expect(memory != (void *)-1 && constant != (void *)-1, "it is attached twice");
    proof_fill(memory, BYTES, 1);
    child = proof_fork();
    if (child == 0) {
        proof_settled();
        proof_wait_quietly();
        for (i = 0; i < 500 && memory[0] != 99; i++)
            proof_sleep(10);
        proof_equal(memory[0], 99, "the parent's store is seen by the child");
        proof_end(0);
    }

    proof_wait();

    proof_expect(proof_filled(memory, BYTES, 1), "the content is kept");
    memory[0] = 99;
    proof_equal(constant[0], 99, "a store is seen in the second attachment");
    proof_equal(shmget(KEY, BYTES, 0), id, "the key leads to the same identifier");
    proof_equal(shmctl(id, IPC_STAT, &status), 0, "the segment is told");
    proof_equal(status.shm_segsz, BYTES, "its size");
    proof_equal(status.shm_perm.mode & 0777, 0640, "its mode");
    proof_reap(child);
    proof_equal(shmctl(id, IPC_STAT, &status), 0, "the segment is told again");
    proof_equal(status.shm_nattch, 2, "how often it is attached");
    proof_equal(shmdt(constant), 0, "an attachment is given up");
    proof_equal(shmdt(memory), 0, "the other attachment is given up");
    memory = shmat(id, NULL, 0);
    proof_expect(memory != (void *)-1 && memory[0] == 99, "it is attached anew with its content");
    proof_passed();
}
