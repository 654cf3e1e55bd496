/* A pseudo-terminal: settings, window size; a child has it as controlling terminal and is in its foreground. */
#include "proof.h"
#include <sys/ioctl.h>
#include <termios.h>

int main(void)
{
    struct termios settings, found;
    struct winsize size = {33, 111, 0, 0}, found_size;
    char buffer[64] = "", name[64];
    int master, slave, status;
    pid_t child;
    proof_begin("pty");
    master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0)
        proof_skip("no pseudo-terminals");
    proof_expect(!grantpt(master) && !unlockpt(master) && !ptsname_r(master, name, sizeof name), "a terminal is made");
    slave = open(name, O_RDWR | O_NOCTTY);
    proof_expect(slave >= 0, "it is opened");
    tcgetattr(slave, &settings);
    settings.c_lflag &= ~(ECHO | ECHOE);
    settings.c_iflag |= IXANY;
    settings.c_oflag &= ~OPOST;
    settings.c_cc[VEOL] = '#';
    settings.c_cc[VINTR] = 7;
    tcsetattr(slave, TCSANOW, &settings);
    ioctl(slave, TIOCSWINSZ, &size);
    child = proof_fork();
    if (child == 0) {
        close(master);
        setsid();
        proof_equal(ioctl(slave, TIOCSCTTY, 0), 0, "the terminal becomes the controlling one");
        proof_equal(tcsetpgrp(slave, getpgrp()), 0, "the group comes into the foreground");
        proof_settled();
        proof_wait_quietly();
        proof_equal(tcgetpgrp(slave), getpgrp(), "the foreground group");
        proof_equal(tcgetsid(slave), getpid(), "the terminal's session");
        proof_expect(open("/dev/tty", O_RDWR) >= 0, "/dev/tty is the controlling terminal");
        proof_equal(write(slave, "ready", 5), 5, "the terminal takes output");
        proof_equal(read(slave, buffer, sizeof buffer), 6, "a line is read");
        proof_expect(strncmp(buffer, "input\n", 6) == 0, "the line");
        proof_equal(write(slave, "done", 4), 4, "the terminal takes more output");
        pause(); /* until the interrupt key */
    }

    proof_wait();

    proof_equal(tcgetattr(slave, &found), 0, "the terminal tells its settings");
    proof_equal(found.c_lflag, settings.c_lflag, "the local modes");
    proof_equal(found.c_iflag, settings.c_iflag, "the input modes");
    proof_equal(found.c_oflag, settings.c_oflag, "the output modes");
    proof_equal(found.c_cflag, settings.c_cflag, "the control modes");
    proof_expect(memcmp(found.c_cc, settings.c_cc, NCCS) == 0, "the control characters");
    proof_equal(ioctl(master, TIOCGWINSZ, &found_size), 0, "the terminal tells its size");
    proof_expect(found_size.ws_row == 33 && found_size.ws_col == 111, "the window size");
    proof_expect(ptsname_r(master, buffer, sizeof buffer) == 0 && strcmp(buffer, name) == 0, "the terminal's name");
    proof_equal(read(master, buffer, sizeof buffer), 5, "the child's output arrives");
    proof_equal(write(master, "input\n", 6), 6, "the terminal takes input");
    proof_equal(read(master, buffer, sizeof buffer), 4, "the child has read the line");
    proof_equal(write(master, "\7", 1), 1, "the terminal takes the interrupt key");
    proof_equal(waitpid(child, &status, 0), child, "the child ends");
    proof_forget(child);
    if (status == 1 << 8)
        proof_end(1); /* the child has said why */
    proof_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT, "the interrupt key ends the foreground group");
    proof_passed();
}
