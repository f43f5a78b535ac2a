# SPDX-License-Identifier: GPL-2.0
#
# make             build lbtool, lbmon     make deps        install what build and tests need (Debian 12)
# make check       all tests, as root      make demo        a whole data centre on this machine, as root
# make install     DESTDIR= PREFIX=        make lab, unlab  the demo's network, to try things in
# make bench       CASES='tcp4-1 syn'      make lint        style and static checks
# make sanitize    ASan, UBSan, valgrind   make fuzz        TIME= seconds for each target
# make deb         a Debian package, in build/deb
#
# B is the build directory: `make B=build/clang CC=clang` stands beside the default one. V=1 shows the commands.

PREFIX   ?= /usr/local
SBINDIR  ?= $(PREFIX)/sbin
MANDIR   ?= $(PREFIX)/share/man
DOCDIR   ?= $(PREFIX)/share/doc/lb
DATADIR  ?= $(PREFIX)/share/lb
BASHDIR  ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR   ?= $(PREFIX)/share/zsh/site-functions
B        ?= build
TIME     ?= 60
ifeq ($(origin CC),default)
CC        = gcc
endif
CLANG    ?= clang
# Not in the PATH of everybody.
BPFTOOL  ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)

CFLAGS   ?= -O2 -g
CSTD      = -std=gnu11
WARN      = -Wall -Wextra -Wmissing-prototypes -Wshadow -Wformat=2 $(WERROR)
INCLUDES  = -D_GNU_SOURCE -I. -I$(B)
LIBS      = -lbpf -lelf -lmnl -ljansson
LIBS_MON  = -lcurl -lcap-ng
COMPILE   = $(CC) $(CSTD) $(INCLUDES) $(CPPFLAGS) $(CFLAGS) $(WARN)
# Debian keeps <asm/types.h> in a directory of the machine's triplet, where clang -target bpf does not look.
TRIPLET  := $(shell $(CC) -print-multiarch 2>/dev/null || gcc -print-multiarch 2>/dev/null)
# The object's hash is shown by `lbtool prog show`: it must not depend on where the tree lies.
BPFFLAGS  = -O2 -g -target bpf -mcpu=v3 -std=gnu11 -Wall -Wextra -Werror -Wno-unused-function \
	    -fdebug-compilation-dir=. -I. $(addprefix -I/usr/include/,$(TRIPLET))

DEPS_BUILD = make gcc libc6-dev clang bpftool libbpf-dev libelf-dev libmnl-dev libjansson-dev \
	     libcurl4-openssl-dev libcap-ng-dev
DEPS_TEST  = libcriterion-dev perl iproute2 ethtool nftables iputils-ping procps nginx-light curl openssl jq \
	     mandoc tcpdump tshark python3 exabgp bird2 frr dnsmasq-base bind9-dnsutils ngtcp2-client ngtcp2-server \
	     systemd strace zsh python3-jsonschema git
DEPS_DEB   = dpkg-dev debhelper fakeroot
DEPS_DEV   = lintian clang-format clang-tidy cppcheck shellcheck universal-ctags valgrind libclang-rt-14-dev
# For one target alone.
DEPS_PLOTS = gnuplot-nox

ifeq ($(V),1)
say       =
else
say       = @printf '  %-7s %s\n' $(1) '$@';
endif

