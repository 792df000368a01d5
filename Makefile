# SPDX-License-Identifier: Apache-2.0
#
# `make help` lists the targets. Each installs what it needs first; nothing else is a set-up step.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help deps test-deps build test dependent bench bench-netlink bench-bpfmap bench-programs bench-policy bench-svc fuzz lint format demo vm clean
.NOTPARALLEL:

tools := Tests/VirtualMachine

# Debian packages: what a build needs, and what tests and checks need on top. `vm` names its own.
build_packages := libbpf-dev libelf-dev libmnl-dev pkg-config
test_packages := iproute2 iputils-ping ethtool bpftool clang-format shellcheck

swift_sources := $(wildcard Sources Tests Examples Plugins Benchmarks) Package.swift
c_sources := $(shell find bpf Sources Benchmarks Tests -name '*.[ch]')
shell_sources := .ci/run Tests/Dependent/run $(addprefix $(tools)/,init install-packages kernel-answers run-tests start vm)

# Without sudo the demonstration itself says that it needs root.
as_root := $(shell test $$(id -u) = 0 || ! command -v sudo >/dev/null || echo sudo --preserve-env)

help: ## Lists the targets.
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do \
	  printf '  make %-9s %s\n' "$$name" "$$text"; done

deps: ## Installs the Debian packages that a build needs, if any is missing.
	@$(tools)/install-packages $(build_packages)

test-deps: deps
	@$(tools)/install-packages $(test_packages)

build: deps ## Builds everything for debugging.
	swift build

test: test-deps lint ## Checks the style, then runs every test, and what depends on the kernel on Linux 6.1 and 6.12 too, in virtual machines.
	swift build --build-tests
	@Tests/Dependent/run NetlinkKit
	@$(tools)/run-tests "$$(swift build --show-bin-path)"

dependent: test-deps ## Builds a package outside the checkout that imports the modules in turn, and moves a release binary.
	@STATIC=1 Tests/Dependent/run

# The linker's warning is about a symbol of the sanitizer's own. A build folder of its own keeps the others' work.
fuzz: deps ## Feeds every netlink decoder with MESSAGES mutated messages (SEED, START, REPLAY=FILE), under ASan.
	swift build -c release --sanitize=address --scratch-path .build/fuzz --product netlink-fuzz
	.build/fuzz/release/netlink-fuzz --messages $${MESSAGES:-10000000} --seed $${SEED:-1} --start $${START:-0} \
	  --current .build/fuzz/current $${REPLAY:+--replay "$$REPLAY"}

lint: test-deps ## Checks formatting and style of Swift, C and shell.
	swift format lint --strict --parallel --recursive $(swift_sources)
	clang-format --dry-run -Werror $(c_sources)
	shellcheck $(shell_sources)

format: test-deps ## Formats Swift and C in place.
	swift format --in-place --parallel --recursive $(swift_sources)
	clang-format -i $(c_sources)

demo: deps ## Builds the demonstration and runs it; ARGS='--help' lists its options.
	swift build -c release --product terway-demo
	@$(as_root) "$$(swift build -c release --show-bin-path)/terway-demo" $(ARGS)

# What NetlinkKit may cost in processor time, as a multiple of C on libmnl.
netlink_limits := route.add=1.10,route.del=1.10,neigh.add=1.10,veth.add=1.10,veth.del=1.10,route.add_batch=1.15,route.del_batch=1.15,route.dump=1.25,link.dump=1.25

# What BPFMaps may cost, as a multiple of C on libbpf: single operations, batches, and walks against C's batched look-ups.
bpfmap_single := hash8.update=1.03,hash8.replace=1.03,hash8.lookup=1.03,hash8.delete=1.03,hash40.update=1.03,hash40.replace=1.03,hash40.lookup=1.03,hash40.delete=1.03,pcpu8.update=1.03,pcpu8.replace=1.03,pcpu8.lookup=1.03,pcpu8.delete=1.03,lpm.update=1.03,lpm.lookup=1.03,lpm.delete=1.03,array.update=1.03,array.lookup=1.03
bpfmap_many := hash8.iterate=1.30,hash40.iterate=1.30,pcpu8.iterate=1.30,batch100000.update=1.10,batch100000.lookup=1.10,batch100000.delete=1.10,batch1000.update=1.10,batch1000.lookup=1.10,batch1000.delete=1.10,ring.consume=1.10

bench: bench-netlink bench-bpfmap bench-programs bench-policy ## Measures, beside C where there is a floor; ROUNDS=9, ARGS='--scale 0.2', SVG=FILE.

bench-netlink: deps
	swift build -c release --product netlink-bench
	swift build -c release --product netlink-bench-c
	@bin=$$(swift build -c release --show-bin-path); $(as_root) Benchmarks/compare --rounds $(or $(ROUNDS),5) \
	  --limits $(netlink_limits) $(if $(SVG),--svg $(SVG)) "$$bin/netlink-bench-c" "$$bin/netlink-bench" $(ARGS)

bench-bpfmap: deps
	swift build -c release --product bpfmap-bench
	swift build -c release --product bpfmap-bench-c
	@bin=$$(swift build -c release --show-bin-path); object=$$(mktemp); trap 'rm -f "$$object"' EXIT; \
	  "$$bin/bpfmap-bench" --print-object >"$$object"; \
	  $(as_root) Benchmarks/compare --rounds $(or $(ROUNDS),9) --limits $(bpfmap_single),$(bpfmap_many) \
	  $(if $(SVG),--svg $(SVG:.svg=-bpfmap.svg)) "$$bin/bpfmap-bench-c" "$$bin/bpfmap-bench" --object "$$object" $(ARGS)

bench-programs: deps
	swift build -c release --product testrun-bench
	@$(as_root) "$$(swift build -c release --show-bin-path)/testrun-bench"

bench-policy: deps
	swift build -c release --product policy-bench
	@"$$(swift build -c release --show-bin-path)/policy-bench"

# Not a part of `bench`: it takes long, and other proxies' tools beside.
bench-svc: deps
	@$(tools)/install-packages iptables nftables ipset ipvsadm
	swift build -c release --product svc-bench
	@$(as_root) "$$(swift build -c release --show-bin-path)/svc-bench" $(if $(SVG),--svg $(SVG)) $(ARGS)

vm: ## Runs CMD on Linux 6.1, or KERNEL=6.12, in a virtual machine: make vm CMD='ip -d link'
	@[[ -n "$${CMD:-}" ]] || { echo "make vm: CMD is empty: for example make vm CMD='ip -d link'" >&2; exit 2; }
	@$(tools)/install-packages iproute2
	@$(tools)/vm run --kernel $(or $(KERNEL),6.1) -- bash -c "$$CMD"

clean: ## Removes what was built; the virtual machine's cache stays.
	swift package clean
