// The whole sketch on a computer: what the Arduino program puts around it.
#include "semblance_head.ino"

int main() {
  setup();
  for (;;) loop();
}
