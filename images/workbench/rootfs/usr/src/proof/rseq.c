/* Restartable sequences: the area that glibc registered stays registered, and the kernel writes to it. */
#include "proof.h"
#include <sys/rseq.h>
#include <sys/syscall.h>

static struct rseq *area(void)
{
    char *thread;
    asm volatile("movl %%gs:0, %%eax\n movl %%eax, %0" : "=m"(thread) : : "eax");
    return (struct rseq *)(thread + __rseq_offset);
}

int main(void)
{
    proof_begin("rseq");
    if (__rseq_size == 0)
        proof_skip("glibc registered no rseq area");
    proof_expect((int)area()->cpu_id >= 0, "the area names a processor");
    proof_wait();
    /* rseq(2): the same area again is EBUSY, another one or none registered is something else. */
    proof_equal(syscall(SYS_rseq, area(), 32, 0, RSEQ_SIG), -1, "the area is registered already");
    proof_equal(errno, EBUSY, "the area is registered already, errno");
    area()->cpu_id = 12345;
    proof_sleep(50);
    proof_expect(area()->cpu_id != 12345, "the kernel writes the processor's number");
    proof_passed();
}
