/* A POSIX shared memory object: found by its name, mapped, and open. */
#include "proof.h"
#include <sys/mman.h>
#include <sys/stat.h>

#define NAME "/proof-posix_shm"
#define BYTES 20480

static void remove_object(void)
{
    shm_unlink(NAME);
}

int main(void)
{
    unsigned char *memory, *again;
    struct stat status;
    int fd, second;
    proof_begin("posix_shm");
    shm_unlink(NAME);
    fd = shm_open(NAME, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        proof_skip("there is no /dev/shm");
    proof_cleanup = remove_object;
    proof_equal(ftruncate(fd, BYTES), 0, "the object gets its size");
    memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    proof_expect(memory != MAP_FAILED, "it is mapped");
    proof_fill(memory, BYTES, 1);
    proof_wait();
    proof_expect(proof_filled(memory, BYTES, 1), "the content is kept");
    proof_equal(fstat(fd, &status), 0, "the descriptor is open");
    proof_equal(status.st_size, BYTES, "the object's size");
    second = shm_open(NAME, O_RDWR, 0);
    proof_expect(second >= 0, "the object is found by its name");
    again = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, second, 0);
    proof_expect(again != MAP_FAILED, "it is mapped again");
    memory[5000] ^= 0xff;
    proof_equal(again[5000], memory[5000], "a store is seen in the other mapping");
    proof_passed();
}
