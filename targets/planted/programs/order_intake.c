// order_intake: a daemon takes orders from a message queue; SIGHUP makes it look up the shop's name
// again.
// Bug: it counts on SA_RESTART; but msgrcv() is never restarted (signal(7)), and the daemon takes
// EINTR for the end of its queue.
// Smallest: one EINTR of a msgrcv that waits.
// By hand: order_intake serve & kill -HUP it; order_intake order
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <unistd.h>

static const key_t kKey = 0x6f726465;
static int queue = -1;
enum { kTries = 50, kTryUs = 100000 };

struct Order {
  long type;
  char text[32];
};

static volatile sig_atomic_t name_is_old = 1;

static void on_hup(int signal_number) {
  (void)signal_number;
  name_is_old = 1;
}

static void end(int signal_number) {
  (void)signal_number;
  msgctl(queue, IPC_RMID, NULL);
  _exit(0);
}

static int serve(void) {
  struct sigaction on_rename = {.sa_handler = on_hup, .sa_flags = SA_RESTART};
  struct sigaction on_end = {.sa_handler = end, .sa_flags = SA_RESTART};
  struct Order order;
  const char* shop = NULL;

  setvbuf(stdout, NULL, _IOLBF, 0);
  sigaction(SIGHUP, &on_rename, NULL);
  sigaction(SIGTERM, &on_end, NULL);
  queue = msgget(kKey, IPC_CREAT | 0600);
  for (;;) {
    const ssize_t n = msgrcv(queue, &order, sizeof order.text, 0, MSG_NOERROR);
#ifdef FIXED
    if (n < 0 && errno == EINTR) continue;
#endif
    if (n < 0) break;
    if (name_is_old) shop = getenv("SHOP");
    name_is_old = 0;
    printf("%s: %.*s\n", shop == NULL ? "shop" : shop, (int)n, order.text);
  }
  perror("order_intake: queue");
  msgctl(queue, IPC_RMID, NULL);
  return 1;
}

static int place(const char* text) {
  struct Order order = {.type = 1, .text = ""};
  snprintf(order.text, sizeof order.text, "%s", text);
  for (int i = 0; i < kTries; ++i) {
    if (msgsnd(queue, &order, strlen(order.text), IPC_NOWAIT) == 0) return 0;
    if (errno != EAGAIN && errno != EINTR) break;
    usleep(kTryUs);
  }
  return -1;
}

static int order_all(void) {
  static const char* const kOrders[] = {"2 coffees", "1 tea", "3 cakes"};
  for (int i = 0; i < kTries && queue < 0; ++i) {
    queue = msgget(kKey, 0);
    if (queue < 0) usleep(kTryUs);
  }
  for (size_t i = 0; i < sizeof kOrders / sizeof kOrders[0]; ++i) {
    if (queue >= 0 && place(kOrders[i]) == 0) continue;
    perror("order_intake: closed");
    return 1;
  }
  return 0;
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "serve") == 0) return serve();
  if (argc == 2 && strcmp(argv[1], "order") == 0) return order_all();
  fprintf(stderr, "usage: order_intake serve | order\n");
  return 2;
}
