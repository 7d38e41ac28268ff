/*
 * phone_parse.c
 *		What people and switches write for a phone number, made canonical.
 *
 * Pure: no palloc, no ereport, no locale functions, no state.  An input is
 * cut down to its user part, that to its digits, and those are judged by the
 * numbering plan; each step is a function that may say no.
 */
#include "postgres.h"

#include "phone.h"
#include "scan.h"

#define MAX_INPUT 255			/* bytes; what is longer is not a number */
#define MIN_FOREIGN 7			/* digits with country code */
#define MAX_FOREIGN 15			/* as ITU-T E.164 allows */
#define MAX_DIALLED (MAX_FOREIGN + 3)	/* with '00' and a trunk '0' */
#define MAX_COUNTRY_CODE 3
#define CHINA "86"
#define CHINA_VALUE 86			/* the same */

typedef enum PhoneKind
{
	PHONE_NONE = 0,
	PHONE_MOBILE = 1,
	PHONE_SERVICE = 2,
	PHONE_SHORT = 4,
	PHONE_GEOGRAPHIC = 8,
	/* what a trunk 0 may precede */
	PHONE_TRUNK = PHONE_MOBILE | PHONE_GEOGRAPHIC,
	PHONE_ANY = PHONE_TRUNK | PHONE_SERVICE | PHONE_SHORT
} PhoneKind;

/*
 * The Chinese numbering plan: leading digits and total length.  The first
 * entry that fits decides, so that an 11-digit 400 number is nothing rather
 * than a subscriber of an area 400.
 */
static const struct
{
	const char *lead;			/* digits, 'x' for any, [a-b] for a range */
	int			min_length;
	int			max_length;
	PhoneKind	kind;
} plan[] = {
	{"1[3-9]", 11, 11, PHONE_MOBILE},
	{"400", 10, 10, PHONE_SERVICE},
	{"800", 10, 10, PHONE_SERVICE},
	{"400", 11, 11, PHONE_NONE},
	{"800", 11, 11, PHONE_NONE},
	{"1[0-2]", 3, 3, PHONE_SHORT},
	{"1[0-2]", 5, 6, PHONE_SHORT},
	{"9[5-6]", 5, 8, PHONE_SHORT},
	{"10[2-9]", 10, 10, PHONE_GEOGRAPHIC},
	{"2x[2-9]", 10, 10, PHONE_GEOGRAPHIC},
	{"[3-9]xx[2-9]", 10, 11, PHONE_GEOGRAPHIC},
};

typedef struct Span
{
	const char *begin;
	const char *end;
} Span;

/* Digits that are not at one place. */
typedef struct Dialled
{
	bool		plus;
	int			count;
	char		digits[MAX_DIALLED];
} Dialled;

static int
length_of(Span s)
{
	return (int) (s.end - s.begin);
}

static Span
without_first(Span s, int n)
{
	s.begin += n;
	return s;
}

static bool
starts_with(Span s, const char *prefix)
{
	for (; *prefix != '\0'; prefix++, s.begin++)
	{
		if (s.begin == s.end || *s.begin != *prefix)
			return false;
	}
	return true;
}

static bool
lead_fits(const char *lead, Span digits)
{
	for (const char *p = digits.begin; *lead != '\0'; lead++, p++)
	{
		if (p == digits.end)
			return false;
		if (*lead == '[')
		{
			if (*p < lead[1] || *p > lead[3])
				return false;
			lead += 4;
		}
		else if (*p != *lead && *lead != 'x')
			return false;
	}
	return true;
}

static PhoneKind
chinese_kind(Span digits)
{
	int			length = length_of(digits);

	for (int i = 0; i < (int) lengthof(plan); i++)
	{
		if (length >= plan[i].min_length && length <= plan[i].max_length &&
			lead_fits(plan[i].lead, digits))
			return plan[i].kind;
	}
	return PHONE_NONE;
}

static int64
digits_value(Span digits, int64 value)
{
	for (const char *p = digits.begin; p < digits.end; p++)
		value = value * 10 + (*p - '0');
	return value;
}

static bool
chinese(Span digits, int kinds, int64 *number)
{
	if ((chinese_kind(digits) & kinds) == 0)
		return false;
	*number = digits_value(digits, CHINA_VALUE);
	return true;
}

static bool
chinese_maybe_trunk(Span digits, int kinds, int64 *number)
{
	if (starts_with(digits, "0"))
		return chinese(without_first(digits, 1), kinds & PHONE_TRUNK, number);
	return chinese(digits, kinds, number);
}

/* The digits after '+' or '00'. */
static bool
international(Span digits, int64 *number)
{
	int			length = length_of(digits);

	if (starts_with(digits, CHINA))
		return chinese_maybe_trunk(without_first(digits, strlen(CHINA)), PHONE_ANY, number);
	if (length < MIN_FOREIGN || length > MAX_FOREIGN || digits.begin[0] == '0')
		return false;
	*number = digits_value(digits, 0);
	return true;
}

/*
 * What was dialled within China.  Without '+', a country code is believed
 * only before numbers that are too long to be local ones, and an area code
 * only after a trunk 0.
 */
static bool
resolve(bool plus, Span digits, int64 *number)
{
	if (plus)
		return international(digits, number);
	if (starts_with(digits, "00"))
		return international(without_first(digits, 2), number);
	if (starts_with(digits, CHINA))
		return chinese_maybe_trunk(without_first(digits, strlen(CHINA)),
								   PHONE_ANY & ~PHONE_SHORT, number);
	if (starts_with(digits, "0"))
		return chinese(without_first(digits, 1), PHONE_TRUNK, number);
	return chinese(digits, PHONE_ANY & ~PHONE_GEOGRAPHIC, number);
}

