// SPDX-License-Identifier: GPL-2.0
#include "tests/packet/rxrun.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rx.skel.h"

const uint8_t rx_mac[6];

static const char *const names[] = {
#define X(id, name, text) name,
	LB_RX_WHYS(X)
#undef X
};

const char *rxrun_why(enum lb_rx_why why)
{
	return why < LB_RX_WHY_MAX ? names[why] : "wrong";
}

static struct lb_rx_addr addr_key(const char *addr)
{
	struct lb_rx_addr key = {.family = strchr(addr, ':') ? 6 : 4};

	inet_pton(key.family == 6 ? AF_INET6 : AF_INET, addr, key.addr);
	return key;
}

static int allow(struct rxrun *r, uint32_t ifindex, const char *addr, uint32_t len)
{
	struct lb_rx_addr a = addr_key(addr);
	struct lb_rx_from key = {
		.prefixlen = 64 + len, .ifindex = htonl(ifindex), .family = htonl(a.family)};
	uint8_t yes = 1;

	memcpy(key.addr, a.addr, sizeof(key.addr));
	return bpf_map_update_elem(bpf_map__fd(r->skel->maps.rx_from), &key, &yes, BPF_ANY);
}

static int fill(struct rxrun *r)
{
	static const char *const local[] = {RX_LOCAL4, "10.0.0.3", RX_LOCAL6};
	uint8_t yes = 1;

	for (size_t i = 0; i < sizeof(local) / sizeof(*local); i++) {
		struct lb_rx_addr key = addr_key(local[i]);

		if (bpf_map_update_elem(bpf_map__fd(r->skel->maps.rx_local), &key, &yes, BPF_ANY))
			return -1;
	}
	return allow(r, RX_IFINDEX, RX_L4LB4, 32) || allow(r, RX_IFINDEX, "10.9.0.0", 16) ||
	       allow(r, RX_IFINDEX, RX_L4LB6, 128) || allow(r, RX_IFINDEX, "fd00:9::", 32) ||
	       allow(r, RX_IFINDEX + 1, "10.77.0.0", 16);
}

int rxrun_load(struct rxrun *r, struct lb_err *err)
{
	memset(r, 0, sizeof(*r));
	r->cpus = libbpf_num_possible_cpus();
	r->skel = rx_bpf__open_and_load();
	if (!r->skel)
		return lb_fail(err, "loading the receiver: %s", strerror(errno));
	return fill(r) ? lb_fail(err, "filling its maps: %s", strerror(errno)) : 0;
}

void rxrun_unload(struct rxrun *r)
{
	rx_bpf__destroy(r->skel);
	r->skel = NULL;
}

static int wrong(struct rxrun *r, const char *text)
{
	snprintf(r->wrong, sizeof(r->wrong), "%s", text);
	return -1;
}

static int read_counts(struct rxrun *r, struct lb_count *sum)
{
	struct lb_count *each = calloc(r->cpus, sizeof(*each));
	int ret = each ? 0 : -1;

	memset(sum, 0, LB_RX_WHY_MAX * sizeof(*sum));
	for (uint32_t why = 0; !ret && why < LB_RX_WHY_MAX; why++) {
		ret = bpf_map_lookup_elem(bpf_map__fd(r->skel->maps.count_rx), &why, each);
		for (int c = 0; !ret && c < r->cpus; c++) {
			sum[why].packets += each[c].packets;
			sum[why].bytes += each[c].bytes;
		}
	}
	free(each);
	return ret ? wrong(r, "counters cannot be read") : 0;
}

/* One run: the verdict in *verdict, and the one reason that was counted, RXRUN_WRONG: none. */
static int run(struct rxrun *r, const struct bpf_program *prog, const struct pkt *in,
	       struct pkt *out, struct __sk_buff *ctx, uint32_t *verdict, enum lb_rx_why *why)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->b, .data_size_in = in->len,
		    .data_out = out->b, .data_size_out = sizeof(out->b), .repeat = 1, .ctx_in = ctx,
		    .ctx_size_in = ctx ? sizeof(*ctx) : 0);
	uint32_t packets = ctx && ctx->gso_segs ? ctx->gso_segs : 1;
	struct lb_count old[LB_RX_WHY_MAX], new[LB_RX_WHY_MAX];

	r->wrong[0] = 0;
	*why = RXRUN_WRONG;
	if (read_counts(r, old))
		return -1;
	if (bpf_prog_test_run_opts(bpf_program__fd(prog), &opts))
		return wrong(r, "the kernel does not run it");
	out->len = opts.data_size_out;
	*verdict = opts.retval;
	if (read_counts(r, new))
		return -1;
	for (uint32_t i = 0; i < LB_RX_WHY_MAX; i++) {
		if (new[i].packets == old[i].packets &&new[i].bytes == old[i].bytes)
			continue;
		if (*why != RXRUN_WRONG || new[i].packets - old[i].packets != packets ||
		    new[i].bytes - old[i].bytes != in->len)
			return wrong(r, "counted wrongly");
		*why = i;
	}
	return 0;
}

