/* A signalfd(2): its mask, and a signal that was pending and is read afterwards. */
#include "proof.h"
#include <sys/signalfd.h>

int main(void)
{
    struct signalfd_siginfo info;
    union sigval value;
    sigset_t set;
    int fd;
    proof_begin("signalfd");
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN + 1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    proof_expect(fd >= 0, "a descriptor is made");
    value.sival_int = 4711;
    sigqueue(getpid(), SIGRTMIN + 1, value);

    proof_wait();

    proof_equal(read(fd, &info, sizeof info), sizeof info, "the pending signal is read");
    proof_equal(info.ssi_signo, SIGRTMIN + 1, "its number");
    proof_equal(info.ssi_int, 4711, "its value");
    proof_equal(read(fd, &info, sizeof info), -1, "no other signal is pending");
    proof_equal(errno, EAGAIN, "the descriptor does not block");
    kill(getpid(), SIGUSR1);
    proof_equal(read(fd, &info, sizeof info), sizeof info, "a new signal is read");
    proof_equal(info.ssi_signo, SIGUSR1, "the new signal's number");
    proof_equal(fcntl(fd, F_GETFD), FD_CLOEXEC, "close-on-exec of the descriptor");
    proof_passed();
}
