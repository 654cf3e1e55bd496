/* The mask of file modes. */
#include "proof.h"
#include <sys/stat.h>

int main(void)
{
    struct stat status;
    int fd;
    proof_begin("umask");
    umask(0137);
    proof_wait();
    fd = open(proof_path("file"), O_WRONLY | O_CREAT, 0777);
    proof_equal(fstat(fd, &status), 0, "a file is made");
    proof_equal(status.st_mode & 0777, 0640, "the mode of a new file");
    proof_equal(umask(0), 0137, "the mask");
    proof_passed();
}
