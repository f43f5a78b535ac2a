/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A commit: the next configuration is written where no packet looks, then one store makes it the live one.
 * The order of the steps is the proof (see the top of bpf/lb_abi.h): grace period, ids, reals, tables, the other half of pools
 * and services, root.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/maps_commit.h"
#include "lib/ring.h"

/*
 * Returns when every packet that began before has ended: a program runs inside an RCU read section, and
 * this command waits for a grace period. It is refused on kernels with nohz_full CPUs: there a long sleep has to do.
 */
void lb_wait_for_packets(void)
{
	const struct timespec long_for_a_packet = {.tv_nsec = 200000000};

	if (syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		nanosleep(&long_for_a_packet, NULL);
}

uint32_t lb_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint32_t)now.tv_sec;
}

/* The other half of all reals: what `to` has, and nothing in the rest. */
static int write_reals(struct commit *c)
{
	static const uint8_t state[] = {[LB_M_UP] = LB_STATE_UP,
					[LB_M_DRAIN] = LB_STATE_DRAIN,
					[LB_M_DOWN] = LB_STATE_DOWN};
	struct lb_real_half *half = calloc(c->maps->meta->reals, sizeof(*half));
	size_t i;

	if (!half)
		return lb_no_memory(c);
	for (i = 0; i < c->to->reals; i++) {
		const struct lb_m_real *r = &c->to->real[i];

		half[r->id].weight = r->weight;
		half[r->id].mptcp = htons(r->mptcp);
		half[r->id].state = state[r->state];
	}
	for (i = 0; i < c->maps->meta->reals; i++)
		if (memcmp(&c->maps->real[i].half[c->next], &half[i], sizeof(*half)))
			c->maps->real[i].half[c->next] = half[i];
	free(half);
	return 0;
}

static int write_tables(struct commit *c)
{
	size_t i;

	c->table = calloc(c->to->pools + 1, sizeof(*c->table));
	if (!c->table || lb_table_ranges(c, c->to->pools))
		return lb_no_memory(c);
	for (i = 0; i < c->to->pools; i++) {
		int made = lb_table_make(c, &c->to->pool[i], &c->table[i]);

		if (made < 0)
			return -1;
		c->table[i].made = made;
	}
	return 0;
}

/*
 * Before the commit, lest a kill leave an old date beside a new table, and after it: packets may have dated it by the old
 * table meanwhile.
 */
static void date_tables(const struct commit *c)
{
	for (size_t i = 0; i < c->to->pools; i++)
		if (c->table[i].made)
			__atomic_store_n(&c->maps->mixed[c->to->pool[i].id], 0, __ATOMIC_RELEASE);
}

static int write_pools(struct commit *c)
{
	uint32_t n = c->maps->meta->pools;
	struct lb_pool *half = calloc(n, sizeof(*half));
	size_t i;

	if (!half)
		return lb_no_memory(c);
	for (i = 0; i < c->to->pools; i++) {
		const struct lb_m_pool *p = &c->to->pool[i];

		half[p->id].table = c->table[i].at;
		half[p->id].built = c->table[i].built;
		half[p->id].slots = p->slots;
		half[p->id].settled = c->table[i].settled;
		half[p->id].drain = p->drain;
		half[p->id].gue_port = htons(p->gue_port);
		half[p->id].encap = (uint8_t)p->encap;
		half[p->id].min = p->min;
		half[p->id].panic = p->panic;
		strcpy(half[p->id].name, p->name);
		lb_check_put(&c->maps->check[c->next * n + p->id], &p->check);
	}
	for (i = 0; i < n; i++)
		if (memcmp(&c->maps->pool[c->next * n + i], &half[i], sizeof(*half)))
			c->maps->pool[c->next * n + i] = half[i];
	free(half);
	return 0;
}

/* The peers, in the model's order, and their table: whoever has the same list has the same bytes. And the outer sources. */
static int write_node(struct commit *c)
{
	struct lb_member member[LB_M_PEERS_MAX];
	struct lb_peers *to = &c->maps->peers[c->next], half = {.n = (uint32_t)c->to->peers};
	struct lb_source source;
	uint16_t slot[LB_PEER_SLOTS];
	size_t i, n = c->to->peers;

	for (i = 0; i < n; i++) {
		member[i] = (struct lb_member){.addr = c->to->peer[i], .weight = 1};
		half.peer[i].family = member[i].addr.family;
		half.peer[i].encap = LB_ENCAP_GUE;
		half.peer[i].port = htons(LB_GUE_PORT_DEFAULT);
		memcpy(half.peer[i].addr, member[i].addr.b, sizeof(half.peer[i].addr));
	}
	if (n && lb_ring_build(member, n, LB_PEER_SLOTS, c->to->seed, slot, c->err))
		return -1;
	for (i = 0; n && i < LB_PEER_SLOTS; i++)
		half.slot[i] = (uint8_t)slot[i];
	if (memcmp(to, &half, sizeof(half)) != 0)
		*to = half;
	if (c->maps->meta->peers[c->next] != n)
		c->maps->meta->peers[c->next] = (uint8_t)n;
	lb_source_put(&source, c->to);
	if (memcmp(&c->maps->meta->source[c->next], &source, sizeof(source)) != 0)
		c->maps->meta->source[c->next] = source;
	return 0;
}

int lb_maps_commit(struct lb_maps *maps, const struct lb_model *from, struct lb_model *to,
		   struct lb_err *err)
{
	uint32_t root = maps->meta->root;
	struct commit c = {
		.maps = maps,
		.from = from,
		.to = to,
		.live = root & 1,
		.next = (root + 1) & 1,
		.services = lb_root_services(root),
		.now = lb_seconds(),
		.err = err,
	};
	int ret = -1;

	lb_maps_health_again(maps);
	lb_wait_for_packets();
	if (lb_commit_ids(&c))
		goto out;
	lb_model_health(to);
	if (write_reals(&c) || write_tables(&c) || write_pools(&c) || lb_commit_services(&c) ||
	    write_node(&c))
		goto out;
	date_tables(&c);
	root = ((root + 1) & LB_ROOT_COMMITS) | c.services << 31;
	__atomic_store_n(&maps->meta->root, root, __ATOMIC_RELEASE);
	date_tables(&c);
	ret = 0;
out:
	free(c.table);
	lb_table_ranges_free(&c);
	return ret;
}
