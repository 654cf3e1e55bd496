/* An open device with a state that nobody can read: the move is to be refused. */
#include "proof.h"
#include <sys/stat.h>

static const char *const devices[] = {"/dev/fb0", "/dev/rtc0", "/dev/input/event0", "/dev/fuse", "/dev/kmsg"};

int main(void)
{
    struct stat before, after;
    int fd = -1;
    size_t i;
    proof_begin("unsupported_device");
    for (i = 0; i < sizeof devices / sizeof devices[0] && fd < 0; i++)
        fd = open(devices[i], O_RDONLY | O_NONBLOCK);
    if (fd < 0)
        proof_skip("there is no such device");
    proof_equal(fstat(fd, &before), 0, "the device is open");
    proof_wait();
    proof_equal(fstat(fd, &after), 0, "the device is still open");
    proof_equal(after.st_rdev, before.st_rdev, "it is the same device");
    proof_passed();
}
