/*
 * module.c
 *		The loadable module and its settings.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"

#include "compat.h"
#include "settings.h"

PG_MODULE_MAGIC;

bool		setting_replay = true;

extern void _PG_init(void);

void
_PG_init(void)
{
	DefineCustomBoolVariable("ccc_billing.replay",
							 "Charges calls again where late records and corrections make it necessary.",
							 "Off for a mass import; ccc.replay() makes up for it afterwards.",
							 &setting_replay, true, PGC_SUSET, 0,
							 NULL, NULL, NULL);
	MarkGUCPrefixReserved("ccc_billing");
}
