/* Children that wait in system calls: each goes on waiting, and gets what it waited for. */
#include "proof.h"
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

static int ends[5][2], listener;
static volatile int *word; /* of the futex; shared */
static struct sockaddr_un address;

static void in_read(void)
{
    char byte;
    proof_equal(read(ends[0][0], &byte, 1), 1, "read returns a byte");
}

/*
 * poll and epoll_wait may end with EINTR: poll goes on by a restart block that only the old kernel knows,
 * epoll_wait does so after any stop (signal(7)). The others may not.
 */
static void in_poll(void)
{
    struct pollfd wait = {0, POLLIN, 0};
    int result;
    wait.fd = ends[1][0];
    do
        result = poll(&wait, 1, -1);
    while (result < 0 && errno == EINTR);
    proof_equal(result, 1, "poll tells of one descriptor");
    proof_equal(wait.revents, POLLIN, "poll tells that it can be read");
}

static void in_select(void)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[2][0], &set);
    proof_equal(select(ends[2][0] + 1, &set, NULL, NULL, NULL), 1, "select tells of one descriptor");
}

static void in_epoll(void)
{
    struct epoll_event event = {EPOLLIN, {0}};
    int epoll = epoll_create1(0), result;
    proof_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[3][0], &event), 0, "epoll_ctl succeeds");
    do
        result = epoll_wait(epoll, &event, 1, -1);
    while (result < 0 && errno == EINTR);
    proof_equal(result, 1, "epoll_wait tells of one event");
}

static void in_futex(void)
{
    proof_equal(syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0), 0, "futex is woken");
    proof_equal(*word, 1, "the futex word");
}

static void in_wait4(void)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(ends[4][1]); /* so that it does not outlive the others */
        _exit(read(ends[4][0], &byte, 1) == 1 ? 5 : 6);
    }
    proof_equal(waitpid(child, &status, 0), child, "wait4 returns the child");
    proof_equal(status, 5 << 8, "wait4 tells its status");
}

static void in_accept(void)
{
    proof_expect(accept(listener, NULL, NULL) >= 0, "accept returns a connection");
}

static void (*const roles[7])(void) = {in_read, in_poll, in_select, in_epoll, in_futex, in_wait4, in_accept};

int main(void)
{
    pid_t children[7];
    int i, client;
    proof_begin("restarted_calls");
    for (i = 0; i < 5; i++)
        proof_equal(pipe(ends[i]), 0, "a pipe is made");
    word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    address.sun_family = AF_UNIX;
    strcpy(address.sun_path, proof_path("socket"));
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    proof_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0, "a socket is bound");
    listen(listener, 5);
    for (i = 0; i < 7; i++) {
        children[i] = proof_fork();
        if (children[i] == 0) {
            proof_settled();
            roles[i]();
            proof_end(0);
        }
    }
    for (i = 0; i < 7; i++)
        proof_wait_blocked(children[i]);

    proof_wait();

    for (i = 0; i < 7; i++)
        proof_equal(waitpid(children[i], NULL, WNOHANG), 0, "nobody's call has ended by the move");
    for (i = 0; i < 5; i++)
        proof_equal(write(ends[i][1], "x", 1), 1, "a pipe takes a byte");
    *word = 1;
    proof_equal(syscall(SYS_futex, word, FUTEX_WAKE, 10, NULL, NULL, 0), 1, "one process waits at the futex");
    client = socket(AF_UNIX, SOCK_STREAM, 0);
    proof_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0, "a client connects");
    for (i = 0; i < 7; i++)
        proof_reap(children[i]);
    proof_passed();
}
