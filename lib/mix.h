/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mix.h - one to one, and every bit reaches every bit: David Stafford's variant 13 of the MurmurHash3 finalizer
 * ("Better Bit Mixing", 2011). 0 stays 0. Not for what an adversary chooses.
 */
#ifndef LIB_MIX_H
#define LIB_MIX_H

#include <stdint.h>

static inline uint64_t lb_mix64(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

#endif
