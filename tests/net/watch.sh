# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# watch.sh - an independent witness: what the router sees of the VIPs' packets, counted by nftables
# there, and how a spread is judged and drawn. Belongs to lib.sh.

# Needs load_conf. Counters: to_NODE, client packets that the router gave to this L4LB; tunnel_NODE,
# tunnels' packets to this L7LB; direct, replies from L7LBs to clients; astray, replies that came
# from or went to an L4LB. lbmon's packets are not in these, but in checks (the tunnels), answers, and
# own (to a VIP without a tunnel: the kernel's reset when a FIN comes after the socket was closed has
# no mark); bgp is what the router itself says to L4LBs. Sets on_ip, on_ip6: which L4LB has which flow.
watch_start() {
	local node

	{
		echo "table inet watch {"
		for node in $(l4lbs); do echo "counter to_${node/-/_} {}"; done
		for node in $(l7lbs); do echo "counter tunnel_${node/-/_} {}"; done
		for node in direct astray checks answers own bgp; do echo "counter $node {}"; done
		for node in ip ip6; do
			echo "set on_$node { typeof meta oifname . $node saddr . tcp sport"
			echo "	flags dynamic; size 65535; }"
		done
		echo "chain own { type filter hook output priority 0"
		echo "tcp sport 179 oifname l4-* counter name bgp"
		echo "}"
		echo "chain look { type filter hook forward priority 0"
		watch_checks
		watch_rules ip "$VIP4"
		watch_rules ip6 "$VIP6"
		for node in $(l7lbs); do
			echo "meta l4proto { 4, 41 } oifname $node counter name tunnel_${node/-/_}"
		done
		echo "}"
		echo "}"
	} | in_node r1 nft -f -
}

# nft does not know IPIP: the source of the inner packet, by its place. The first bytes of L4_NETS.
watch_checks() {
	local count='counter name checks accept'

	cat <<-END
		ip protocol 4 @nh,256,16 0x0a04 $count
		ip protocol 41 @nh,224,48 0x20010db80004 $count
		ip6 nexthdr 4 @nh,416,16 0x0a04 $count
		ip6 nexthdr 41 @nh,384,48 0x20010db80004 $count
		ip saddr ${L4_NETS% *} ip daddr $VIP4 counter name own accept
		ip6 saddr ${L4_NETS#* } ip6 daddr $VIP6 counter name own accept
		iifname "l7-*" meta l4proto tcp ip daddr ${L4_NETS% *} counter name answers accept
		iifname "l7-*" meta l4proto tcp ip6 daddr ${L4_NETS#* } counter name answers accept
	END
}

watch_rules() { # ip|ip6 VIP
	local node

	for node in $(l4lbs); do
		echo "$1 daddr $2 oifname $node counter name to_${node/-/_}"
	done
	cat <<-END
		$1 daddr $2 update @on_$1 { meta oifname . $1 saddr . tcp sport }
		$1 saddr $2 iifname "l7-*" oifname "c*" counter name direct
		$1 saddr $2 iifname "l4-*" counter name astray
		$1 saddr $2 oifname "l4-*" counter name astray
	END
}

watch_forget() { # which L4LB had which flow
	in_node r1 nft flush set inet watch on_ip
	in_node r1 nft flush set inet watch on_ip6
}

watch_packets() { # COUNTER... : their sum
	local name list

	list=$(in_node r1 nft list counters)
	for name; do echo "$name"; done | awk '
		NR == FNR { want[$1] = 1; next }
		$1 == "counter" { name = $2 }
		$1 == "packets" && name in want { sum += $2 }
		END { print sum + 0 }' - <(echo "$list")
}

# Each flow seen since watch_forget, a line each: L4LB, client, port.
watch_flows() {
	in_node r1 nft list table inet watch |
		grep -o '"l4-[0-9]*" \. [^ ,]* \. [0-9]*' | tr -d '".' | sed 's/  */ /g'
}

watch_flows_on() { # NODE, or nothing for all
	watch_flows | awk -v n="${1:-}" 'n == "" || $1 == n { c++ } END { print c + 0 }'
}

# Pearson's chi-square of "NAME COUNT" lines against "NAME SHARE" lines, with the bound that chance
# passes once in a million (Wilson and Hilferty's approximation, 1931).
spread_is_fair() { # COUNTS SHARES
	awk 'NR == FNR { got[$1] = $2; n += $2; next }
		$2 == 0 { if (got[$1]) exit bad = 1; next }
		{ e = n * $2; x += (got[$1] - e) ^ 2 / e; k++; sum += $2 }
		END {
			k -= 1
			h = k ? 2 / (9 * k) : 1
			exit bad || !n || sum < 0.999 || x > k * (1 - h + 4.75 * sqrt(h)) ^ 3
		}' "$1" "$2"
}

# One bar a line, "|" where the expected share ends.
bars() { # COUNTS SHARES TITLE
	awk -v title="$3" 'NR == FNR { got[$1] = $2; n += $2; next }
		{ name[++k] = $1; want[k] = $2; if ($2 > top) top = $2 }
		$1 in got && n && got[$1] / n > top { top = got[$1] / n }
		END {
			printf "  %-7s %-40s %8s %8s %9s\n", title, "", "got", "share", "expected"
			for (i = 1; i <= k; i++) {
				share = n ? got[name[i]] / n : 0
				len = top ? int(38 * share / top + 0.5) : 0
				mark = top ? int(38 * want[i] / top + 0.5) : 0
				line = ""
				for (c = 1; c <= 40; c++)
					line = line (c == mark ? "|" : c <= len ? "#" : " ")
				printf "  %-7s %s %8d %6.1f %% %7.1f %%\n", name[i], line,
					got[name[i]], 100 * share, 100 * want[i]
			}
			print ""
		}' "$1" "$2"
}
