/*
 * json_size.h
 *		How long a jsonb is as text, without making that text.
 */
#ifndef CCC_JSON_SIZE_H
#define CCC_JSON_SIZE_H

#include "utils/jsonb.h"

extern bool json_exceeds(Jsonb *json, int64 max_bytes);

#endif							/* CCC_JSON_SIZE_H */
