/* An open file without a name: content, offset and mode kept, still writable; one never had a name. */
#include "proof.h"
#include <sys/stat.h>

#define BYTES 10000

static unsigned char content[BYTES];

static void check(int fd, int offset, unsigned seed)
{
    struct stat status;
    proof_equal(lseek(fd, 0, SEEK_CUR), offset, "the offset is kept");
    proof_equal(fstat(fd, &status), 0, "fstat succeeds");
    proof_equal(status.st_nlink, 0, "the file has no name");
    proof_equal(status.st_size, BYTES, "the file's size");
    proof_equal(status.st_mode & 0777, 0620, "the file's mode");
    proof_equal(pread(fd, content, BYTES, 0), BYTES, "the file is read");
    proof_expect(proof_filled(content, BYTES, seed), "the file's content is kept");
    proof_equal(write(fd, "new", 3), 3, "the file is written");
    proof_equal(pread(fd, content, 3, offset), 3, "the file is read again");
    proof_expect(memcmp(content, "new", 3) == 0, "what was written is there");
}

int main(void)
{
    char *path;
    int deleted, copy, nameless;
    proof_begin("deleted_file");
    umask(0);
    path = proof_path("file");
    deleted = open(path, O_RDWR | O_CREAT | O_TRUNC, 0620);
    proof_fill(content, BYTES, 1);
    proof_equal(write(deleted, content, BYTES), BYTES, "the file is written");
    copy = dup(deleted);
    lseek(deleted, 4321, SEEK_SET);
    unlink(path);
    *strrchr(path, '/') = 0;
    nameless = open(path, O_TMPFILE | O_RDWR, 0620); /* not every file system can */
    path[strlen(path)] = '/';
    proof_fill(content, BYTES, 2);
    if (nameless >= 0)
        proof_equal(write(nameless, content, BYTES), BYTES, "the nameless file is written");

    proof_wait();

    check(deleted, 4321, 1);
    proof_equal(lseek(copy, 0, SEEK_CUR), 4324, "a copy of the descriptor shares the offset");
    proof_expect(access(path, F_OK) != 0, "the name is not there again");
    if (nameless >= 0)
        check(nameless, BYTES, 2);
    proof_passed();
}
