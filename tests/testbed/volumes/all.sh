#!/bin/sh
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# What `make volumes` runs. All suites are run, whatever the first ones say; each whole suite takes
# from ten minutes to an hour. VOLUMES names some of them: VOLUMES="errors vfat fuse-late".
set -u
cd "$(dirname "$0")/../../.." || exit 1
unit=tests/unit/repository
boot=tests/testbed/volumes/boot.py
mounted=tests/testbed/volumes/mounted.py
known="errors nfs3-soft nfs4-hard nfs4-squash vfat fuse fuse-folds fuse-times fuse-no-links"
known="$known fuse-no-space fuse-endless fuse-late fuse-inodes fuse-no-modes fuse-no-owners fuse-share"
failed=""

suite() {
  case $1 in
    errors)
      EDGE_EVERY_ERROR=1 python -m pytest -q $unit/agent/test_crash.py \
        $unit/transport/test_power.py $unit/transport/test_file_system.py ;;
    nfs3-soft | nfs4-hard) python $boot "$1" $unit/agent $unit/transport $unit/copy ;;
    nfs4-squash | vfat) python $boot "$1" $unit/transport/test_file_system.py ;;
    # Where inode numbers, modes or owners are made up, tests that compare them with what was set say so.
    fuse-inodes | fuse-no-modes | fuse-no-owners | fuse-share)
      python $mounted "$1" $unit/transport/test_file_system.py ;;
    *) python $mounted "$1" $unit/agent $unit/transport $unit/copy ;;
  esac
}

for volume in ${VOLUMES:-$known}; do
  case " $known " in
    *" $volume "*) ;;
    *) echo "VOLUMES: no '$volume'; there are: $known" >&2; exit 2 ;;
  esac
done
for volume in ${VOLUMES:-$known}; do
  echo "volumes: $volume"
  suite "$volume" || failed="$failed $volume"
done
[ -z "$failed" ] || { echo "volumes: failed:$failed" >&2; exit 1; }
