/* A shared mapping of a file: a store reaches the file, and a write to the file the mapping. */
#include "proof.h"
#include <sys/mman.h>

#define BYTES (16 * 4096)

int main(void)
{
    unsigned char *mapping, *second, found[BYTES];
    char *path;
    int fd;
    proof_begin("shared_file_mapping");
    path = proof_path("file");
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    proof_equal(ftruncate(fd, BYTES), 0, "the file gets its size");
    mapping = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    second = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 4096);
    proof_expect(mapping != MAP_FAILED && second != MAP_FAILED, "the file is mapped twice");
    close(fd);
    proof_fill(mapping, BYTES, 1);

    proof_wait();

    proof_expect(proof_filled(mapping, BYTES, 1), "the mapping is kept");
    fd = open(path, O_RDWR);
    proof_equal(read(fd, found, BYTES), BYTES, "the file is read");
    proof_expect(proof_filled(found, BYTES, 1), "the file has what was stored before");
    mapping[4100] = 201;
    proof_equal(pread(fd, found, 1, 4100), 1, "a byte of the file is read");
    proof_equal(found[0], 201, "a store reaches the file");
    proof_equal(second[4], 201, "a store reaches the second mapping, at its offset");
    found[0] = 202;
    proof_equal(pwrite(fd, found, 1, 8000), 1, "a byte of the file is written");
    proof_equal(mapping[8000], 202, "a write to the file reaches the mapping");
    proof_equal(msync(mapping, BYTES, MS_SYNC), 0, "msync succeeds");
    close(fd);
    proof_passed();
}
