/* SPDX-License-Identifier: GPL-2.0 */
/* The metrics, one table of them. Names after https://prometheus.io/docs/practices/naming/ */
#include <inttypes.h>
#include <string.h>

#include "lbtool/export.h"
#include "lib/version.h"

/* What a metric has a line for. */
enum of { NODE, DEV, POOL, VIP, VIP_SESSION, REAL, REAL_STATE, WHY, RX };

struct metric {
	const char *name, *type, *help;
	enum of of;
	uint64_t (*value)(const struct export *e, size_t i);
};

#define STATES 3u /* of lb_state_names[] */

static uint64_t one(const struct export *e, size_t i)
{
	(void)e, (void)i;
	return 1;
}

static uint64_t commits(const struct export *e, size_t i)
{
	(void)i;
	return e->r.info.commits;
}

static uint64_t drained(const struct export *e, size_t i)
{
	(void)i;
	return e->drained;
}

static uint64_t entries(const struct export *e, size_t i)
{
	(void)i;
	return e->sessions;
}

static uint64_t entries_max(const struct export *e, size_t i)
{
	(void)i;
	return e->r.info.sessions;
}

static uint64_t slots_used(const struct export *e, size_t i)
{
	(void)i;
	return e->r.info.slots_used;
}

static uint64_t slots_max(const struct export *e, size_t i)
{
	(void)i;
	return e->r.info.limits.slots;
}

static uint64_t pool_min(const struct export *e, size_t i)
{
	return e->r.model.pool[i].min;
}

static uint64_t pool_reals(const struct export *e, size_t i)
{
	size_t n;

	lb_model_pool_reals(&e->r.model, e->r.model.pool[i].name, &n);
	return n;
}

static uint64_t pool_healthy(const struct export *e, size_t i)
{
	return lb_pool_healthy(&e->r.model, &e->r.model.pool[i]);
}

static uint64_t pool_panics(const struct export *e, size_t i)
{
	return lb_pool_panics(&e->r.model, &e->r.model.pool[i]);
}

static uint64_t vip_packets(const struct export *e, size_t i)
{
	return e->r.vip[i].packets;
}

static uint64_t vip_bytes(const struct export *e, size_t i)
{
	return e->r.vip[i].bytes;
}

static uint64_t vip_hits(const struct export *e, size_t i)
{
	return e->r.vip[i].hits;
}

static uint64_t vip_misses(const struct export *e, size_t i)
{
	return e->r.vip[i].misses;
}

static uint64_t real_up(const struct export *e, size_t i)
{
	return e->r.model.real[i].health != LB_M_SICK;
}

static uint64_t real_weight(const struct export *e, size_t i)
{
	return e->r.model.real[i].weight;
}

static uint64_t real_slots(const struct export *e, size_t i)
{
	return e->r.slots[i];
}

static uint64_t real_state(const struct export *e, size_t i)
{
	return e->r.model.real[i / STATES].state == i % STATES;
}

static uint64_t real_packets(const struct export *e, size_t i)
{
	return e->r.real[i].packets;
}

static uint64_t real_bytes(const struct export *e, size_t i)
{
	return e->r.real[i].bytes;
}

static uint64_t why_packets(const struct export *e, size_t i)
{
	return e->r.why[i].packets;
}

static uint64_t why_bytes(const struct export *e, size_t i)
{
	return e->r.why[i].bytes;
}

static uint64_t rx_packets(const struct export *e, size_t i)
{
	return e->r.rx[i].packets;
}

static uint64_t rx_bytes(const struct export *e, size_t i)
{
	return e->r.rx[i].bytes;
}

#define C "counter"
#define G "gauge"

