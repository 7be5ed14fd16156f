# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shell script of the exec transport: bash 4.3 and coreutils 8.25, no tar, find or Python.

It keeps the same layout, lock and records as the agent (C(agent_store.py)), so the two can take
turns on one store. Answers are tokens that end in NUL, the last one is C(end): an answer without
it was cut short. Exit codes are below; C(ExecChannel) turns them into errors.
"""

from __future__ import annotations

from ansible_collections.openvino.edge.plugins.module_utils.repository.transports import exec_stage

NAME = "store.sh"
PROTOCOL = 2

RC_CUT_SHORT = 15
RC_EXISTS = 13
RC_NOT_WRITABLE = 14
RC_CHANGED = 22
RC_BUSY = 23
RC_FULL = 28

HEAD = r"""#!/bin/bash
set -u -o pipefail
shopt -s globstar dotglob nullglob
export LC_ALL=C
umask 077
root=$EDGE_ROOT models=$EDGE_ROOT/models work=$EDGE_ROOT/.edge
lock=$work/locks/store alive=$EDGE_RUN/alive lease=20 portion=${EDGE_PORTION:-33554432}
found=()

die() { printf '%s\n' "$2" >&2; exit "$1"; }
emit() { printf '%s\0' "$@"; }
stamp_ns() { local t; t=$(stat -c %.9Y -- "$1" 2>/dev/null) || return 1; printf '%s' "${t/./}"; }
owns() { [[ -r $lock/owner && $(<"$lock/owner") == *"\"id\": \"$1\""* ]]; }
need_lock() {
  owns "$1" || die 23 "the store is not locked by this helper"
  if [[ -e $lock/lost-$1 ]]; then rm -f -- "$lock/lost-$1"; fi
}
# A writer whose input was cut short need not be waited for as long as a silent one.
cut_short() { : > "$lock/lost-$1"; die 15 "the input ended early"; }
is_empty() { local all=("$1"/*); (( ${#all[@]} == 0 )); }
plain_dir() { [[ -d $1 && ! -L $1 ]]; }

# Signs of life while a long command runs; ends with it.
beat() {
  local parent=$$ owner=$1
  while sleep 5 && kill -0 "$parent" 2>/dev/null; do
    touch -- "$alive"
    if [[ -n $owner ]]; then owns "$owner" && touch -c -- "$lock/owner"; fi
  done
}
start_beat() {
  beat "$1" </dev/null >/dev/null 2>&1 &
  trap "kill $! 2>/dev/null" EXIT
}

list_files() {
  local path
  found=()
  for path in "$1"/**; do
    [[ -d $path && ! -L $path ]] || found+=("$path")
  done
}
# Runs a command on the found files, in portions that fit on a command line.
on_found() {
  local n
  for (( n = 0; n < ${#found[@]}; n += 200 )); do
    "$@" "${found[@]:n:200}" || return
  done
}
emit_version() {
  local record=$work/manifests/$2/$3.json text=
  [[ -r $record ]] && text=$(<"$record")
  emit version "$2" "$3" "$text"
  list_files "$1"
  on_found stat --printf="file\0%n\0%s\0%.9Y\0%i\0%f\0%u\0%g\0" --
}

cmd_wait() {
  trap 'exit 0' TERM
  touch -- "$alive"
  local now last
  while :; do
    sleep 2 &
    wait $!
    printf -v now '%(%s)T' -1
    last=$(stat -c %Y -- "$alive")
    (( now - last > EDGE_IDLE )) && exit 0
  done
}

# On a read-only mount the system says no to everyone, so the mode bits have to tell.
may_write() {
  local mode=$((8#$(stat -c %a -- "$1"))) uid
  uid=$(id -u)
  if (( uid == 0 )); then echo 1
  elif (( uid == $(stat -c %u -- "$1") )); then echo $(( (mode & 8#200) > 0 ))
  elif [[ " $(id -G) " == *" $(stat -c %g -- "$1") "* ]]; then echo $(( (mode & 8#020) > 0 ))
  else echo $(( (mode & 8#002) > 0 )); fi
}
# facts [OWNER]: with an owner also a sign of life of its lock
cmd_facts() {
  local path=$root writable=0
  if [[ -n ${1-} ]] && owns "$1"; then touch -c -- "$lock/owner"; fi
  while [[ ! -e $path ]]; do path=${path%/*}; done
  if [[ ${EDGE_READ_ONLY-} == 1 ]]; then
    writable=$(may_write "$path")
  elif [[ -w $path && -x $path ]]; then
    writable=1
  fi
  emit facts $(stat -f -c '%a %b %S %d %c' -- "$path") "$writable" "$(id -u)" \
    "$(stat -c %a -- "$path")"
  for path in "$work"/trust/*; do
    [[ ${path##*/} =~ ^[0-9a-f]{64}$ ]] && emit trust "${path##*/}" "$(counter_in "$path")"
  done
  return 0
}
counter_in() {
  local text=
  [[ -r $1 ]] && text=$(<"$1")
  if [[ $text =~ ^\{\"counter\":\ ([0-9]{1,19})\}$ ]]; then printf '%s' "${BASH_REMATCH[1]}"
  else printf '%s' -1; fi
}
# trust OWNER KEY COUNTER: keeps the highest
cmd_trust() {
  local path=$work/trust/$2 counter=$3 now=-1
  need_lock "$1"
  [[ $2 =~ ^[0-9a-f]{64}$ && $3 =~ ^[0-9]{1,19}$ ]] || die 15 "bad key or counter"
  if [[ ! -d $work/trust ]]; then
    mkdir -- "$work/trust" && chmod 770 -- "$work/trust" && sync -- "$work" || die 14 "cannot write"
  fi
  [[ -e $path ]] && now=$(counter_in "$path")
  (( now > counter )) && counter=$now
  printf '{"counter": %s}\n' "$counter" > "$path.new" && sync -- "$path.new" &&
    mv -T -- "$path.new" "$path" && sync -- "$work/trust" || die 28 "cannot write the counter"
}

cmd_inventory() {
  local path child model version
  for path in "$models"/*; do
    model=${path##*/}
    if ! plain_dir "$path"; then emit stray "$model"; continue; fi
    for child in "$path"/*; do
      version=${child##*/}
      if [[ $version =~ ^[1-9][0-9]{0,18}$ ]] && plain_dir "$child"; then
        emit_version "$child" "$model" "$version"
      elif [[ -d $child || -L $child ]]; then
        emit stray "$model/$version"
      fi
    done
  done
}

cmd_hashes() {
  local path regular=()
  start_beat ""
  list_files "$models/$1/$2"
  for path in ${found[@]+"${found[@]}"}; do
    if [[ -f $path && ! -L $path && -r $path ]]; then regular+=("$path"); else emit none "$path"; fi
  done
  found=(${regular[@]+"${regular[@]}"})
  on_found sha256sum -z --
}

# lock OWNER TEXT [DIGEST...]: the digests are those of stages that are wanted
cmd_lock() {
  local owner=$1 text=$2 name fresh=$work/locks/new-$1 probe
  shift 2
  mkdir -p -- "$root" || die 14 "cannot make $root"
  for name in "$work" "$work"/{staging,manifests,locks,trash}; do
    if [[ ! -e $name ]] && mkdir -- "$name" 2>/dev/null; then chmod 770 -- "$name"; fi
    [[ -e $name ]] || die 14 "cannot write to the store"
    plain_dir "$name" || die 14 "$name is not a directory"
  done
  probe=$work/staging/probe-$$
  : > "$probe" && sync -- "$probe" && mv -T -- "$probe" "$probe.2" && rm -- "$probe.2" ||
    die 14 "the store cannot be written"
  if owns "$owner"; then need_lock "$owner"; return; fi
  rm -rf -- "$fresh"
  mkdir -- "$fresh" && printf '%s' "$text" > "$fresh/owner" || die 14 "cannot write the lock"
  expire_lock "$owner"
  if ! mv -T -- "$fresh" "$lock" 2>/dev/null; then
    rm -rf -- "$fresh"
    emit busy "$(stamp_ns "$lock/owner")" "$(cat -- "$lock/owner" 2>/dev/null)"
    exit 23
  fi
  rm -rf -- "$work"/trash/*
  forget_stages "$owner" "$@"
}
# Deletes stages that nobody used for seven days.
forget_stages() {
  local clock=$work/locks/clock-$1 now path used wanted=" ${*:2} "
  : > "$clock"; now=$(stamp_ns "$clock"); rm -f -- "$clock"
  for path in "$work"/staging/*; do
    used=$(stamp_ns "$path/manifest.json") || used=$(stamp_ns "$path") || continue
    [[ $wanted == *" ${path##*/} "* ]] && continue
    (( now - used > 7 * 86400 * 1000000000 )) && rm -rf -- "$path"
  done
  return 0
}
# Moves a lock without a sign of life aside; ages are taken by the store's own clock.
expire_lock() {
  local seen now lost clock=$work/locks/clock-$1 aside=$work/locks/stale-$1 file
  seen=$(stamp_ns "$lock/owner") || return 0
  rm -f -- "$clock"; : > "$clock"; now=$(stamp_ns "$clock"); rm -f -- "$clock"
  for file in "$lock"/lost-*; do
    owns "${file##*/lost-}" && lost=$(stamp_ns "$file") || continue
    (( now - lost >= 2000000000 )) && lease=0
  done
  (( now - seen >= lease * 1000000000 )) || return 0
  mv -T -- "$lock" "$aside" 2>/dev/null || return 0
  if [[ $(stamp_ns "$aside/owner") != "$seen" ]]; then
    mv -T -- "$aside" "$lock" 2>/dev/null
    return 0
  fi
  rm -rf -- "$aside"
}

