/*
 * by_int64.h
 *		A hash table by an int64 key, of core's simplehash.
 *
 * Define SH_PREFIX, SH_ELEMENT_TYPE and SH_KEY, and include this: as often as
 * there are tables. Elements have a uint32 hash and a char status for it.
 */
#include "int64s.h"

#define SH_KEY_TYPE int64
#define SH_HASH_KEY(table, key) hash_of_int64(key)
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"