static char
lower(char c)
{
	return (c >= 'A' && c <= 'Z') ? c - 'A' + 'a' : c;
}

/* Whether the bytes at p begin with a lower-case word, in any case. */
static bool
begins_with(const char *p, const char *end, const char *word)
{
	for (; *word != '\0'; word++, p++)
	{
		if (p == end || lower(*p) != *word)
			return false;
	}
	return true;
}

static Span
digits_of(const Dialled *dialled)
{
	return (Span) {dialled->digits, dialled->digits + dialled->count};
}

/* Whether only a country code has been read so far. */
static bool
after_country_code(const Dialled *dialled)
{
	int			length = dialled->count;

	if (!dialled->plus)
	{
		if (!starts_with(digits_of(dialled), "00"))
			return false;
		length -= 2;
	}
	return length >= 1 && length <= MAX_COUNTRY_CODE;
}

/*
 * Takes the digits out of a user part: skips separators, and drops the "(0)"
 * that stands for a trunk prefix not dialled from abroad.  Dashes and dots
 * separate digits only; brackets may also surround them.
 */
static bool
read_digits(Span user, Dialled *dialled)
{
	const char *p = user.begin;

	memset(dialled, 0, sizeof(*dialled));
	while (p < user.end)
	{
		if (is_digit(*p))
		{
			if (dialled->count == MAX_DIALLED)
				return false;
			dialled->digits[dialled->count++] = *p++;
		}
		else if ((*p == '+' || begins_with(p, user.end, "%2b")) &&
				 !dialled->plus && dialled->count == 0)
		{
			dialled->plus = true;
			p += (*p == '+') ? 1 : 3;
		}
		else if (begins_with(p, user.end, "(0)") &&
				 after_country_code(dialled))
			p += 3;
		else if (is_blank(*p) || *p == '(' || *p == ')')
			p++;
		else if ((*p == '-' || *p == '.') &&
				 dialled->count > 0 && p + 1 < user.end)
			p++;
		else
			return false;
	}
	return dialled->count > 0;
}

/* What most numbers are: digits, perhaps after '+', and nothing else. */
static bool
is_plain(Span text, bool *plus, Span *digits)
{
	*plus = starts_with(text, "+");
	*digits = without_first(text, *plus ? 1 : 0);
	if (length_of(*digits) < 1 || length_of(*digits) > MAX_DIALLED)
		return false;
	for (const char *p = digits->begin; p < digits->end; p++)
	{
		if (!is_digit(*p))
			return false;
	}
	return true;
}

static void
trim(Span *s)
{
	while (s->begin < s->end && is_blank(s->begin[0]))
		s->begin++;
	while (s->begin < s->end && is_blank(s->end[-1]))
		s->end--;
}

/*
 * 'name <address>' is cut to the address.  The last '<' counts, because a
 * quoted name may hold one.
 */
static bool
cut_to_address(Span *s)
{
	const char *open = s->end;
	const char *close;

	while (open > s->begin && open[-1] != '<')
		open--;
	if (open == s->begin)
		return true;
	close = memchr(open, '>', s->end - open);
	if (close == NULL)
		return false;
	s->begin = open;
	s->end = close;
	trim(s);
	return true;
}

static bool
skip_scheme(Span *s, const char *scheme)
{
	if (!begins_with(s->begin, s->end, scheme))
		return false;
	s->begin += strlen(scheme);
	return true;
}

/*
 * An address is cut to its user part: scheme, password, host and parameters
 * go.  A colon begins a password only before a host, in a sip address.
 */
static void
cut_to_user(Span *s)
{
	bool		sip = skip_scheme(s, "sip:") || skip_scheme(s, "sips:");
	bool		host;
	const char *p;

	if (!sip)
		skip_scheme(s, "tel:");

	host = memchr(s->begin, '@', s->end - s->begin) != NULL;
	for (p = s->begin; p < s->end; p++)
	{
		if (*p == '@' || *p == ';' || *p == '?' || (*p == ':' && sip && host))
			break;
	}
	s->end = p;
}

/* Takes the digits out of an address, by name or not, in any notation. */
static bool
read_address(Span text, Dialled *dialled)
{
	trim(&text);
	if (!cut_to_address(&text))
		return false;
	cut_to_user(&text);
	return read_digits(text, dialled);
}

bool
phone_parse(const char *s, size_t len, int64 *number)
{
	Span		text = {s, s + len};
	Span		digits;
	bool		plus;
	Dialled		dialled;

	if (len > MAX_INPUT)
		return false;
	if (is_plain(text, &plus, &digits))
		return resolve(plus, digits, number);
	return read_address(text, &dialled) &&
		resolve(dialled.plus, digits_of(&dialled), number);
}

int
phone_format(int64 number, char *buf)
{
	char		text[PHONE_MAX_TEXT] = "";
	char	   *p = text + sizeof(text) - 1;
	Span		digits = {.end = p};

	do
	{
		*--p = '0' + (char) (number % 10);
		number /= 10;
	} while (number > 0);

	digits.begin = p;
	if (starts_with(digits, CHINA) &&
		(chinese_kind(without_first(digits, strlen(CHINA))) & (PHONE_SERVICE | PHONE_SHORT)))
		p += strlen(CHINA);
	else
		*--p = '+';
	memcpy(buf, p, text + sizeof(text) - p);
	return (int) (text + sizeof(text) - 1 - p);
}

bool
phone_is_canonical(int64 number)
{
	char		buf[PHONE_MAX_TEXT];
	int64		again;

	if (number < 1 || number > INT64CONST(999999999999999))
		return false;
	return phone_parse(buf, phone_format(number, buf), &again) &&
		again == number;
}
