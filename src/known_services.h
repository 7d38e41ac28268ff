/*
 * known_services.h
 *		Numbers in service that a session has met, or all that there are, kept for
 *		its next statements.
 */
#ifndef CCC_KNOWN_SERVICES_H
#define CCC_KNOWN_SERVICES_H

#include "numbers.h"

extern uint64 known_services_begin(void);
extern void known_services_add(int64 number, const Service *services, uint64 begun);
extern void known_services_added_all(uint64 begun);
extern bool known_services_all(void);
extern int64 known_services_nread(void);
extern const Service *known_services_find(int64 number, TimestampTz at);
extern void known_services_forget(void);

#endif							/* CCC_KNOWN_SERVICES_H */