objects   = $(patsubst %.c,$(B)/o/%.o,$(wildcard $(1)))
LIB_O    := $(call objects,lib/*.c)
LBTOOL_O := $(call objects,lbtool/*.c)
LBMON_O  := $(call objects,lbmon/*.c)
BPF_O    := $(patsubst %.c,$(B)/%.o,$(wildcard bpf/*.bpf.c))
SKEL     := $(patsubst bpf/%.bpf.c,$(B)/%.skel.h,$(wildcard bpf/*.bpf.c)) $(B)/object_hash.h
UNIT     := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/test_*.c))
PACKET   := $(patsubst %.c,$(B)/%,$(wildcard tests/packet/test_*.c))
PACKET_O := $(call objects,$(filter-out tests/packet/test_% tests/packet/wire%,$(wildcard tests/packet/*.c)))
# Not a test: writes packets for one of tests/net to judge.
WIRE     := $(B)/tests/packet/wire
# A unit test is linked with the files beside it whose headers it includes.
unit_o    = $(call objects,$(shell sed -n 's/^.include "\(tests\/.*\)\.h"/\1.c/p' $(1)))
BENCH    := $(patsubst %.c,$(B)/%,$(shell grep -ls '^int main' tests/bench/*.c)) \
	    $(patsubst %.c,$(B)/%.o,$(wildcard tests/bench/*.bpf.c))
BENCH_O  := $(filter-out $(BENCH:$(B)/%=$(B)/o/%.o) %.bpf.o,$(call objects,tests/bench/*.c))
# What is in tests/net is programs of one file each, and programs for the kernel.
TOOLS    := $(patsubst %.c,$(B)/%,$(filter-out %.bpf.c,$(wildcard tests/net/*.c))) \
	    $(patsubst %.c,$(B)/%.o,$(wildcard tests/net/*.bpf.c))
# An lbtool and an lbmon of another ABI version, to be upgraded.
OLD      := $(B)/tests/net/old/lbtool
FUZZ     := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/fuzz_*.c))

all: $(B)/lbtool $(B)/lbmon

# Build ------------------------------------------------------------------------------------------

$(B)/lbtool: $(LBTOOL_O) $(B)/liblb.a
	$(call say,LINK)$(COMPILE) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/lbmon: $(B)/o/lbmon/lbmon.o $(B)/libmon.a $(B)/liblb.a
	$(call say,LINK)$(COMPILE) $(LDFLAGS) -o $@ $^ $(LIBS) $(LIBS_MON)

# Without main(), for unit tests.
$(B)/liblbtool.a: $(filter-out %/lbtool.o,$(LBTOOL_O))
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(B)/libmon.a: $(filter-out %/lbmon.o,$(LBMON_O))
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(B)/liblb.a: $(LIB_O)
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(B)/o/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(COMPILE) -MMD -MP -c -o $@ $<

# Another compiler or other flags: everything anew.
$(B)/flags: .FORCE
	@mkdir -p $(@D)
	@echo '$(COMPILE) $(LDFLAGS) $(BPFFLAGS)' | cmp -s - $@ || \
		echo '$(COMPILE) $(LDFLAGS) $(BPFFLAGS)' > $@

$(call objects,lib/prog*.c tests/packet/*.c tests/bench/*.c): | $(SKEL)

$(B)/%.bpf.o: %.bpf.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,BPF)$(CLANG) $(BPFFLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) -c -o $@.tmp $<
	@$(BPFTOOL) gen object $@ $@.tmp
	@rm -f $@.tmp

$(B)/%.skel.h: $(B)/bpf/%.bpf.o
	$(call say,SKEL)$(BPFTOOL) gen skeleton $< name $*_bpf > $@
	@# The analyser of `make lint` does not know what bpf_object__destroy_skeleton() frees.
	@sed -i 's|^\treturn err;$$|& /* NOLINT */|' $@

$(B)/object_hash.h: $(BPF_O)
	@for o in $(BPF_O); do \
		printf '#define %s_OBJECT_SHA256 "%s"\n' \
			"$$(basename $$o .bpf.o | tr a-z A-Z)" "$$(sha256sum < $$o | cut -d' ' -f1)"; \
	done > $@

# Tests ------------------------------------------------------------------------------------------

.SECONDEXPANSION:
$(UNIT): $(B)/%: $(B)/o/%.o $$(call unit_o,$$*.c) $(B)/libmon.a $(B)/liblbtool.a $(B)/liblb.a
	@mkdir -p $(@D)
	$(call say,LINK)$(COMPILE) $(LDFLAGS) -o $@ $^ -lcriterion $(LIBS) $(LIBS_MON)

$(PACKET): $(B)/%: $(B)/o/%.o $(PACKET_O) $(B)/liblb.a
	@mkdir -p $(@D)
	$(call say,LINK)$(COMPILE) $(LDFLAGS) -o $@ $^ -lcriterion $(LIBS)

$(filter-out %.o,$(BENCH)): $(B)/%: $(B)/o/%.o $(BENCH_O) $(B)/libpacket.a $(B)/liblb.a
	@mkdir -p $(@D)
	$(call say,LINK)$(COMPILE) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/libpacket.a: $(PACKET_O)
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(filter-out %.o,$(TOOLS)): $(B)/%: $(B)/o/%.o
	@mkdir -p $(@D)
	$(call say,LINK)$(COMPILE) $(LDFLAGS) -o $@ $^

$(WIRE): $(call objects,tests/packet/wire*.c) $(B)/libpacket.a $(B)/liblb.a
	@mkdir -p $(@D)
	$(call say,LINK)$(COMPILE) $(LDFLAGS) -o $@ $^ $(LIBS)

$(OLD): tests/net/old.sh tests/net/old.pl $(B)/lbtool $(B)/lbmon
	$(call say,OLD)B=$(B) CC='$(CC)' CFLAGS='$(CFLAGS)' LDFLAGS='$(LDFLAGS)' tests/net/old.sh $(@D)

tests: all $(UNIT) $(PACKET) $(WIRE) $(TOOLS) $(BENCH)

# Whatever is missing is installed first; then make anew, since what is missing changes the flags above.
check check-unit check-packet check-net check-golden check-man: need-test
	+@$(MAKE) --no-print-directory tests $(OLD)
	@B=$(B) tests/run $(subst check-,,$(filter-out check,$@))

# KERNEL: another kernel's Debian package; tests/vm/run says more.
check-vm: need-test
	+@$(MAKE) --no-print-directory tests $(OLD)
	B=$(B) tests/vm/run $(KERNEL)

demo: need-test
	+@$(MAKE) --no-print-directory all $(TOOLS)
	B=$(B) LBTOOL=$(abspath $(B))/lbtool tests/net/demo.sh

lab: need-test
	+@$(MAKE) --no-print-directory all $(TOOLS)
	B=$(B) LBTOOL=$(abspath $(B))/lbtool tests/net/lab.sh up

unlab:
	B=$(B) LBTOOL=$(abspath $(B))/lbtool tests/net/lab.sh down

# CASES: these alone, or one part of it; JSON=1: a document. tests/bench/README.md says more.
bench: need-test
	+@$(MAKE) --no-print-directory all $(BENCH) $(if $(JSON),>&2)
	@B=$(B) tests/bench/run $(if $(JSON),-j) $(or $(CASES),all)

# BASE: a revision of git, built below build/, measured in turns with what is here.
bench-compare: need-test
	+@$(MAKE) --no-print-directory all $(BENCH) $(if $(JSON),>&2)
	+@B=$(B) tests/bench/compare $(if $(JSON),-j) "$(BASE)" $(CASES)

# Cost against the number of VIPs, pools, reals, flows, slots: build/plots/*.png.
bench-plots: need-test
	@.ci/deps $(DEPS_PLOTS)
	+@$(MAKE) --no-print-directory all $(BENCH)
	@B=$(B) tests/bench/plots $(CASES)

# Against .ci/bench.bounds.
bench-guard: need-test
	+@$(MAKE) --no-print-directory all $(BENCH)
	@B=$(B) .ci/bench

sanitize:
	+@$(MAKE) --no-print-directory B=$(B)/sanitize sanitize-targets \
		CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all'
	+@$(MAKE) --no-print-directory all
	@B=$(B) tests/sanitize

sanitize-targets: all $(UNIT) $(TOOLS)

fuzz:
	+@$(MAKE) --no-print-directory B=$(B)/fuzz CC=$(CLANG) fuzz-targets \
		CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all'
	B=$(B)/fuzz tests/fuzz/run $(TIME)

fuzz-targets: $(FUZZ)

$(FUZZ): $(B)/%: $(B)/o/%.o $(filter-out %/lbtool.o,$(LBTOOL_O)) $(B)/liblb.a
	@mkdir -p $(@D)
	$(call say,LINK)$(COMPILE) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(LIBS)

# Style ------------------------------------------------------------------------------------------

C_FILES   = $(wildcard bpf/*.[ch] lib/*.[ch] lbtool/*.[ch] lbmon/*.[ch] tests/*/*.[ch])
C_USER    = $(filter-out %.h %.bpf.c,$(C_FILES))
C_TIDY    = $(filter-out tests/unit/% tests/packet/%,$(C_USER))
SH_FILES  = $(shell grep -lsrE '^\#!.*\b(ba)?sh\b' .ci .debian tests)
MAN_FILES = $(wildcard man/*.[78])

lint: lint-format lint-clang lint-tidy lint-cppcheck lint-shell lint-man lint-house

lint-format:
	@clang-format --dry-run -Werror $(C_FILES)

format:
	clang-format -i $(C_FILES)

# What the other compiler warns of, where lint-tidy does not say it. `fuzz` builds lib and lbtool with it.
lint-clang: $(SKEL)
	@printf '%s\n' $(filter-out $(C_TIDY),$(C_USER)) | \
		xargs -P $$(nproc) -n 8 $(CLANG) -fsyntax-only $(CSTD) $(INCLUDES) $(WARN) -Werror

lint-tidy: $(SKEL)
	@printf '%s\n' $(C_TIDY) | xargs -P $$(nproc) -I '{}' \
		clang-tidy --quiet --warnings-as-errors='*' '{}' -- $(CSTD) $(WARN) $(subst -I$(B),-isystem $(B),$(INCLUDES)) 2>&1 | \
		{ ! grep -v -e 'warnings generated' -e '^Suppressed' -e '^Use -header-filter'; }

# It does not look into the headers of libraries: their macros are told by their look. NULL ends the words of log_event():
# no pointer of Linux is of another size.
lint-cppcheck:
	@cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --inline-suppr \
		--suppress=varFuncNullUB \
		-j $$(nproc) --std=c11 -D__x86_64__ -I. -D'TestSuite(...)=' -D'Test(a, b, ...)=void a##b(void)' \
		-D'LIBBPF_OPTS(type, name, ...)=struct type name = { __VA_ARGS__ }' $(C_USER)

lint-shell:
	@shellcheck -x -P tests/net -e SC2317 $(SH_FILES) lbtool/completion.bash

lint-man:
	@mandoc -Tlint -W warning $(MAN_FILES)

lint-house:
	@.ci/arrows
	@.ci/sizes

# Installing -------------------------------------------------------------------------------------

install: all
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(MANDIR)/man7 $(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(DOCDIR)
	install -m 755 $(B)/lbtool $(B)/lbmon $(DESTDIR)$(SBINDIR)
	install -m 644 $(wildcard man/*.7) $(DESTDIR)$(MANDIR)/man7
	install -m 644 $(wildcard man/*.8) $(DESTDIR)$(MANDIR)/man8
	install -m 644 man/grafana-lb.json $(DESTDIR)$(DOCDIR)
	find exabgp -type f -exec install -D -m 644 '{}' '$(DESTDIR)$(DOCDIR)/examples/{}' ';'
	sed -i 's,/usr/local/sbin,$(SBINDIR),' $(DESTDIR)$(DOCDIR)/examples/exabgp/*.conf
	install -D -m 644 man/lbtool.schema.json $(DESTDIR)$(DATADIR)/lbtool.schema.json
	install -D -m 644 lbtool/completion.bash $(DESTDIR)$(BASHDIR)/lbtool
	install -D -m 644 lbtool/completion.zsh $(DESTDIR)$(ZSHDIR)/_lbtool

uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/lbtool $(DESTDIR)$(SBINDIR)/lbmon
	rm -rf $(DESTDIR)$(DOCDIR)/examples/exabgp
	rm -f $(DESTDIR)$(DOCDIR)/grafana-lb.json $(DESTDIR)$(DATADIR)/lbtool.schema.json
	rm -f $(DESTDIR)$(BASHDIR)/lbtool $(DESTDIR)$(ZSHDIR)/_lbtool
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/man7/,$(notdir $(wildcard man/*.7)))
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/man8/,$(notdir $(wildcard man/*.8)))

# The package ---------------------------------------------------------------------------------------

# By Debian's tools, from a copy in which .debian is debian; words and flags of this make are not for them.
DEB       := $(B)/deb/built
DEB_FROM   = bpf lib lbtool lbmon exabgp man Makefile README.md LICENSE

deb: need-deb
	+@$(MAKE) --no-print-directory $(DEB)

$(DEB): $(shell find $(wildcard .debian $(DEB_FROM)) -type f)
	@rm -rf $(@D)
	@mkdir -p $(@D)/lb
	@cp -a $(DEB_FROM) $(@D)/lb
	@cp -a .debian $(@D)/lb/debian
	$(call say,DEB)cd $(@D)/lb && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u CC -u CFLAGS -u LDFLAGS \
		dpkg-buildpackage -Jauto -b -us -uc >../log 2>&1 || { cat ../log; exit 1; }
	@rm -rf $(@D)/lb
	@touch $@

deps:
	@.ci/deps $(DEPS_BUILD) $(DEPS_TEST) $(DEPS_DEB)

deps-dev:
	@.ci/deps $(DEPS_BUILD) $(DEPS_TEST) $(DEPS_DEB) $(DEPS_DEV)

need-test:
	@.ci/deps $(DEPS_BUILD) $(DEPS_TEST) $(DEPS_DEB)

need-deb:
	@.ci/deps $(DEPS_BUILD) $(DEPS_DEB)

clean:
	rm -rf $(B)

distclean: clean
	rm -rf build

-include $(shell find $(B) '(' -path '$(B)/compare' -o -path '$(B)/tests/net/old' ')' -prune -o -type f -name '*.d' -print 2>/dev/null)
.PHONY: all tests check check-unit check-packet check-net check-golden check-man check-vm demo lab unlab bench bench-guard bench-compare bench-plots \
	sanitize sanitize-targets fuzz fuzz-targets lint format lint-format lint-clang lint-tidy lint-cppcheck lint-shell lint-man lint-house \
	install uninstall deb deps deps-dev need-test need-deb clean distclean .FORCE
.SECONDARY:
.DELETE_ON_ERROR:
