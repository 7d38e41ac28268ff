/*
 * purge.h
 *		Records deleted without taking their charges back.
 */
#ifndef CCC_PURGE_H
#define CCC_PURGE_H

extern bool purging(Oid relid);

#endif							/* CCC_PURGE_H */
