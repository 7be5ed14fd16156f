# openvino.edge: `make help` lists what there is.
.DEFAULT_GOAL := help
.PHONY: help bootstrap site test lab-up lab-down lab-status lint unit integration molecule \
	sanity matrix build check-importer docs parity bench bench-repository faults lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

bootstrap: ## find a fitting Python, make the locked environment outside the tree
	@tools/bootstrap

site: ## the main job on two local clusters, ending with text read from a picture
	@tools/site

test: ## everything: lint, unit, sanity, clusters, site twice, integration, molecule
	@tools/test

lab-up: ## start the local clusters and load the images (root)
	@tools/lab-up

lab-down: ## end the local clusters and remove every trace of them
	@tests/lab/lab down

lab-status: ## versions, memory and addresses of the local clusters
	@tests/lab/lab status

lint: ## all static checks
	@tools/suite lint

unit: ## unit tests
	@tools/suite unit

integration: ## integration tests (lab, or EDGE_KUBECONFIG=...)
	@tools/suite integration

molecule: ## molecule scenarios
	@tools/suite molecule

sanity: ## ansible-test sanity on what ships, newest ansible-core
	@tools/sanity

matrix: ## sanity, unit tests and a smoke run on every supported ansible-core
	@tools/matrix

build: ## the Galaxy tarball
	@tools/build $(DIST)

check-importer: ## Galaxy's importer on the tarball
	@tools/check-importer

parity: ## docs/parity.md: the chart and the operator row by row; fails while a row has no test
	@tools/run python tools/parity.py

docs: ## the documentation site
	@tools/docs

bench: ## measurements against the peers (BENCH="--only copy --rounds 3")
	@tools/bench $(BENCH)

bench-repository: ## copies against rsync, kubectl cp, k8s_cp (QUICK=1, BENCH="--output FILE.md")
	@tools/bench-repository $(BENCH)

faults: ## kill, cut, fill, flip: fault tests (QUICK=1, FAULTS="sigkill disk-full", SEED=1)
	@tools/faults

lock: ## compile requirements/*.in again (UPGRADE=1 takes newest versions)
	@tools/lock

clean: ## remove what building left in the tree; CACHE=1 also the cache outside it
	@tools/clean $(CACHE)