static int unchanged(const struct pkt *in, const struct pkt *out)
{
	return in->len == out->len && !memcmp(in->b, out->b, in->len);
}

static uint32_t verdict_of(enum lb_rx_why why)
{
	if (why == LB_RX_OK_SENT_ON)
		return TC_ACT_REDIRECT;
	return strncmp(names[why], "drop", 4) ? (uint32_t)TC_ACT_UNSPEC : TC_ACT_SHOT;
}

enum lb_rx_why rxrun_send(struct rxrun *r, const struct pkt *in, struct pkt *out,
			  struct __sk_buff *ctx)
{
	enum lb_rx_why why;
	uint32_t verdict;

	if (run(r, r->skel->progs.lb_rx, in, out, ctx, &verdict, &why))
		return RXRUN_WRONG;
	if (why == RXRUN_WRONG)
		wrong(r, "nothing counted");
	else if (verdict != verdict_of(why))
		wrong(r, "the verdict is not the reason's");
	else if (!strncmp(names[why], "pass", 4) && !unchanged(in, out))
		wrong(r, "passed, but changed");
	return r->wrong[0] ? RXRUN_WRONG : why;
}

int rxrun_leave(struct rxrun *r, const struct pkt *in, struct pkt *out)
{
	enum lb_rx_why why;
	uint32_t verdict;

	if (run(r, r->skel->progs.lb_rx_mss, in, out, NULL, &verdict, &why))
		return -1;
	if (verdict != (uint32_t)TC_ACT_UNSPEC)
		return wrong(r, "a verdict");
	if (why != RXRUN_WRONG && why != LB_RX_OK_MSS)
		return wrong(r, "counted as something else");
	if (why == RXRUN_WRONG && !unchanged(in, out))
		return wrong(r, "changed, but not counted");
	return why == LB_RX_OK_MSS;
}

int rxrun_dev(struct rxrun *r, uint32_t mss, uint32_t mtu, struct lb_err *err)
{
	struct lb_rx_dev dev = {.mss = mss,
				.mtu = mtu,
				.gue_port = htons(RX_GUE_PORT),
				.version = LB_RX_ABI_VERSION};
	uint32_t key = RX_IFINDEX;

	if (bpf_map_update_elem(bpf_map__fd(r->skel->maps.rx_dev), &key, &dev, BPF_ANY))
		return lb_fail(err, "rx_dev: %s", strerror(errno));
	return 0;
}

int rxrun_number(struct rxrun *r, uint8_t dscp, const char *vip, struct lb_err *err)
{
	struct lb_rx_addr value = addr_key(vip);
	struct lb_rx_number key = {.ifindex = RX_IFINDEX, .family = value.family, .dscp = dscp};

	if (bpf_map_update_elem(bpf_map__fd(r->skel->maps.rx_dscp), &key, &value, BPF_ANY))
		return lb_fail(err, "rx_dscp: %s", strerror(errno));
	return 0;
}

uint32_t rxrun_vip(struct rxrun *r, const char *addr)
{
	struct lb_rx_addr key = addr_key(addr);
	struct lb_rx_vip vip;

	return bpf_map_lookup_elem(bpf_map__fd(r->skel->maps.rx_vip), &key, &vip) ? 0
										  : vip.outer_len;
}

int rxrun_set_vip(struct rxrun *r, const char *addr, uint32_t outer_len, struct lb_err *err)
{
	struct lb_rx_addr key = addr_key(addr);
	struct lb_rx_vip vip = {.outer_len = outer_len};

	if (bpf_map_update_elem(bpf_map__fd(r->skel->maps.rx_vip), &key, &vip, BPF_ANY))
		return lb_fail(err, "rx_vip: %s", strerror(errno));
	return 0;
}

void rx_mend_outer(struct pkt *p)
{
	uint8_t *ip = p->b + ETH_HLEN;
	uint32_t len = (ip[0] & 15) * 4;
	uint16_t sum;

	if (p->b[12] != 8 || p->b[13] || len < 20 || ETH_HLEN + len > p->len)
		return;
	ip[10] = ip[11] = 0;
	sum = pkt_fold(pkt_sum(ip, len));
	ip[10] = sum >> 8;
	ip[11] = sum;
}

void rx_build(struct pkt *p, const struct pkt_spec *outer, const struct pkt_spec *inner)
{
	struct pkt_spec s = *outer;
	struct pkt in;

	if (!s.dmac)
		s.dmac = rx_mac;
	if (!s.src)
		s.src = strchr(s.dst, ':') ? RX_L4LB6 : RX_L4LB4;
	if (inner) {
		pkt_build(&in, inner);
		if (!s.proto)
			s.proto = strchr(inner->dst, ':') ? IPPROTO_IPV6 : IPPROTO_IPIP;
		s.payload = in.len - ETH_HLEN;
	}
	pkt_build(p, &s);
	if (inner) {
		uint32_t kept = s.keep == PKT_NONE ? 0 : s.keep ? s.keep : s.payload;

		memcpy(p->b + p->len - s.pad - kept, in.b + ETH_HLEN, kept);
	}
	if (s.code)
		p->b[ETH_HLEN + 10] ^= s.code;
}
