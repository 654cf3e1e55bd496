/* Locked memory: as much of it as before. */
#include "proof.h"
#include <sys/mman.h>

#define BYTES (256 << 10)

int main(void)
{
    unsigned char *memory;
    proof_begin("mlock");
    memory = mmap(NULL, 2 * BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    proof_expect(memory != MAP_FAILED, "memory is mapped");
    proof_fill(memory, 2 * BYTES, 1);
    proof_equal(mlock(memory, BYTES), 0, "memory is locked");
    proof_equal(proof_status("VmLck:"), BYTES / 1024, "kilobytes locked before");
    proof_wait();
    proof_equal(proof_status("VmLck:"), BYTES / 1024, "kilobytes locked after");
    proof_expect(proof_filled(memory, 2 * BYTES, 1), "the memory is kept");
    proof_equal(munlock(memory, BYTES), 0, "memory is unlocked");
    proof_equal(proof_status("VmLck:"), 0, "kilobytes locked at the end");
    proof_passed();
}
