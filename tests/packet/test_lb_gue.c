// SPDX-License-Identifier: GPL-2.0
/* test_lb_gue.c - packets in GUE, byte for byte. */
#include "tests/packet/gue.h"

TestSuite(lb_gue, .init = gue_setup, .fini = gue_teardown);

Test(lb_gue, by_both_families)
{
	static const struct pkt_spec in[] = {
		{V4},
		{V4, .payload = 100, .tos = 0xb9},
		{V4, UDP},
		{V4, .options = 2},
		{V4, .tag = {7}},
		{V6, .payload = 31, .tos = 0x2},
		{V6, .ext = "hd", .payload = 1},
	};

	GUE_SERVE(GUE_DRAIN, true, "10.0.0.1");
	for (size_t i = 0; i < sizeof(in) / sizeof(*in); i++)
		gue_exact(&in[i], "10.0.0.1", NULL);
	lb_model_del_real(&gue_w.model, &gue_w.model.real[0]);
	gue_real("fd00::1", LB_M_UP);
	gue_commit();
	for (size_t i = 0; i < sizeof(in) / sizeof(*in); i++)
		gue_exact(&in[i], "fd00::1", NULL);
}

Test(lb_gue, source_ports_follow_the_flow)
{
	unsigned int same = 0;

	GUE_SERVE(GUE_DRAIN, false, "10.0.0.1");
	for (unsigned int i = 0; i < GUE_FLOWS; i++) {
		uint16_t port = gue_flow(i, 0).sport;

		cr_expect(eq(u16, gue_flow(i, 0).sport, port));
		same += gue_flow(i + 1, 0).sport == port;
	}
	cr_expect(lt(uint, same, 5));
}

Test(lb_gue, port_of_the_pool)
{
	GUE_SERVE(GUE_DRAIN, false, "10.0.0.1");
	cr_expect(eq(u16, gue_flow(0, 0).dport, GUE_PORT));
	gue_pool(GUE_DRAIN, 16080);
	gue_commit();
	cr_expect(eq(u16, gue_flow(0, 0).dport, 16080));
}

/* Room for the name is kept whether it is there or not: no change of a table moves the path's MTU. */
Test(lb_gue, room_for_the_name)
{
	static const struct {
		const char *to;
		uint16_t most; /* bytes of an IPv4 packet */
	} rows[] = {{"10.0.0.1", 1460}, {"fd00::1", 1428}};
	struct pkt in, out;

	for (size_t i = 0; i < 2; i++) {
		GUE_SERVE(GUE_DRAIN, false, "10.0.0.8");
		lb_model_del_real(&gue_w.model, &gue_w.model.real[0]);
		gue_real(rows[i].to, LB_M_UP);
		gue_commit();
		pkt_build(&in,
			  &(struct pkt_spec){V4, .frag = 0x4000, .payload = rows[i].most - 40});
		cr_expect(eq(int, ptest_send(&gue_w, &in, &out, "fits"), LB_TX));
		pkt_build(&in,
			  &(struct pkt_spec){V4, .frag = 0x4000, .payload = rows[i].most - 39});
		cr_expect(eq(int, ptest_send(&gue_w, &in, &out, "does not"), LB_TX_TOO_BIG));
		lb_model_del_real(&gue_w.model, &gue_w.model.real[0]);
		gue_commit();
	}
}
