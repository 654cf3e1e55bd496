/* Scheduling: nice value, policies and priorities of children, processor affinity, priority of input and output. */
#include "proof.h"
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define BEST_EFFORT_6 (2 << 13 | 6) /* ioprio_set(2) */

static pid_t child_with(int policy, int priority)
{
    struct sched_param param;
    pid_t child = proof_fork();
    if (child != 0)
        return child;
    param.sched_priority = priority;
    proof_equal(sched_setscheduler(0, policy, &param), 0, "the policy is set");
    proof_settled();
    proof_wait_quietly();
    proof_equal(sched_getscheduler(0), policy, "a child's policy");
    proof_equal(sched_getparam(0, &param), 0, "sched_getparam succeeds");
    proof_equal(param.sched_priority, priority, "a child's priority");
    proof_end(0);
    return 0;
}

int main(void)
{
    cpu_set_t processors, found;
    pid_t children[4];
    int i;
    proof_begin("scheduling");
    children[0] = child_with(SCHED_FIFO, 5);
    children[1] = child_with(SCHED_RR | SCHED_RESET_ON_FORK, 3);
    children[2] = child_with(SCHED_BATCH, 0);
    children[3] = child_with(SCHED_IDLE, 0);
    CPU_ZERO(&processors);
    CPU_SET(0, &processors);
    proof_equal(sched_setaffinity(0, sizeof processors, &processors), 0, "the affinity is set");
    proof_equal(setpriority(PRIO_PROCESS, 0, 7), 0, "the nice value is set");
    proof_equal(syscall(SYS_ioprio_set, 1, 0, BEST_EFFORT_6), 0, "the priority of input and output is set");
    proof_wait();
    proof_equal(getpriority(PRIO_PROCESS, 0), 7, "the nice value");
    proof_equal(sched_getscheduler(0), SCHED_OTHER, "the parent's policy");
    proof_equal(sched_getaffinity(0, sizeof found, &found), 0, "the affinity is told");
    proof_expect(CPU_EQUAL(&processors, &found), "the affinity is kept");
    proof_equal(syscall(SYS_ioprio_get, 1, 0), BEST_EFFORT_6, "the priority of input and output");
    for (i = 0; i < 4; i++)
        proof_reap(children[i]);
    proof_passed();
}
