/* Sends requests at times fixed ahead and tells how long each took, waiting for a free
 * connection included: a caller who waits for an answer before asking again hides every delay of
 * the server (coordinated omission).
 *
 * usage: open_loop PORT RATE SECONDS CONNECTIONS < requests > delays
 *
 * In: requests, each behind its length as a 32-bit number; they are sent in turn. Out: for each, as
 * a double, the microseconds from its time to the end of its answer, -1 for any but a 200.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_BYTES (1 << 16)
#define PATIENCE_SECONDS 20.0

typedef struct {
    int socket, request; /* -1: idle */
    size_t size;
    char answer[ANSWER_BYTES + 1];
} Connection;

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec + at.tv_nsec / 1e9;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int connected(int port)
{
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1, made = socket(AF_INET, SOCK_STREAM, 0);
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (made < 0 || connect(made, (struct sockaddr *)&place, sizeof place)) fail("connect");
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return made;
}

/* Return the bytes of the whole answer, 0 while its head has not come. */
static size_t expected(const Connection *from)
{
    const char *end = strstr(from->answer, "\r\n\r\n");
    const char *length = strcasestr(from->answer, "\r\ncontent-length:");
    if (!end || !length || length > end) return 0;
    return end + 4 - from->answer + strtoul(length + 17, NULL, 10);
}

/* Read what has come and say whether the answer is whole. */
static int is_answered(Connection *from)
{
    ssize_t got = recv(from->socket, from->answer + from->size, ANSWER_BYTES - from->size, 0);
    if (got <= 0) fail("recv");
    from->size += got;
    from->answer[from->size] = 0;
    size_t whole = expected(from);
    return whole && from->size >= whole;
}

int main(int argc, char **argv)
{
    if (argc != 5) return 2;
    double rate = atof(argv[2]), seconds = atof(argv[3]);
    int n_connections = atoi(argv[4]), count = rate * seconds;

    char **requests = NULL;
    uint32_t *sizes = NULL, size;
    int n_requests = 0;
    while (fread(&size, sizeof size, 1, stdin) == 1) {
        requests = realloc(requests, (n_requests + 1) * sizeof *requests);
        sizes = realloc(sizes, (n_requests + 1) * sizeof *sizes);
        requests[n_requests] = malloc(size);
        if (fread(requests[n_requests], 1, size, stdin) != size) return 2;
        sizes[n_requests++] = size;
    }

    /* Independent callers: the gaps between them are exponential. */
    double *due = malloc(count * sizeof *due), *delays = malloc(count * sizeof *delays), at = 0;
    srand48(7);
    for (int i = 0; i < count; i++) {
        at -= log(1 - drand48()) / rate;
        due[i] = at;
        delays[i] = -1;
    }

    Connection *connections = calloc(n_connections, sizeof *connections);
    /* In a ring: one that waits for seconds is closed by the server. */
    Connection **idle = malloc(n_connections * sizeof *idle);
    int poll = epoll_create1(0), n_idle = n_connections, next = 0;
    for (int i = 0; i < n_connections; i++) {
        Connection *each = idle[i] = connections + i;
        struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = each};
        each->socket = connected(atoi(argv[1]));
        epoll_ctl(poll, EPOLL_CTL_ADD, each->socket, &wanted);
    }

    double began = now();
    int sent = 0, answered = 0;
    while (answered < count && now() - began < seconds + PATIENCE_SECONDS) {
        while (sent < count && n_idle && began + due[sent] <= now()) {
            Connection *to = idle[next];
            next = (next + 1) % n_connections;
            n_idle--;
            int which = sent % n_requests;
            to->request = sent++;
            to->size = 0;
            if (send(to->socket, requests[which], sizes[which], 0) != (ssize_t)sizes[which])
                fail("send");
        }
        struct epoll_event events[64];
        /* Without sleeping: it has a core of its own, and a timer would be late. */
        int ready = epoll_wait(poll, events, 64, 0);
        for (int i = 0; i < ready; i++) {
            Connection *from = events[i].data.ptr;
            if (!is_answered(from)) continue;
            if (!strncmp(from->answer, "HTTP/1.1 200", 12))
                delays[from->request] = (now() - began - due[from->request]) * 1e6;
            idle[(next + n_idle++) % n_connections] = from;
            answered++;
        }
    }
    fwrite(delays, sizeof *delays, count, stdout);
    return 0;
}
