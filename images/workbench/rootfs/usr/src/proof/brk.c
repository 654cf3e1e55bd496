/* The heap of brk(2): its contents, its end, and that it grows on from there. */
#include "proof.h"

#define BYTES (1 << 20)

int main(void)
{
    unsigned char *start, *end, *small;
    proof_begin("brk");
    small = malloc(1000);
    proof_fill(small, 1000, 1);
    start = sbrk(BYTES);
    proof_expect(start != (void *)-1, "the heap grows");
    proof_fill(start, BYTES, 2);
    end = sbrk(0);

    proof_wait();

    proof_expect(sbrk(0) == end, "the end of the heap is kept");
    proof_expect(proof_filled(small, 1000, 1), "memory of malloc is kept");
    proof_expect(proof_filled(start, BYTES, 2), "the heap's contents are kept");
    proof_expect(sbrk(BYTES) == end, "the heap grows from its end");
    proof_fill(end, BYTES, 3);
    proof_expect(proof_filled(start, BYTES, 2), "the growth leaves the old contents alone");
    free(small);
    small = malloc(100000);
    proof_expect(small != NULL, "malloc goes on");
    proof_fill(small, 100000, 4);
    proof_expect(sbrk(-BYTES / 2) != (void *)-1, "the heap shrinks");
    proof_passed();
}
