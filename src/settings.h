/*
 * settings.h
 *		The extension's own settings.
 */
#ifndef CCC_SETTINGS_H
#define CCC_SETTINGS_H

extern bool setting_replay;

#endif							/* CCC_SETTINGS_H */
