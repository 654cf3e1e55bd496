/* Mappings of a file that has no name any more and no descriptor: shared ones stay one file. */
#include "proof.h"
#include <sys/mman.h>

#define BYTES (8 * 4096)

static unsigned char *map(int fd, int flags)
{
    void *place = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, flags, fd, 0);
    proof_expect(place != MAP_FAILED, "the file is mapped");
    return place;
}

int main(void)
{
    unsigned char *first, *second, *private;
    char *path;
    int fd;
    proof_begin("deleted_file_mapping");
    path = proof_path("file");
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    proof_equal(ftruncate(fd, BYTES), 0, "the file gets its size");
    first = map(fd, MAP_SHARED);
    second = map(fd, MAP_SHARED);
    private = map(fd, MAP_PRIVATE);
    close(fd);
    unlink(path);
    proof_fill(first, BYTES, 1);
    proof_fill(private, 4096, 2);

    proof_wait();

    proof_expect(proof_filled(first, BYTES, 1), "the first mapping is kept");
    proof_expect(proof_filled(second, BYTES, 1), "the second mapping is kept");
    proof_expect(proof_filled(private, 4096, 2), "the changed page of the private mapping is kept");
    proof_expect(memcmp(private + 4096, first + 4096, BYTES - 4096) == 0, "its other pages are the file's");
    first[5000] ^= 0xff;
    proof_equal(second[5000], first[5000], "a store through one mapping is seen in the other");
    proof_expect(access(path, F_OK) != 0, "the file has no name");
    proof_passed();
}
