/* The settings of the terminal that the program was started on. */
#include "proof.h"
#include <termios.h>

static struct termios original;

static void set_back(void)
{
    tcsetattr(0, TCSANOW, &original);
}

int main(void)
{
    struct termios settings, found;
    proof_begin("console_settings");
    if (tcgetattr(0, &original) != 0)
        proof_skip("file descriptor 0 is no terminal");
    proof_cleanup = set_back;
    signal(SIGTTOU, SIG_IGN); /* it may run in the background */
    settings = original;
    settings.c_lflag ^= ECHO | ECHOCTL;
    settings.c_iflag ^= IXANY;
    settings.c_cc[VEOL] = '#';
    settings.c_cc[VQUIT] = 7;
    proof_equal(tcsetattr(0, TCSANOW, &settings), 0, "the settings are set");
    proof_equal(tcgetattr(0, &settings), 0, "the settings are told");
    proof_wait();
    proof_equal(tcgetattr(0, &found), 0, "file descriptor 0 is still a terminal");
    proof_equal(found.c_lflag, settings.c_lflag, "the local modes");
    proof_equal(found.c_iflag, settings.c_iflag, "the input modes");
    proof_equal(found.c_oflag, settings.c_oflag, "the output modes");
    proof_equal(found.c_cflag, settings.c_cflag, "the control modes, with the speed");
    proof_expect(memcmp(found.c_cc, settings.c_cc, NCCS) == 0, "the control characters");
    proof_passed();
}
