// The sketch's head without a clock: lines "MS HEX" on stdin, answers and servos on stdout, as tests/robot reads them.
#include <stdio.h>

#include "head.h"

struct Told : Hardware {
  void pulse(uint8_t channel, uint16_t us) override { printf("pulse %d %d\n", channel, us); }
  void letGo(uint8_t channel) override { printf("go %d\n", channel); }
  void answer(const uint8_t *bytes, uint8_t count) override {
    printf("answer ");
    while (count--) printf("%02x", *bytes++);
    printf("\n");
  }
} told;

const ServoLimits LIMITS[] = {{0, 900, 2100}, {1, 900, 2100}, {2, 900, 2100}, {3, 900, 2100}, {4, 900, 2100}};

int main() {
  Head head(LIMITS, 5, told);
  unsigned long ms;
  char hex[4096];
  while (scanf("%lu %4095s", &ms, hex) == 2) {
    unsigned byte;
    head.watch(ms);
    for (const char *at = hex; sscanf(at, "%2x", &byte) == 1; at += 2) head.hear(byte, ms);
    printf(".\n");
  }
}
