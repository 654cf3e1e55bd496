/* Shared anonymous memory of a parent and its child: a store by one is seen by the other. */
#include "proof.h"
#include <sys/mman.h>

#define BYTES (256 << 10)

static void wait_for(volatile int *place, int value)
{
    int i;
    for (i = 0; i < 500 && *place != value; i++)
        proof_sleep(10);
    proof_equal(*place, value, "a store is seen by the other process");
}

int main(void)
{
    volatile int *ping, *pong;
    unsigned char *shared;
    pid_t child;
    proof_begin("shared_anonymous");
    shared = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    proof_expect(shared != MAP_FAILED, "shared memory is mapped");
    proof_fill(shared + 4096, BYTES - 4096, 5);
    ping = (int *)shared;
    pong = ping + 1;
    child = proof_fork();
    if (child == 0) {
        proof_settled();
        proof_wait_quietly();
        wait_for(ping, 1);
        proof_expect(proof_filled(shared + 4096, BYTES - 4096, 5), "the child's view is kept");
        *pong = 2;
        proof_end(0);
    }
    proof_wait();
    proof_expect(proof_filled(shared + 4096, BYTES - 4096, 5), "the parent's view is kept");
    *ping = 1;
    wait_for(pong, 2);
    proof_reap(child);
    proof_passed();
}
