/*
 * What libstdc++ and libgcc, as Debian links them with glibc, ask of glibc and musl does not have. With this in the place of glibc's loader,
 * which they name, they serve under musl's: enough for a test of a binary that throws nothing.
 */
#include <stddef.h>

struct tm;
typedef struct locale *locale_t;

long getrandom(void *buffer, size_t size, unsigned flags);
size_t strftime_l(char *text, size_t size, const char *format, const struct tm *time, locale_t locale);

char __libc_single_threaded = 0;
unsigned __cpu_model[4];

int __cpu_indicator_init(void) { return 0; }

int __cxa_thread_atexit_impl(void (*destroy)(void *), void *object, void *library) {
  (void)destroy, (void)object, (void)library;
  return 0;
}

int _dl_find_object(void *address, void *result) {
  (void)address, (void)result;
  return -1;
}

unsigned arc4random(void) {
  unsigned number = 0;
  getrandom(&number, sizeof number, 0);
  return number;
}

size_t __strftime_l(char *text, size_t size, const char *format, const struct tm *time, locale_t locale) {
  return strftime_l(text, size, format, time, locale);
}
