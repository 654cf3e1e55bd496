/* Anonymous memory: a pattern, read-only pages, a hole without access, zero pages, and code that runs. */
#include "proof.h"
#include <sys/mman.h>

#define LARGE (4 << 20)
#define SMALL (64 << 10)

static unsigned char *map(size_t bytes)
{
    void *place = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    proof_expect(place != MAP_FAILED, "memory is mapped");
    return place;
}

/* The kernel answers EFAULT where a store of ours would be SIGSEGV. */
static int writable(unsigned char *place)
{
    int zero = open("/dev/zero", O_RDONLY), can = read(zero, place, 1) == 1;
    close(zero);
    return can;
}

static int readable(unsigned char *place)
{
    return access((char *)place, F_OK) == 0 || errno != EFAULT;
}

int main(void)
{
    static const unsigned char return_42[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov eax, 42; ret */
    unsigned char *pattern, *constant, *hole, *zeros, *code;
    int i;
    proof_begin("private_memory");
    pattern = map(LARGE);
    proof_fill(pattern, LARGE, 1);
    constant = map(SMALL);
    proof_fill(constant, SMALL, 2);
    mprotect(constant, SMALL, PROT_READ);
    hole = map(3 * SMALL);
    proof_fill(hole, 3 * SMALL, 3);
    mprotect(hole + SMALL, SMALL, PROT_NONE);
    zeros = map(SMALL);
    for (i = 0; i < SMALL; i += 4096)
        proof_equal(zeros[i], 0, "new memory is zero"); /* the page is now the kernel's zero page */
    code = map(4096);
    memcpy(code, return_42, sizeof return_42);
    mprotect(code, 4096, PROT_READ | PROT_EXEC);

    proof_wait();

    proof_expect(proof_filled(pattern, LARGE, 1), "the pattern is kept");
    proof_expect(writable(pattern), "the pattern can be written");
    proof_expect(proof_filled(constant, SMALL, 2), "the read-only pattern is kept");
    proof_expect(!writable(constant), "the read-only pages cannot be written");
    proof_expect(readable(hole) && readable(hole + 2 * SMALL), "beside the hole memory can be read");
    proof_expect(!readable(hole + SMALL), "the hole cannot be read");
    mprotect(hole + SMALL, SMALL, PROT_READ);
    proof_expect(proof_filled(hole, 3 * SMALL, 3), "what was in the hole is kept");
    for (i = 0; i < SMALL; i++)
        proof_equal(zeros[i], 0, "zero memory is still zero");
    zeros[SMALL - 1] = 1;
    proof_equal(((int (*)(void))code)(), 42, "the code still runs");
    proof_passed();
}
