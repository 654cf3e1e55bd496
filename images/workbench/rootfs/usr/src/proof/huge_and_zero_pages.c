/* Large memory that is hardly used: it stays untouched, and so small in RAM. */
#include "proof.h"
#include <sys/mman.h>

#define LARGE (48 << 20)
#define READ (2 << 20)

static unsigned char *map(size_t bytes)
{
    void *place =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    proof_expect(place != MAP_FAILED, "memory is mapped");
    return place;
}

int main(void)
{
    unsigned char *sparse, *only_read, *huge;
    long before;
    int i;
    proof_begin("huge_and_zero_pages");
    sparse = map(LARGE);
    sparse[0] = 1;
    sparse[LARGE / 2] = 2;
    sparse[LARGE - 1] = 3;
    only_read = map(READ);
    for (i = 0; i < READ; i += 4096)
        proof_equal(only_read[i], 0, "new memory is zero");
    huge = map(8 << 20);
    madvise(huge, 8 << 20, MADV_HUGEPAGE); /* a kernel without them may refuse */
    proof_fill(huge + (1 << 20), 1 << 20, 1);
    before = proof_status("VmRSS:");

    proof_wait();

    /* kB; a huge page may have counted as a whole before, and may not now */
    proof_expect(proof_status("VmRSS:") < before + 4096, "no more memory is in use than before");
    proof_expect(sparse[0] == 1 && sparse[LARGE / 2] == 2 && sparse[LARGE - 1] == 3, "the bytes set are kept");
    for (i = 1; i < LARGE - 1; i += 1 << 16)
        proof_equal(sparse[i], 0, "memory between them is zero");
    for (i = 0; i < READ; i++)
        proof_equal(only_read[i], 0, "memory only read is zero");
    proof_expect(proof_filled(huge + (1 << 20), 1 << 20, 1), "memory with the advice is kept");
    proof_passed();
}
