# openvino.edge: `make help` lists what there is.
.DEFAULT_GOAL := help
.PHONY: help bootstrap site real-server test lab-up lab-down lab-status lint unit integration molecule \
	sanity matrix build check-importer docs pages house parity config-yardstick cases mtls-cases seed-figures bench bench-fleet bench-repository fleet fleet-away fleet-kills fleet-leaks faults volumes lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

bootstrap: ## find a fitting Python, make the locked environment outside the tree
	@tools/bootstrap

site: ## the main job on two local clusters, ending with text read from a picture
	@tools/site

real-server: ## the main job and the integration tests on a real OVMS (EDGE_OVMS_IMAGE=FILE.tar)
	@tools/real-server

test: ## everything: lint, unit, sanity, clusters, site twice, integration, molecule
	@tools/test

test-whole: ## all of test, and the integration tests that take minutes each (two hours)
	@tools/test integration-whole

lab-up: ## start the local clusters and load the images (root)
	@tools/lab-up

lab-down: ## end the local clusters and remove every trace of them
	@tests/testbed/lab/lab down

lab-status: ## versions, memory and addresses of the local clusters
	@tests/testbed/lab/lab status

lint: ## all static checks
	@tools/suite lint

unit: ## unit tests
	@tools/suite unit

integration: ## all integration tests (lab, or EDGE_KUBECONFIG=...)
	@tools/suite integration integration-whole

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

pages: ## docs/troubleshooting.md and docs/variables.md from the error classes and the roles
	@tools/run python tools/troubleshooting.py
	@tools/run python tools/variables.py

house: ## the floor plan of the engine in figures; fails when it is broken
	@tools/run python tools/house.py

docs: ## the documentation site
	@tools/docs

config-yardstick: ## configurations by the thousand: lint, writer, options, migrate_values (N=3000)
	@EDGE_YARDSTICK=$(or $(N),3000) tools/run python -m pytest -q tests/unit/server/*/test_yardstick_*.py

cases: ## the cases from the field, each by its number; prints `cases N, failing M`
	@tools/run python tools/cases.py

mtls-cases: ## client certificates, good and bad, through a real controller; prints `cases N, failing M`
	@tools/run python -m pytest -q -m whole tests/integration/server/test_client_auth.py -k test_table

seed-figures: ## three experiments with replicas, ways in and CPU limits; prints what they show and a page (OUT=DIRECTORY)
	@tools/seed-figures $(OUT)

bench: ## measurements against the peers (BENCH="--only copy --rounds 3")
	@tools/bench $(BENCH)

bench-fleet: ## what one more cluster costs, on simulated ones (CLUSTERS=1000, BENCH="--rounds 3")
	@tools/bench-fleet --clusters $(or $(CLUSTERS),100) $(BENCH)

bench-repository: ## copies against rsync, kubectl cp, k8s_cp (QUICK=1, BENCH="--output FILE.md")
	@tools/bench-repository $(BENCH)

fleet: ## six sites in four waves: a broken model, a kill and its resume, a site that is offline (SIMULATED=40 more sites)
	@tools/fleet $(if $(SIMULATED),--simulated $(SIMULATED))

fleet-away: ## a real API server stands still, or is killed, in the middle of rollouts (TRIALS=3 SEED=1)
	@tools/run tests/testbed/images/build >/dev/null
	@tools/run python tests/testbed/fleet/away.py --trials $(or $(TRIALS),3) $(if $(SEED),--seed $(SEED))

fleet-kills: ## SIGKILL of the controller at 200 random moments over 50 clusters (CLUSTERS=50 KILLS=200 SEED=1)
	@tools/run python tests/testbed/fleet/kills.py --clusters $(or $(CLUSTERS),50) --kills $(or $(KILLS),200) $(if $(SEED),--seed $(SEED))

fleet-leaks: ## three ways in which Ansible's own limits leak, ours beside (CLUSTERS=100)
	@tools/run python tests/testbed/fleet/leaks.py --clusters $(or $(CLUSTERS),40)

faults: ## kill, cut, fill, flip: fault tests (QUICK=1, FAULTS="sigkill disk-full", SEED=1)
	@tools/faults

volumes: ## the repository's tests on real NFS servers and on FAT, every error at every operation (VOLUMES="vfat fuse")
	@VOLUMES="$(VOLUMES)" tools/run sh tests/testbed/volumes/all.sh

lock: ## compile requirements/*.in again (UPGRADE=1 takes newest versions)
	@tools/lock

clean: ## remove what building left in the tree; CACHE=1 also the cache outside it
	@tools/clean $(CACHE)
