// gps_log: a receiver process writes one sentence a second into a pipe; the logger prints the
// positions.
// Bug: the logger takes what one read() returns for one sentence; what comes together is lost but
// for the first.
// Smallest: the receiver's pause ends before the logger has read.
// By hand: SIGSTOP the parent for three seconds.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void log_sentence(const char* sentence) {
  double latitude, longitude;
  if (sscanf(sentence, "$GPGLL,%lf,N,%lf,E", &latitude, &longitude) == 2)
    printf("at %.2f north, %.2f east\n", latitude, longitude);
  else
    printf("bad sentence\n");
}

static void follow(int in) {
#ifdef FIXED
  char sentence[128];
  FILE* sentences = fdopen(in, "r");
  if (sentences == NULL) return;
  while (fgets(sentence, sizeof sentence, sentences) != NULL) log_sentence(sentence);
  fclose(sentences);
#else
  char sentence[128];
  ssize_t n;
  while ((n = read(in, sentence, sizeof sentence - 1)) > 0) {
    sentence[n] = '\0';
    log_sentence(sentence);
  }
  close(in);
#endif
}

static void receive(int out) {
  static const char* const kSentences[] = {"$GPGLL,48.21,N,16.37,E\n", "$GPGLL,48.22,N,16.38,E\n",
                                           "$GPGLL,48.23,N,16.39,E\n"};
  signal(SIGPIPE, SIG_IGN);
  for (size_t i = 0; i < sizeof kSentences / sizeof kSentences[0]; ++i) {
    if (write(out, kSentences[i], strlen(kSentences[i])) < 0) exit(1);
    sleep(1);
  }
  exit(0);
}

int main(void) {
  int sentences[2];
  int status = 0;

  if (pipe2(sentences, O_CLOEXEC) < 0) {
    perror("gps_log: pipe");
    return 1;
  }
  const pid_t receiver = fork();
  if (receiver < 0) {
    perror("gps_log: fork");
    return 1;
  }
  if (receiver == 0) {
    close(sentences[0]);
    receive(sentences[1]);
  }
  close(sentences[1]);
  follow(sentences[0]);
  waitpid(receiver, &status, 0);
  if (status != 0) fprintf(stderr, "gps_log: the receiver failed\n");
  return status == 0 ? 0 : 1;
}
