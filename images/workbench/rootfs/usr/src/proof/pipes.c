/* Pipes: data under way, capacity, a closed end, O_NONBLOCK, and one shared with a child. */
#include "proof.h"

#define BYTES 10000

static int data[2], ended[2], widowed[2], shared[2];

int main(void)
{
    static unsigned char content[BYTES + 10];
    pid_t child;
    proof_begin("pipes");
    proof_expect(!pipe2(data, O_NONBLOCK) && !pipe(ended) && !pipe(widowed) && !pipe(shared), "pipes are made");
    proof_equal(fcntl(data[1], F_SETPIPE_SZ, 131072), 131072, "the capacity is set");
    proof_fill(content, BYTES, 1);
    proof_equal(write(data[1], content, BYTES), BYTES, "data are written");
    proof_equal(write(ended[1], "last", 4), 4, "data are written before the end");
    close(ended[1]);
    close(widowed[0]);
    signal(SIGPIPE, SIG_IGN);
    child = proof_fork();
    if (child == 0) {
        close(shared[0]);
        close(ended[0]);
        close(data[0]);
        close(data[1]);
        close(widowed[1]);
        proof_settled();
        proof_wait_quietly();
        proof_equal(write(shared[1], "child", 5), 5, "the child writes to the shared pipe");
        proof_end(0);
    }
    close(shared[1]);

    proof_wait();

    proof_equal(fcntl(data[0], F_GETPIPE_SZ), 131072, "the capacity is kept");
    proof_equal(fcntl(data[0], F_GETFL), O_RDONLY | O_NONBLOCK, "the flags of the read end");
    proof_equal(fcntl(data[1], F_GETFL), O_WRONLY | O_NONBLOCK, "the flags of the write end");
    proof_equal(write(data[1], "more", 4), 4, "the pipe takes more");
    proof_equal(read(data[0], content, sizeof content), BYTES + 4, "all data under way are read");
    proof_expect(proof_filled(content, BYTES, 1), "the data are kept");
    proof_expect(memcmp(content + BYTES, "more", 4) == 0, "what came later is behind them");
    proof_equal(read(data[0], content, 1), -1, "the pipe is empty then");
    proof_equal(errno, EAGAIN, "an empty pipe that does not block");
    proof_equal(fcntl(ended[0], F_GETFL), O_RDONLY, "the flags of the pipe that has ended");
    proof_equal(read(ended[0], content, 10), 4, "data before the end");
    proof_equal(read(ended[0], content, 10), 0, "the end of the pipe");
    proof_equal(write(widowed[1], "x", 1), -1, "nobody reads the other pipe");
    proof_equal(errno, EPIPE, "nobody reads the other pipe, errno");
    proof_equal(read(shared[0], content, 5), 5, "the child's data arrive");
    proof_equal(read(shared[0], content, 5), 0, "the shared pipe ends with the child");
    proof_reap(child);
    proof_passed();
}