cmd_unlock() {
  owns "$1" || return 0
  rm -rf -- "$work"/trash/*
  mv -T -- "$lock" "$work/locks/gone-$1" && rm -rf -- "$work/locks/gone-$1"
}

"""
TAIL = r"""
settle() {
  if [[ $(id -u) == 0 ]]; then chown -hR "$EDGE_UID:$EDGE_GID" -- "$1" || die 14 "chown"; fi
  chmod -R u=rwX,go=rX -- "$1" || die 14 "chmod"
  list_files "$1"
  on_found sync -- || die 28 "cannot flush to the disk"
  found=("$1"/**/)
  on_found sync -- || die 28 "cannot flush to the disk"
}
# settle OWNER DIGEST: modes, owner, all on the disk; tells the files and the stamps
cmd_settle() {
  local stage=$work/staging/${2/:/-} text=
  need_lock "$1"
  plain_dir "$stage/tree" || die 15 "not staged"
  start_beat "$1"
  [[ -r $stage/done ]] && text=$(<"$stage/done")
  emit "$text"
  settle "$stage/tree"
  list_files "$stage/tree"
  on_found stat --printf="file\0%n\0%s\0%.9Y\0%i\0%f\0%u\0%g\0" --
}
own_dir() {
  plain_dir "$1" && return
  mkdir -- "$1" && chmod 755 -- "$1" || die 14 "cannot make $1"
  if [[ $(id -u) == 0 ]]; then chown "$EDGE_UID:$EDGE_GID" -- "$1"; fi
  sync -- "${1%/*}"
}
# record MODEL VERSION SIZE, the record on stdin
write_record() {
  local dir=$work/manifests/$1 new=$work/manifests/$1/$2.json.new
  mkdir -p -- "$dir" && head -c "$3" > "$new" || die 28 "cannot write the record"
  [[ $(stat -c %s -- "$new") == "$3" ]] || die 15 "the record was cut short"
  sync -- "$new" && mv -T -- "$new" "${new%.new}" && sync -- "$dir" || die 28 "cannot write"
}

