/* A file in memory (memfd_create(2)): content, offset, seals, and a shared mapping of it. */
#include "proof.h"
#include <sys/mman.h>
#include <sys/stat.h>

#define BYTES 30000
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW)

int main(void)
{
    static unsigned char content[BYTES];
    unsigned char *mapping;
    struct stat status;
    char link[64], target[64] = "";
    int fd, copy;
    proof_begin("memfd");
    fd = memfd_create("proof", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    if (fd < 0)
        proof_skip("the kernel has no memfd_create");
    proof_fill(content, BYTES, 1);
    proof_equal(write(fd, content, BYTES), BYTES, "the file is written");
    lseek(fd, 1234, SEEK_SET);
    copy = dup(fd);
    mapping = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    proof_expect(mapping != MAP_FAILED, "the file is mapped");
    proof_equal(fcntl(fd, F_ADD_SEALS, SEALS), 0, "the file is sealed");

    proof_wait();

    proof_expect(proof_filled(mapping, BYTES, 1), "the mapping is kept");
    proof_equal(lseek(copy, 0, SEEK_CUR), 1234, "the offset");
    proof_equal(fcntl(fd, F_GET_SEALS), SEALS, "the seals");
    proof_equal(ftruncate(fd, 10), -1, "the file cannot shrink");
    proof_equal(fstat(fd, &status), 0, "fstat succeeds");
    proof_equal(status.st_size, BYTES, "the size");
    mapping[100] ^= 0xff;
    proof_equal(pread(copy, content, 1, 100), 1, "a byte is read");
    proof_equal(content[0], mapping[100], "a store reaches the file");
    proof_equal(fcntl(fd, F_GETFD), FD_CLOEXEC, "close-on-exec");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    proof_expect(readlink(link, target, sizeof target - 1) > 0, "the descriptor has a name");
    proof_expect(strcmp(target, "/memfd:proof (deleted)") == 0, "the file's name");
    proof_passed();
}
