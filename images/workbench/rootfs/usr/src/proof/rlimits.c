/* Resource limits, soft and hard. */
#include "proof.h"
#include <sys/resource.h>

static struct {
    int resource;
    rlim_t soft, hard;
    const char *name;
} limits[] = {
    {RLIMIT_CORE, 0, 1 << 20, "RLIMIT_CORE"},
    {RLIMIT_CPU, 5000, 6000, "RLIMIT_CPU"},
    {RLIMIT_DATA, 100 << 20, 200 << 20, "RLIMIT_DATA"},
    {RLIMIT_FSIZE, 10 << 20, RLIM_INFINITY, "RLIMIT_FSIZE"},
    {RLIMIT_MEMLOCK, 1 << 20, 2 << 20, "RLIMIT_MEMLOCK"},
    {RLIMIT_MSGQUEUE, 100000, 200000, "RLIMIT_MSGQUEUE"},
    {RLIMIT_NICE, 11, 22, "RLIMIT_NICE"},
    {RLIMIT_NOFILE, 123, 456, "RLIMIT_NOFILE"},
    {RLIMIT_NPROC, 4000, 5000, "RLIMIT_NPROC"},
    {RLIMIT_RTPRIO, 3, 7, "RLIMIT_RTPRIO"},
    {RLIMIT_SIGPENDING, 300, 400, "RLIMIT_SIGPENDING"},
    {RLIMIT_STACK, 4 << 20, 16 << 20, "RLIMIT_STACK"},
};

int main(void)
{
    struct rlimit limit;
    size_t i;
    proof_begin("rlimits");
    for (i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        getrlimit(limits[i].resource, &limit);
        if (limits[i].hard > limit.rlim_max) /* raising a limit takes CAP_SYS_RESOURCE */
            limits[i].hard = limit.rlim_max;
        if (limits[i].soft > limits[i].hard)
            limits[i].soft = limits[i].hard;
        limit.rlim_cur = limits[i].soft;
        limit.rlim_max = limits[i].hard;
        proof_equal(setrlimit(limits[i].resource, &limit), 0, limits[i].name);
    }
    proof_wait();
    for (i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        proof_equal(getrlimit(limits[i].resource, &limit), 0, limits[i].name);
        proof_equal(limit.rlim_cur, limits[i].soft, limits[i].name);
        proof_equal(limit.rlim_max, limits[i].hard, limits[i].name);
    }
    proof_passed();
}
