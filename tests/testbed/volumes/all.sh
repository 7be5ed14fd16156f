#!/bin/sh
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# What `make volumes` runs. All suites are run, whatever the first ones say.
set -u
cd "$(dirname "$0")/../../.." || exit 1
unit=tests/unit/repository
failed=0
EDGE_EVERY_ERROR=1 python -m pytest -q $unit/agent/test_crash.py $unit/transport/test_power.py \
  $unit/transport/test_file_system.py || failed=1
for volume in nfs3-soft nfs4-hard; do
  python tests/testbed/volumes/boot.py $volume $unit/agent $unit/transport $unit/copy || failed=1
done
for volume in nfs4-squash vfat; do
  python tests/testbed/volumes/boot.py $volume $unit/transport/test_file_system.py || failed=1
done
for volume in fuse fuse-folds fuse-times fuse-no-links fuse-no-space fuse-endless fuse-late; do
  python tests/testbed/volumes/mounted.py $volume $unit/agent $unit/transport $unit/copy || failed=1
done
# Where inode numbers, modes or owners are made up, tests that compare them with what was set say so.
for volume in fuse-inodes fuse-no-modes fuse-no-owners fuse-share; do
  python tests/testbed/volumes/mounted.py $volume $unit/transport/test_file_system.py || failed=1
done
exit $failed
