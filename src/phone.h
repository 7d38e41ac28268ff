/*
 * phone.h
 *		Phone numbers in one canonical form.
 *
 * A number is an int64 of its digits with country code and no prefix:
 * 8675586013388, 864008123456, 8610086, 14155550123.
 */
#ifndef CCC_PHONE_H
#define CCC_PHONE_H

/* '+', at most 15 digits, and the terminating zero byte */
#define PHONE_MAX_TEXT 17

/* True, and the number, when the len bytes at s are a phone number. */
extern bool phone_parse(const char *s, size_t len, int64 *number);

/* Whether a number is one that phone_parse could have produced. */
extern bool phone_is_canonical(int64 number);

/* Writes the text form of a canonical number; returns its length. */
extern int	phone_format(int64 number, char *buf);

#endif							/* CCC_PHONE_H */
