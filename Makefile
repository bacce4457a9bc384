# The front door. Everything here is a thin name for a script or a CMake preset, which can be used directly as well.
PRESET ?= release
JOBS ?= $(shell nproc)
BUILD = build/$(PRESET)

.DEFAULT_GOAL := help
.PHONY: help run ensemble cache-cluster build deb test mixed redis-suite check bench fuzz soak format clean dependencies test-dependencies

help: ## List these targets
	@echo "usage: make TARGET [NAME=value]..."
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' Makefile

run: build ## Install what is missing, build and start a node on loopback (ARGS="--set coord.data_dir=/tmp/c" go to it)
	@exec $(BUILD)/chorus serve $(ARGS)

ensemble: build ## The same with three members of an ensemble, each a process (ARGS="--members 5"; scripts/ensemble --help)
	@exec scripts/ensemble --chorus $(BUILD)/chorus $(ARGS)

cache-cluster: build ## A cluster of three caches on loopback, at 7001 to 7003 (ARGS="--nodes 6"; scripts/cache-cluster --help)
	@exec scripts/cache-cluster --chorus $(BUILD)/chorus $(ARGS)

build: dependencies ## Build the programs (PRESET=release|debug|asan|tsan, JOBS=n)
	@test -f $(BUILD)/build.ninja || cmake --preset $(PRESET)
	@ninja -C $(BUILD) -j $(JOBS) chorus

deb: build ## Make a Debian package of it: build/chorus_*.deb
	@packaging/debian/build

test: test-dependencies ## Run all tests (LEVEL="unit sim" only these, LEVEL=list to list them)
	@JOBS=$(JOBS) tests/run $(LEVEL)

mixed: test-dependencies build ## All ensembles of Chorus and Java ZooKeeper, mixed; an hour (ARGS="--cell 'trunc/*'" some)
	@tests/mixed/run $(ARGS)

redis-suite: test-dependencies build ## Redis' own test suite against Chorus and redis-server, 15 minutes (ARGS="--unit type/list" some)
	@tests/conformance/redissuite/run --peer both $(ARGS)

check: test-dependencies ## Format, clang-tidy, layers, documentation (TIDY=all|changed|none)
	@JOBS=$(JOBS) scripts/check

bench: test-dependencies ## Measure against Java ZooKeeper, RocketMQ and Redis in the same run, 50 minutes (ARGS=... go to bench/run)
	@test -f build/release/build.ninja || cmake --preset release
	@ninja -C build/release -j $(JOBS)
	@bench/run $(ARGS)

fuzz: test-dependencies ## Fuzz every parser for a while each (SECONDS_EACH=60)
	@JOBS=$(JOBS) scripts/fuzz $(or $(SECONDS_EACH),60)

soak: test-dependencies ## Simulate fresh random seeds until the time is up (MINUTES=10) or one fails
	@JOBS=$(JOBS) scripts/soak $(or $(MINUTES),10)

format: test-dependencies ## Lay the sources out by .clang-format
	@git ls-files --cached --others --exclude-standard '*.h' '*.cc' | xargs clang-format-19 -i

clean: ## Remove everything built
	rm -rf build

dependencies:
	@scripts/install-dependencies

test-dependencies:
	@scripts/install-dependencies --test
