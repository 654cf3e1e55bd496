/* A sleep of three seconds that the move interrupts: it is as long as it was to be. */
#include "proof.h"

int main(void)
{
    struct timespec left = {3, 0};
    double start, slept;
    int result;
    proof_begin("restarted_sleep");
    start = proof_now(CLOCK_MONOTONIC);
    proof_ready();
    /* EINTR is allowed as long as the rest is right: only the old kernel knows its restart block. */
    do
        result = nanosleep(&left, &left);
    while (result != 0 && errno == EINTR);
    slept = proof_now(CLOCK_MONOTONIC) - start;
    proof_equal(result, 0, "nanosleep succeeds");
    proof_expect(slept > 2.99, "the sleep is not shorter than 3 s");
    proof_expect(slept < 8, "the sleep is at most 5 s longer than 3 s");
    proof_wait_quietly();
    proof_passed();
}
