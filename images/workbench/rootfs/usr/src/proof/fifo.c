/* A named pipe with data under way, found by its name afterwards too. */
#include "proof.h"
#include <sys/stat.h>

int main(void)
{
    char *path, buffer[64];
    int reader, writer, another;
    proof_begin("fifo");
    path = proof_path("fifo");
    if (mkfifo(path, 0600) != 0)
        proof_skip("the file system has no named pipes");
    reader = open(path, O_RDONLY | O_NONBLOCK);
    writer = open(path, O_WRONLY);
    proof_expect(reader >= 0 && writer >= 0, "both ends are opened");
    proof_equal(write(writer, "under way", 9), 9, "data are written");

    proof_wait();

    proof_equal(fcntl(reader, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDONLY | O_NONBLOCK, "the reader's flags");
    proof_equal(fcntl(writer, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_WRONLY, "the writer's flags");
    another = open(path, O_WRONLY | O_NONBLOCK);
    proof_expect(another >= 0, "the pipe is found by its name");
    proof_equal(write(another, "!", 1), 1, "data are written through the name");
    proof_equal(read(reader, buffer, sizeof buffer), 10, "all data are read");
    proof_expect(memcmp(buffer, "under way!", 10) == 0, "the data, in order");
    close(writer);
    close(another);
    proof_equal(read(reader, buffer, 1), 0, "the end of the pipe");
    proof_passed();
}
