/* Open files: offsets, flags, descriptors that share a description (dup) and one that does not. */
#include "proof.h"

int main(void)
{
    char *path, buffer[64];
    int file, copy, other, append, i;
    pid_t child;
    proof_begin("regular_file");
    path = proof_path("file");
    file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0640);
    proof_equal(write(file, "0123456789abcdefghij", 20), 20, "the file is written");
    copy = fcntl(file, F_DUPFD_CLOEXEC, 50);
    other = open(path, O_RDONLY | O_CLOEXEC);
    append = open(path, O_WRONLY | O_APPEND | O_NONBLOCK);
    proof_expect(copy >= 50 && other >= 0 && append >= 0, "more descriptors are opened");
    lseek(file, 5, SEEK_SET);
    lseek(other, 12, SEEK_SET);
    child = proof_fork(); /* it has the same open file descriptions */
    if (child == 0) {
        proof_settled();
        proof_wait_quietly();
        for (i = 0; i < 400 && lseek(file, 0, SEEK_CUR) != 9; i++)
            proof_sleep(5); /* until the parent has moved the offset */
        proof_equal(lseek(copy, 0, SEEK_CUR), 9, "the child shares the offset");
        proof_end(0);
    }

    proof_wait();

    proof_equal(lseek(file, 0, SEEK_CUR), 5, "the offset is kept");
    proof_equal(lseek(other, 0, SEEK_CUR), 12, "the offset of the second open is kept");
    proof_equal(read(copy, buffer, 2), 2, "the copy is read");
    proof_expect(memcmp(buffer, "56", 2) == 0, "the copy reads where the first stands");
    proof_equal(lseek(file, 0, SEEK_CUR), 7, "the copy shares the offset");
    proof_equal(lseek(other, 0, SEEK_CUR), 12, "the second open does not share it");
    proof_equal(write(append, "!", 1), 1, "the appending descriptor is written");
    proof_equal(pread(file, buffer, 64, 0), 21, "the file has grown by one");
    proof_expect(memcmp(buffer, "0123456789abcdefghij!", 21) == 0, "the byte is appended");
    proof_equal(fcntl(file, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK), O_RDWR, "the flags of the first");
    proof_equal(fcntl(other, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK), O_RDONLY, "the flags of the second");
    proof_equal(fcntl(append, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK), O_WRONLY | O_APPEND | O_NONBLOCK,
        "the flags of the appending one");
    proof_equal(fcntl(file, F_GETFD), 0, "close-on-exec of the first");
    proof_equal(fcntl(copy, F_GETFD), FD_CLOEXEC, "close-on-exec of the copy");
    proof_equal(fcntl(other, F_GETFD), FD_CLOEXEC, "close-on-exec of the second");
    lseek(file, 9, SEEK_SET);
    proof_reap(child);
    proof_passed();
}
