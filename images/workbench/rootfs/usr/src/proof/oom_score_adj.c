/* How ready the kernel is to kill the process where memory runs out (proc(5)). */
#include "proof.h"

int main(void)
{
    static const char path[] = "/proc/self/oom_score_adj";
    char text[16] = "";
    int fd;
    proof_begin("oom_score_adj");
    fd = open(path, O_RDWR);
    proof_equal(write(fd, "321", 3), 3, "the value is set");
    close(fd);
    proof_wait();
    fd = open(path, O_RDONLY);
    proof_expect(read(fd, text, sizeof text - 1) > 0, "the value is told");
    close(fd);
    proof_equal(atoi(text), 321, "the value");
    proof_passed();
}
