#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int decimal_to_text(__int128 units, int scale, char *into) {
  unsigned __int128 rest = units < 0 ? -(unsigned __int128)units : (unsigned __int128)units;
  char digits[48];
  int count = 0, at = 0;
  do digits[count++] = '0' + (int)(rest % 10), rest /= 10;
  while (rest || count <= scale);
  if (units < 0) into[at++] = '-';
  while (count) {
    if (count == scale) into[at++] = '.';
    into[at++] = digits[--count];
  }
  into[at] = 0;
  return at;
}

bool decimal_from_text(const char *text, int precision, int scale, __int128 *units) {
  while (*text == ' ') text++;
  bool negative = *text == '-';
  if (*text == '-' || *text == '+') text++;
  const char *mantissa = text;
  int digits_before = 0, digits = 0;
  bool point = false;
  for (; (*text >= '0' && *text <= '9') || (*text == '.' && !point); text++) {
    if (*text == '.') point = true;
    else digits++, digits_before += !point;
  }
  const char *end = text;
  long exponent = 0;
  if (digits && (*text == 'e' || *text == 'E')) exponent = strtol(text + 1, (char **)&text, 10);
  while (*text == ' ') text++;
  if (!digits || *text || exponent > 1000 || exponent < -1000) return false;
  // Digits that count: those before the point, moved by exponent and scale.
  long wanted = digits_before + exponent + scale, seen = 0;
  unsigned __int128 value = 0, limit = 1;
  for (int i = 0; i < precision; i++) limit *= 10;
  bool round_up = false;
  for (const char *at = mantissa; at < end; at++) {
    if (*at == '.') continue;
    if (seen == wanted) round_up = *at >= '5';
    if (seen++ >= wanted) continue;
    value = value * 10 + (*at - '0');
    if (value >= limit) return false;
  }
  for (; seen < wanted && value; seen++)
    if ((value *= 10) >= limit) return false;
  value += round_up;
  if (value >= limit) return false;
  *units = negative ? -(__int128)value : (__int128)value;
  return true;
}

// Days and civil dates as in https://howardhinnant.github.io/date_algorithms.html
int date_to_text(int32_t days, char *into) {
  int64_t z = (int64_t)days + 719468;
  int64_t era = (z >= 0 ? z : z - 146096) / 146097;
  int64_t doe = z - era * 146097;
  int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int64_t mp = (5 * doy + 2) / 153;
  int day = (int)(doy - (153 * mp + 2) / 5 + 1), month = (int)(mp < 10 ? mp + 3 : mp - 9);
  return snprintf(into, 32, "%04lld-%02d-%02d", (long long)(yoe + era * 400 + (month <= 2)), month, day);
}

static bool number(const char **text, int digits_max, int64_t *value) {
  int digits = 0;
  for (*value = 0; **text >= '0' && **text <= '9' && digits < digits_max; digits++) *value = *value * 10 + (*(*text)++ - '0');
  return digits > 0;
}

bool date_from_text(const char *text, int32_t *days) {
  bool negative = *text == '-';
  if (negative) text++;
  int64_t y, m, d;
  if (!number(&text, 7, &y) || *text++ != '-' || !number(&text, 2, &m) || *text++ != '-' || !number(&text, 2, &d)) return false;
  if (negative) y = -y;
  static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
  if (*text || m < 1 || m > 12 || d < 1 || d > lengths[m - 1] + (m == 2 && leap)) return false;
  y -= m <= 2;
  int64_t era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
  int64_t doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
  *days = (int32_t)(era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468);
  return true;
}

int time_to_text(int64_t nanoseconds, int digits, char *into) {
  int64_t seconds = nanoseconds / 1000000000, fraction = nanoseconds % 1000000000;
  int at = snprintf(into, 32, "%02d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60), (int)(seconds % 60));
  if (digits > 0) {
    char all[16];
    snprintf(all, sizeof all, "%09d", (int)fraction);
    at += snprintf(into + at, 32 - at, ".%.*s", digits, all);
  }
  return at;
}

bool time_from_text(const char *text, int64_t *nanoseconds) {
  int64_t h, m, s = 0, fraction = 0;
  if (!number(&text, 2, &h) || *text++ != ':' || !number(&text, 2, &m)) return false;
  if (*text == ':' && (text++, !number(&text, 2, &s))) return false;
  if (*text == '.') {
    int digits = 0;
    for (text++; *text >= '0' && *text <= '9'; text++)
      if (digits < 9) fraction = fraction * 10 + (*text - '0'), digits++;
    while (digits++ < 9) fraction *= 10;
  }
  if (*text || h > 23 || m > 59 || s > 59) return false;
  *nanoseconds = ((h * 60 + m) * 60 + s) * 1000000000 + fraction;
  return true;
}
