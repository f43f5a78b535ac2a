/* SPDX-License-Identifier: GPL-2.0 */
/* csum.h - one's complement sums on words as they lie in memory (RFC 1071), mended as the words change. */
#ifndef LB_CSUM_H
#define LB_CSUM_H

#include <linux/types.h>

#include <bpf/bpf_helpers.h>

static __always_inline __u16 lb_csum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* RFC 1624, equation 3. */
static __always_inline __u16 lb_csum_replace(__u16 csum, __u16 was, __u16 is)
{
	return ~lb_csum_fold((__u16)~csum + (__u16)~was + is);
}

/* A sum of words of 16 or 32 bits, as one of 32. */
static __always_inline __u32 lb_csum_32(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (sum & 0xffffffff) + (sum >> 32);
}

/* lb_csum_replace() for many words: `more` is the sum of those that came and of the complements of those that went. */
static __always_inline __u16 lb_csum_mend(__u16 csum, __u64 more)
{
	more += (__u16)~csum;
	more = (more & 0xffffffff) + (more >> 32);
	return ~lb_csum_fold((more & 0xffff) + (more >> 16));
}

#endif
