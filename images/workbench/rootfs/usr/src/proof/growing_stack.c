/* The stack: 1 MB of it in use while moved, and it still grows by itself to 4 MB. */
#include "proof.h"

#define FRAME 4096
#define BEFORE 256
#define AFTER 1024

/* Each call keeps a pattern of its own while the deeper ones run. */
static void descend(int depth)
{
    unsigned char frame[FRAME];
    proof_fill(frame, sizeof frame, depth);
    if (depth == BEFORE)
        proof_wait();
    if (depth < AFTER)
        descend(depth + 1);
    proof_expect(proof_filled(frame, sizeof frame, depth), "each stack frame is kept");
}

int main(void)
{
    proof_begin("growing_stack");
    descend(1);
    proof_passed();
}