# publish OWNER DIGEST MODEL VERSION RECORD-SIZE
cmd_publish() {
  local stage=$work/staging/${2/:/-} target=$models/$3/$4
  need_lock "$1"
  plain_dir "$stage/tree" || die 15 "not staged"
  own_dir "$models"
  own_dir "$models/$3"
  is_empty "$target" || die 13 "version $4 of model $3 exists"
  [[ $(stat -c %d -- "$stage/tree") == $(stat -c %d -- "$models/$3") ]] ||
    die 14 "models/ and .edge/ lie on two file systems, a rename cannot publish"
  write_record "$3" "$4" "$5"
  need_lock "$1"
  mv -T -- "$stage/tree" "$target" || die 13 "version $4 of model $3 cannot be published"
  sync -- "$models/$3"
  rm -rf -- "$stage"
}

# seal OWNER MODEL VERSION RECORD-SIZE
cmd_seal() {
  need_lock "$1"
  write_record "$2" "$3" "$4"
}

cmd_remove() {
  local path=$models/$2/$3 aside=$work/trash/$2-$3-$$ record=$work/manifests/$2/$3.json dir
  need_lock "$1"
  if ! plain_dir "${path%/*}" || [[ ! -e $path && ! -L $path ]]; then emit removed 0; return; fi
  start_beat "$1"
  mv -T -- "$path" "$aside" || die 14 "cannot move $path"
  sync -- "${path%/*}" "$work/trash"
  rm -f -- "$record"
  rm -rf -- "$aside"
  for dir in "${path%/*}" "${record%/*}"; do
    if [[ -d $dir ]] && is_empty "$dir"; then rmdir -- "$dir"; fi
  done
  sync -- "$models"
  emit removed 1
}

command=$1
shift
[[ $command == wait ]] || touch -- "$alive"
"cmd_$command" "$@" || die 1 "$command failed"
[[ $command == wait ]] || emit end
"""

SCRIPT = HEAD + exec_stage.STAGE + TAIL
