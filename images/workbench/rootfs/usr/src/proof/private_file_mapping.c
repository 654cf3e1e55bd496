/* A private mapping of a file: changed pages differ from the file, the others are the file's. */
#include "proof.h"
#include <sys/mman.h>

#define PAGE 4096
#define PAGES 16

int main(void)
{
    static unsigned char content[PAGES * PAGE];
    unsigned char *mapping;
    char *path;
    int fd, i;
    proof_begin("private_file_mapping");
    path = proof_path("file");
    proof_fill(content, sizeof content, 1);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    proof_equal(write(fd, content, sizeof content), sizeof content, "the file is written");
    mapping = mmap(NULL, sizeof content, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    proof_expect(mapping != MAP_FAILED, "the file is mapped");
    close(fd);
    proof_fill(mapping + 3 * PAGE, PAGE, 33);
    mapping[7 * PAGE + 100] ^= 0xff;
    proof_equal(mapping[5 * PAGE], content[5 * PAGE], "a page only read is the file's");

    proof_wait();

    proof_expect(proof_filled(mapping + 3 * PAGE, PAGE, 33), "a page written as a whole is kept");
    proof_equal(mapping[7 * PAGE + 100], content[7 * PAGE + 100] ^ 0xff, "a changed byte");
    mapping[7 * PAGE + 100] ^= 0xff;
    for (i = 0; i < PAGES; i++)
        if (i != 3)
            proof_expect(memcmp(mapping + i * PAGE, content + i * PAGE, PAGE) == 0, "other pages are the file's");
    fd = open(path, O_RDONLY);
    memset(content, 0, sizeof content);
    proof_equal(read(fd, content, sizeof content), sizeof content, "the file is read");
    proof_expect(proof_filled(content, sizeof content, 1), "the file itself is unchanged");
    close(fd);
    proof_passed();
}
