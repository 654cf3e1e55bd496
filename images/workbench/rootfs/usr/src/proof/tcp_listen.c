/* A TCP socket that listens on 127.0.0.1: a client connects afterwards. */
#include "proof.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

int main(void)
{
    struct sockaddr_in address, found;
    socklen_t length = sizeof address;
    char buffer[16] = "";
    int listener, client, server;
    proof_begin("tcp_listen");
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0)
        proof_skip("the loopback interface has no address");
    proof_equal(listen(listener, 5), 0, "the socket listens");
    getsockname(listener, (struct sockaddr *)&address, &length);
    proof_wait();
    proof_equal(getsockname(listener, (struct sockaddr *)&found, &length), 0, "the socket has an address");
    proof_equal(ntohs(found.sin_port), ntohs(address.sin_port), "its port");
    proof_equal(found.sin_addr.s_addr, address.sin_addr.s_addr, "its address");
    proof_equal(fcntl(listener, F_GETFD), FD_CLOEXEC, "close-on-exec");
    client = socket(AF_INET, SOCK_STREAM, 0);
    proof_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0, "a client connects");
    server = accept(listener, NULL, NULL);
    proof_expect(server >= 0, "the connection is accepted");
    proof_equal(write(client, "hello", 5), 5, "the client writes");
    proof_equal(read(server, buffer, sizeof buffer), 5, "the server reads");
    proof_expect(strcmp(buffer, "hello") == 0, "the server reads what the client wrote");
    proof_passed();
}
