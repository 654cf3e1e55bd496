/* Connected stream sockets: data queued in both directions, and a pair with one half shut down. */
#include "proof.h"
#include <sys/socket.h>

static void carries(int from, int to, const char *text, size_t bytes)
{
    char found[64] = "";
    if (from >= 0)
        proof_equal(write(from, text, bytes), bytes, "the socket takes data");
    proof_equal(recv(to, found, sizeof found, MSG_DONTWAIT), bytes, "the socket gives as many bytes");
    proof_expect(memcmp(found, text, bytes) == 0, "the socket gives these bytes");
}

int main(void)
{
    int pair[2], half[2];
    char byte;
    proof_begin("unix_stream");
    proof_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0, "a pair is made");
    proof_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, half), 0, "another pair is made");
    proof_equal(write(pair[0], "there", 5), 5, "data are queued in one direction");
    proof_equal(write(pair[1], "and back", 8), 8, "data are queued in the other");
    proof_equal(write(half[0], "last", 4), 4, "data are queued before the shutdown");
    proof_equal(shutdown(half[0], SHUT_WR), 0, "one half is shut down");

    proof_wait();

    carries(-1, pair[1], "there", 5);
    carries(-1, pair[0], "and back", 8);
    carries(pair[0], pair[1], "new there", 9);
    carries(pair[1], pair[0], "new back", 8);
    proof_expect(fcntl(pair[0], F_GETFL) & O_NONBLOCK, "the pair does not block");
    carries(-1, half[1], "last", 4);
    proof_equal(read(half[1], &byte, 1), 0, "the end after the shutdown");
    proof_equal(send(half[0], "x", 1, MSG_NOSIGNAL), -1, "the half that is shut down takes nothing");
    carries(half[1], half[0], "the other half", 14);
    proof_equal(fcntl(half[0], F_GETFD), FD_CLOEXEC, "close-on-exec");
    close(pair[1]);
    proof_equal(read(pair[0], &byte, 1), 0, "the end after a close");
    proof_passed();
}