/* clang-format off */
static const struct metric metrics[] = {
	{"lb_info", G, "The balancer that is loaded.", NODE, one},
	{"lb_commits_total", C, "Changes of the configuration.", NODE, commits},
	{"lb_node_drained", G, "1 while the node announces no VIP, as told.", NODE, drained},
	{"lb_session_entries", G, "Entries of the session cache in use.", NODE, entries},
	{"lb_session_entries_max", G, "Entries that the session cache has room for.", NODE, entries_max},
	{"lb_table_slots", G, "Slots of the live hash tables.", NODE, slots_used},
	{"lb_table_slots_max", G, "Slots that there is room for, new and old tables.", NODE, slots_max},
	{"lb_dev_attached", G, "1 for each device that the program is attached to.", DEV, one},
	{"lb_pool_info", G, "The digest of the pool's table, equal on all nodes that choose alike.", POOL, one},
	{"lb_pool_min", G, "Healthy reals that an announcement of the pool's VIPs needs.", POOL, pool_min},
	{"lb_pool_reals", G, "Reals of the pool.", POOL, pool_reals},
	{"lb_pool_reals_healthy", G, "Reals of the pool that may serve.", POOL, pool_healthy},
	{"lb_pool_panicking", G, "1 while too few reals are up for health to be heeded.", POOL, pool_panics},
	{"lb_vip_packets_total", C, "Packets that came for the service.", VIP, vip_packets},
	{"lb_vip_bytes_total", C, "Bytes of frames that came for the service.", VIP, vip_bytes},
	{"lb_vip_session_hits_total", C, "Packets whose real the session cache knew.", VIP_SESSION, vip_hits},
	{"lb_vip_session_misses_total", C, "Packets that the session cache left to the table.", VIP_SESSION, vip_misses},
	{"lb_real_packets_total", C, "Packets sent to the real.", REAL, real_packets},
	{"lb_real_bytes_total", C, "Bytes of frames sent to the real, as they came.", REAL, real_bytes},
	{"lb_real_up", G, "0 when the real's checks failed, else 1.", REAL, real_up},
	{"lb_real_weight", G, "The real's weight.", REAL, real_weight},
	{"lb_real_slots", G, "Slots of its pool's table that the real has.", REAL, real_slots},
	{"lb_real_state", G, "1 for the state that the administrator gave the real.", REAL_STATE, real_state},
	{"lb_why_packets_total", C, "Packets by what became of them.", WHY, why_packets},
	{"lb_why_bytes_total", C, "Bytes of frames by what became of them.", WHY, why_bytes},
	{"lb_rx_packets_total", C, "Packets at the receiver by what became of them.", RX, rx_packets},
	{"lb_rx_bytes_total", C, "Bytes at the receiver by what became of them.", RX, rx_bytes},
};
/* clang-format on */

static size_t count(const struct export *e, enum of of)
{
	const struct lb_model *m = &e->r.model;

	switch (of) {
	case NODE:
		return e->lb;
	case DEV:
		return e->devs.n;
	case POOL:
		return m->pools;
	case VIP:
	case VIP_SESSION:
		return m->vips;
	case REAL:
		return m->reals;
	case REAL_STATE:
		return m->reals * STATES;
	case WHY:
		return e->lb ? reasons_lb.count() : 0;
	case RX:
		return e->rx ? reasons_rx.count() : 0;
	}
	return 0;
}

/* Has this one a line? */
static bool has(const struct export *e, enum of of, size_t i)
{
	if (of == DEV)
		return e->devs.ours[i];
	if (of == VIP_SESSION)
		return e->r.model.vip[i].session && e->r.info.sessions;
	return of != WHY || i >= reasons_lb.first;
}

static void label(FILE *to, const char *key, const char *value)
{
	fprintf(to, ",%s=\"", key);
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			fputc('\\', to);
		if (*value == '\n')
			fputs("\\n", to);
		else
			fputc(*value, to);
	}
	fputc('"', to);
}

static void label_vip(FILE *to, const struct lb_m_vip *v)
{
	char name[LB_SERVICE_STRLEN];

	format_service(&v->svc, name);
	label(to, "vip", name);
	label(to, "pool", v->pool);
}

static void label_real(FILE *to, const struct lb_m_real *r)
{
	char name[LB_ADDR_STRLEN];

	format_addr(&r->addr, name);
	label(to, "real", name);
	label(to, "pool", r->pool);
}

static void labels(const struct export *e, const struct metric *m, size_t i, FILE *to)
{
	const struct lb_model *model = &e->r.model;
	char digest[17];

	switch (m->of) {
	case NODE:
		if (m->value != one)
			break;
		label(to, "version", LB_VERSION);
		label(to, "object", e->r.info.object);
		break;
	case DEV:
		label(to, "dev", e->devs.link[i].name);
		label(to, "mode", lb_xdp_mode_names[devs_mode(&e->devs.link[i])]);
		break;
	case POOL:
		label(to, "pool", model->pool[i].name);
		if (m->value != one)
			break;
		snprintf(digest, sizeof(digest), "%016" PRIx64, e->digest[i]);
		label(to, "digest", digest);
		break;
	case VIP:
	case VIP_SESSION:
		label_vip(to, &model->vip[i]);
		break;
	case REAL:
		label_real(to, &model->real[i]);
		break;
	case REAL_STATE:
		label_real(to, &model->real[i / STATES]);
		label(to, "state", lb_state_names[i % STATES]);
		break;
	case WHY:
		label(to, "why", reasons_lb.name((uint32_t)i));
		break;
	case RX:
		label(to, "why", reasons_rx.name((uint32_t)i));
	}
}

static void write_metric(const struct export *e, const struct metric *m, FILE *to)
{
	size_t n = count(e, m->of), i = 0;

	while (i < n && !has(e, m->of, i))
		i++;
	if (i == n)
		return;
	fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, m->type);
	for (; i < n; i++) {
		if (!has(e, m->of, i))
			continue;
		fprintf(to, "%s{lb=\"%s\"", m->name, e->instance);
		labels(e, m, i, to);
		fprintf(to, "} %" PRIu64 "\n", m->value(e, i));
	}
}

void export_write(const struct export *e, FILE *to)
{
	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
		write_metric(e, &metrics[i], to);
}
