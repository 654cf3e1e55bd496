/* A pseudo-terminal with unread input, a whole line and the beginning of one, and unread output. */
#include "proof.h"
#include <sys/ioctl.h>
#include <termios.h>

int main(void)
{
    struct termios settings;
    char buffer[64] = "", name[64];
    int master, slave;
    proof_begin("pty_queued");
    master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0)
        proof_skip("no pseudo-terminals");
    proof_expect(!grantpt(master) && !unlockpt(master) && !ptsname_r(master, name, sizeof name), "a terminal is made");
    slave = open(name, O_RDWR | O_NOCTTY);
    tcgetattr(slave, &settings);
    settings.c_lflag = (settings.c_lflag | ICANON) & ~ECHO;
    settings.c_oflag &= ~OPOST;
    tcsetattr(slave, TCSANOW, &settings);
    proof_equal(write(master, "whole line\nhalf", 15), 15, "input is written");
    proof_equal(write(slave, "unread output", 13), 13, "output is written");
    proof_sleep(50); /* the kernel carries both over in the background */

    proof_wait();

    proof_equal(write(master, " line\n", 6), 6, "the rest of the line is written");
    proof_equal(read(slave, buffer, sizeof buffer), 11, "the whole line is read");
    proof_expect(strncmp(buffer, "whole line\n", 11) == 0, "the whole line");
    proof_equal(read(slave, buffer, sizeof buffer), 10, "the line in two halves is read");
    proof_expect(strncmp(buffer, "half line\n", 10) == 0, "the line in two halves");
    proof_equal(read(master, buffer, sizeof buffer), 13, "the output is read");
    proof_expect(strncmp(buffer, "unread output", 13) == 0, "the output");
    proof_passed();
}
