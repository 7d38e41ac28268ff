/*
 * append.h
 *		Rows appended to one of the extension's own tables, in bulk.
 */
#ifndef CCC_APPEND_H
#define CCC_APPEND_H

#include "executor/tuptable.h"

typedef struct Appender Appender;

extern Appender *append_begin(Relation rel);
extern MemoryContext append_memory(const Appender *appender);
extern TupleTableSlot *append_slot(Appender *appender);
extern void append_store(Appender *appender);
extern void append_sync(Appender *appender);
extern void append_end(Appender *appender);

#endif							/* CCC_APPEND_H */
