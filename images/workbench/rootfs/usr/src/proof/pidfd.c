/* A descriptor of a process (pidfd_open(2)): it still means that child. */
#include "proof.h"
#include <poll.h>
#include <sys/syscall.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

int main(void)
{
    struct pollfd wait = {0, POLLIN, 0};
    siginfo_t info;
    pid_t child;
    proof_begin("pidfd");
    child = proof_fork();
    if (child == 0) {
        proof_settled();
        for (;;)
            pause();
    }
    wait.fd = syscall(SYS_pidfd_open, child, 0);
    if (wait.fd < 0)
        proof_skip("the kernel has no pidfd_open");
    proof_wait();
    proof_equal(poll(&wait, 1, 0), 0, "the child has not ended");
    proof_equal(syscall(SYS_pidfd_send_signal, wait.fd, SIGTERM, NULL, 0), 0, "a signal is sent through it");
    proof_equal(poll(&wait, 1, 5000), 1, "it tells that the child has ended");
    memset(&info, 0, sizeof info);
    proof_equal(waitid(P_PIDFD, wait.fd, &info, WEXITED), 0, "the child is reaped through it");
    proof_forget(child);
    proof_equal(info.si_pid, child, "the child's id");
    proof_equal(info.si_status, SIGTERM, "the child's end");
    proof_passed();
}
