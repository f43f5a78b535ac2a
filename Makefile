# SPDX-License-Identifier: GPL-2.0
# make            build everything      make deps      install what the build needs (Debian 12)
# make check      all tests, as root    make demo      a whole data centre on this machine
# make install    DESTDIR= PREFIX=      make lab/unlab the demo's network, to try things in

PREFIX   ?= /usr/local
SBINDIR  ?= $(PREFIX)/sbin
MANDIR   ?= $(PREFIX)/share/man
CC       ?= gcc
CLANG    ?= clang
BPFTOOL  ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
CFLAGS   ?= -O2 -g
WARN      = -Wall -Wextra -Wmissing-prototypes -Wshadow -Wformat=2 $(WERROR)
CPPFLAGS += -D_GNU_SOURCE -I. -Ibuild
CSTD      = -std=gnu11
LIBS      = -lbpf -lelf -lmnl -ljansson
B         = build
# Debian keeps <asm/types.h> in the directory of the machine's triplet, where clang -target bpf does not look.
TRIPLET  := $(shell $(CC) -print-multiarch 2>/dev/null)
BPFFLAGS  = -O2 -g -target bpf -mcpu=v3 -std=gnu11 -Wall -Wextra -Werror -Wno-unused-function -I. -I/usr/include/$(TRIPLET)

LIB_O    := $(patsubst %.c,$(B)/%.o,$(wildcard lib/*.c))
LBTOOL_O := $(patsubst %.c,$(B)/%.o,$(wildcard lbtool/*.c))
SKEL     := $(B)/lb.skel.h $(B)/rx.skel.h $(B)/object_hash.h

all: $(B)/lbtool

$(B)/lbtool: $(LBTOOL_O) $(B)/liblb.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/liblb.a: $(LIB_O)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CSTD) $(CPPFLAGS) $(CFLAGS) $(WARN) -MMD -MP -c -o $@ $<

$(B)/lib/prog.o: $(SKEL)

$(B)/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h)
	@mkdir -p $(@D)
	$(CLANG) $(BPFFLAGS) -c -o $@.tmp $<
	$(BPFTOOL) gen object $@ $@.tmp
	@rm -f $@.tmp

$(B)/%.skel.h: $(B)/%.bpf.o
	$(BPFTOOL) gen skeleton $< name $*_bpf > $@.tmp
	@mv $@.tmp $@

$(B)/object_hash.h: $(B)/lb.bpf.o $(B)/rx.bpf.o
	@{ for o in lb rx; do \
		printf '#define %s_OBJECT_SHA256 "%s"\n' $$(echo $$o | tr a-z A-Z) \
			$$(sha256sum $(B)/$$o.bpf.o | cut -d' ' -f1); done; } > $@.tmp
	@mv $@.tmp $@

clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
.PHONY: all clean
.DELETE_ON_ERROR:
