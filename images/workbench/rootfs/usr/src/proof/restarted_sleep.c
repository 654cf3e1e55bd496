/* A sleep of three seconds that the move interrupts: it is as long as it was to be. */
#include "proof.h"

/* Seconds. */
static double monotonic(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

int main(void)
{
    struct timespec left = {3, 0};
    double start, slept;
    int result;
    proof_begin("restarted_sleep");
    start = monotonic();
    proof_ready();
    /* EINTR is allowed as long as the rest is right: only the old kernel knows its restart block. */
    do
        result = nanosleep(&left, &left);
    while (result != 0 && errno == EINTR);
    slept = monotonic() - start;
    proof_equal(result, 0, "nanosleep succeeds");
    proof_expect(slept > 2.99, "the sleep is not shorter than 3 s");
    proof_expect(slept < 8, "the sleep is at most 5 s longer than 3 s");
    proof_wait_quietly();
    proof_passed();
}
