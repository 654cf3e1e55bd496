/* Options of a TCP and of a Unix socket. */
#include "proof.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

static const struct {
    int level, option, value;
    const char *name;
} options[] = {
    {SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"},
    {SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT"},
    {SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE"},
    {SOL_SOCKET, SO_BROADCAST, 1, "SO_BROADCAST"},
    {SOL_SOCKET, SO_RCVBUF, 30000, "SO_RCVBUF"},
    {SOL_SOCKET, SO_SNDBUF, 40000, "SO_SNDBUF"},
    {SOL_SOCKET, SO_RCVLOWAT, 3, "SO_RCVLOWAT"},
    {IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY"},
    {IPPROTO_TCP, TCP_KEEPIDLE, 321, "TCP_KEEPIDLE"},
    {IPPROTO_TCP, TCP_KEEPCNT, 4, "TCP_KEEPCNT"},
    {IPPROTO_IP, IP_TOS, 0x10, "IP_TOS"},
    {IPPROTO_IP, IP_TTL, 33, "IP_TTL"},
};
#define OPTIONS (sizeof options / sizeof options[0])

static int value(int fd, int level, int option)
{
    int found = -1;
    socklen_t length = sizeof found;
    proof_equal(getsockopt(fd, level, option, &found, &length), 0, "getsockopt succeeds");
    return found;
}

int main(void)
{
    int tcp, unix_socket, before[OPTIONS], one = 1;
    struct timeval timeout = {12, 500000}, found;
    struct linger linger = {1, 17}, found_linger;
    socklen_t length = sizeof found;
    size_t i;
    proof_begin("socket_options");
    tcp = socket(AF_INET, SOCK_STREAM, 0);
    unix_socket = socket(AF_UNIX, SOCK_DGRAM, 0);
    for (i = 0; i < OPTIONS; i++) {
        proof_equal(setsockopt(tcp, options[i].level, options[i].option, &options[i].value, sizeof(int)), 0,
            options[i].name);
        before[i] = value(tcp, options[i].level, options[i].option); /* a buffer is doubled */
    }
    setsockopt(tcp, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(tcp, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    setsockopt(unix_socket, SOL_SOCKET, SO_PASSCRED, &one, sizeof one);
    proof_wait();
    for (i = 0; i < OPTIONS; i++)
        proof_equal(value(tcp, options[i].level, options[i].option), before[i], options[i].name);
    proof_equal(getsockopt(tcp, SOL_SOCKET, SO_RCVTIMEO, &found, &length), 0, "SO_RCVTIMEO is told");
    proof_equal(found.tv_sec, 12, "the seconds of SO_RCVTIMEO");
    proof_expect(found.tv_usec >= 490000 && found.tv_usec <= 510000, "the rest of SO_RCVTIMEO");
    proof_equal(getsockopt(tcp, SOL_SOCKET, SO_LINGER, &found_linger, &length), 0, "SO_LINGER is told");
    proof_expect(found_linger.l_onoff == 1 && found_linger.l_linger == 17, "SO_LINGER is kept");
    proof_equal(value(unix_socket, SOL_SOCKET, SO_PASSCRED), 1, "SO_PASSCRED");
    proof_equal(value(unix_socket, SOL_SOCKET, SO_TYPE), SOCK_DGRAM, "SO_TYPE");
    proof_passed();
}
