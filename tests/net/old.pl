# SPDX-License-Identifier: GPL-2.0
#
# old.pl FILE... - for old.sh: turns the order of members around in records of maps, and makes some members wider.
use strict;
use warnings;

# Not lb_slot: the program reads both of its members at once.
my @records = qw(lb_svc lb_bucket4 lb_bucket6 lb_pool lb_check_conf lb_real_half lb_real lb_real_health lb_peers
	lb_dev lb_count lb_count_vip lb_source);

sub turn { join '', reverse $_[0] =~ /\s*(?:union \{.*?\n\t\}|[^;{]*);/gs }

undef $/;
for my $file (@ARGV) {
	open my $in, '<', $file or die "$file: $!\n";
	local $_ = <$in>;
	s|/\*.*?\*/||gs;
	s/(#define LB_ABI_VERSION )(\d+)/$1 . ($2 - 1)/e;
	# Up to ABI 7 the live half of the services was that of the pools. Goes when the version before is 8.
	s/\bin_buckets\b/placed/g;
	s/return root >> 31;/return root & 1;/;
	s/if \(meta->placed\[c->services\] != hash\)/if (hash)/;
	s/ \| c\.services << 31//;
	die "$file: the services' half stayed apart\n" if /return root >> 31|in_buckets|services << 31/ ||
		$file =~ /lb_abi/ && !/return root & 1;/ || $file =~ /maps_place/ && !/if \(hash\)/;
	# Their sizes are others; the statement about the version's place stays.
	s/_Static_assert\(sizeof\([^\n]*(\n\t[^\n]*)?;\n//g;
	s/__u16 min;/__u32 min;/;
	s/__u16 weight;/__u32 weight;/;
	s/(struct lb_real \{)/$1\n\t__u32 former;/;
	s/char why\[48\];/char why[56];/;
	for my $name (@records) {
		s/(struct $name \{)(.*?)(\n\};)/$1 . turn($2) . $3/es;
	}
	# The first line is the packets', and every version has its number at one place.
	s/(__u32 magic, version;)(.*?)(\n\};)/$1 . turn($2) . $3/es;
	open my $out, '>', $file or die "$file: $!\n";
	print $out $_;
}
