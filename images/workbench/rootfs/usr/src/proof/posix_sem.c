/* POSIX semaphores: one with a name, one in shared memory on which a child waits. */
#include "proof.h"
#include <semaphore.h>
#include <sys/mman.h>

#define NAME "/proof-posix_sem"

static void remove_semaphore(void)
{
    sem_unlink(NAME);
}

int main(void)
{
    sem_t *named, *shared, *again;
    pid_t child;
    int value;
    proof_begin("posix_sem");
    sem_unlink(NAME);
    named = sem_open(NAME, O_CREAT | O_EXCL, 0600, 4);
    if (named == SEM_FAILED)
        proof_skip("there is no /dev/shm");
    proof_cleanup = remove_semaphore;
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    proof_equal(sem_init(shared, 1, 0), 0, "a semaphore is made");
    child = proof_fork();
    if (child == 0) {
        proof_settled();
        proof_equal(sem_wait(shared), 0, "the child's wait ends well");
        proof_equal(sem_post(named), 0, "the child posts the named one");
        proof_end(0);
    }
    proof_wait_blocked(child);
    proof_wait();
    proof_equal(waitpid(child, NULL, WNOHANG), 0, "the child still waits");
    proof_equal(sem_getvalue(named, &value), 0, "the value is told");
    proof_equal(value, 4, "the value");
    proof_equal(sem_post(shared), 0, "the child is let go");
    proof_reap(child);
    again = sem_open(NAME, 0);
    proof_expect(again != SEM_FAILED, "the semaphore is found by its name");
    proof_equal(sem_getvalue(again, &value), 0, "the value is told again");
    proof_equal(value, 5, "the value after the child's post");
    proof_passed();
}
