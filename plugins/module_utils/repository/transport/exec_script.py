# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shell script of the exec transport: bash 4.3 and coreutils 8.25, no tar, find or Python.

It keeps the same layout, lock and records as the agent (C(agent/store.py)), so the two can take
turns on one store. Answers are tokens that end in NUL, the last one is C(end): an answer without
it was cut short. Exit codes are below; C(ExecChannel) turns them into errors.
"""

from __future__ import annotations

from . import exec_stage

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
lock=$work/locks/store alive=$EDGE_RUN/alive lease=${EDGE_LEASE:-20}
portion=${EDGE_PORTION:-33554432}
found=()

die() { printf '%s\n' "$2" >&2; exit "$1"; }
emit() { printf '%s\0' "$@"; }
stamp_ns() { local t; t=$(stat -c %.9Y -- "$1" 2>/dev/null) || return 1; printf '%s' "${t/./}"; }
# Whether something is a plain file that can be read and has at most so many bytes; what else lies
# in .edge counts as absent, and is never opened: a FIFO would not end.
is_sane() { [[ -f $1 && ! -L $1 && -r $1 ]] && (( $(stat -c %s -- "$1") <= $2 )); }
small() { if is_sane "$1" 65536; then tr -d '\0' < "$1"; fi; }
kind_of() { if [[ -e $1 || -L $1 ]]; then stat -c %F -- "$1"; fi; }
make_way() {
  if [[ -L $1 || ( -e $1 && ! -f $1 ) ]]; then
    rm -rf -- "$1" 2>/dev/null ||
      die 14 "$1: it is in the way, and user $(id -u) cannot delete it; delete it on the store"
  fi
}
make_dir() { plain_dir "$1" || { rm -rf -- "$1" && mkdir -p -- "$1"; }; }
owns() { [[ $(small "$lock/owner") == *"\"id\": \"$1\""* ]]; }
need_lock() {
  owns "$1" || die 23 "the store is not locked by this helper"
  if [[ -e $lock/lost-$1 ]]; then rm -f -- "$lock/lost-$1"; fi
}
# A writer whose input was cut short need not be waited for as long as a silent one.
cut_short() { cat /proc/sys/kernel/random/uuid > "$lock/lost-$1"; die 15 "the input ended early"; }
is_empty() { local all=("$1"/*); (( ${#all[@]} == 0 )); }
plain_dir() { [[ -d $1 && ! -L $1 ]]; }

# Raises the counter of the lock; whoever watches it sees that its writer lives.
sign_of_life() {
  owns "$1" || return 0
  local count
  count=$(small "$lock/beat") count=${count//[!0-9]/}
  make_way "$lock/beat"
  printf '%s' $(( 10#0${count:0:15} + 1 )) > "$lock/beat"
}
# Signs of life while a long command runs; ends with it.
beat() {
  local parent=$$ owner=$1
  while sleep 5 && kill -0 "$parent" 2>/dev/null; do
    touch -- "$alive"
    if [[ -n $owner ]]; then sign_of_life "$owner"; fi
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
  if is_sane "$record" 67108864; then text=$(tr -d '\0' < "$record")
  elif [[ -f $record && ! -L $record && -r $record ]]; then emit odd "$record" "it is too big"; fi
  emit version "$2" "$3" "$text"
  list_files "$1"
  on_found stat --printf="file\0%n\0%s\0%.9Y\0%i\0%f\0%u\0%g\0" --
}

cmd_wait() {
  trap 'exit 0' TERM
  touch -- "$alive"
  local last= now idle=0
  while :; do
    sleep 2 &
    wait $!
    now=$(stat -c %.9Y -- "$alive")
    if [[ $now == "$last" ]]; then idle=$(( idle + 2 )); else idle=0 last=$now; fi
    (( idle > EDGE_IDLE )) && exit 0
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
can_write() {
  if [[ ${EDGE_READ_ONLY-} == 1 ]]; then [[ $(may_write "$1") == 1 ]]; else [[ -w $1 && -x $1 ]]; fi
}
# facts [OWNER]: with an owner also a sign of life of its lock
cmd_facts() {
  local path=$root writable=0
  if [[ -n ${1-} ]]; then sign_of_life "$1"; fi
  while [[ ! -e $path ]]; do path=${path%/*}; done
  if can_write "$path"; then writable=1; fi
  emit facts $(stat -f -c '%a %b %S %d %c' -- "$path") "$writable" "$(id -u)" \
    "$(stat -c %a -- "$path")"
  for path in "$work"/trust/*; do
    [[ ${path##*/} =~ ^[0-9a-f]{64}$ ]] && emit trust "${path##*/}" "$(counter_in "$path")"
  done
  if (( writable )) && [[ ${EDGE_READ_ONLY-} != 1 ]]; then emit_names "$root"; fi
  return 0
}
# What names a store keeps as they are: that differ in case, or in the form of their accents, or
# that Windows reserves.
emit_names() {
  local top=$1 base case=1 forms=1 reserved=1 name
  plain_dir "$work/trash" && top=$work/trash
  [[ -d $top ]] || return 0
  base=.edge-probe-$$
  : > "$top/$base-a" || return 0
  [[ ! -e $top/$base-A ]] || case=0
  name=$base-$'\xc3\xa9'
  { : > "$top/$name"; } 2>/dev/null && [[ ! -e $top/$base-e$'\xcc\x81' ]] || forms=0
  rm -f -- "$top/$base-a" "$top/$name"
  for name in "$base-a:b" "con$base"; do
    { : > "$top/$name"; } 2>/dev/null || reserved=0
    rm -f -- "$top/$name"
  done
  emit keeps "$case" "$forms" "$reserved"
}
counter_in() {
  local text
  text=$(small "$1")
  if [[ $text =~ ^\{\"counter\":\ ([0-9]{1,19})\}$ ]]; then printf '%s' "${BASH_REMATCH[1]}"
  else printf '%s' -1; fi
}
# trust OWNER KEY COUNTER: keeps the highest
cmd_trust() {
  local path=$work/trust/$2 counter=$3 now=-1
  need_lock "$1"
  [[ $2 =~ ^[0-9a-f]{64}$ && $3 =~ ^[0-9]{1,19}$ ]] || die 15 "bad key or counter"
  if ! plain_dir "$work/trust"; then
    make_dir "$work/trust" && chmod 770 -- "$work/trust" && sync -- "$work" || die 14 "cannot write"
  fi
  [[ -e $path ]] && now=$(counter_in "$path")
  (( now > counter )) && counter=$now
  make_way "$path.new"
  printf '{"counter": %s}\n' "$counter" > "$path.new" && make_way "$path" && sync -- "$path.new" &&
    mv -T -- "$path.new" "$path" && sync -- "$work/trust" || die 28 "cannot write the counter"
}

# Says why nothing can be published below a path that is there; if models/ is closed, also where
# it can be.
obstacle() {
  [[ -e $1 || -L $1 ]] || return 0
  if ! plain_dir "$1"; then emit blocked "$1" "it is a $(stat -c %F -- "$1")"
  elif ! can_write "$1"; then emit blocked "$1" "user $(id -u) may not write there"
  elif [[ -n $closed ]]; then emit blocked "$1" ""; fi
}
cmd_inventory() {
  local path child model version closed=
  obstacle "$models"
  if [[ -e $models || -L $models ]] && ! { plain_dir "$models" && can_write "$models"; }; then
    closed=1
  fi
  for path in "$models"/*; do
    model=${path##*/}
    obstacle "$path"
    if ! plain_dir "$path"; then emit stray "$model"; continue; fi
    for child in "$path"/*; do
      version=${child##*/}
      if [[ $version =~ ^[1-9][0-9]{0,18}$ ]] && plain_dir "$child"; then
        emit_version "$child" "$model" "$version"
        continue
      fi
      if [[ $version =~ ^[1-9][0-9]{0,18}$ ]]; then obstacle "$child"; fi
      if [[ -d $child || -L $child ]]; then
        emit stray "$model/$version"
      fi
    done
  done
  survey
}
# Names what lies in .edge and is of another kind than what belongs there; see agent/upkeep.py.
survey() {
  local path
  for path in "$work"/{staging,manifests,locks,trash,trust,pulls,blocks} "$lock" \
    "$work"/{staging,manifests}/* "$work"/staging/*/tree; do odd_unless dir "$path"; done
  for path in "$work"/{trust,pulls}/* "$work"/manifests/*/* "$lock"/*; do
    odd_unless file "$path"
  done
  for path in "$work"/staging/*/*; do [[ $path == */tree ]] || odd_unless file "$path"; done
  if is_sane "$lock/owner" 65536 && [[ $(small "$lock/owner") != *'"id": "'* ]]; then
    emit odd "$lock/owner" "it does not say who writes"
  fi
}
odd_unless() {
  [[ -e $2 || -L $2 ]] || return 0
  if [[ $1 == dir ]]; then plain_dir "$2" && return
  elif [[ -f $2 && ! -L $2 ]]; then
    [[ -r $2 ]] || emit odd "$2" "it cannot be read"
    return 0
  fi
  emit odd "$2" "it is a $(stat -c %F -- "$2")"
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
    if [[ ! -e $name ]] && mkdir -- "$name" 2>/dev/null; then chmod 770 -- "$name" 2>/dev/null; fi
    [[ -e $name ]] || die 14 "cannot write to the store"
    plain_dir "$name" || die 14 "$name is not a directory"
  done
  probe=$work/staging/probe-$$
  : > "$probe" && sync -- "$probe" && mv -T -- "$probe" "$probe.2" && rm -- "$probe.2" ||
    die 14 "the store cannot be written"
  : > "$probe"
  chmod 644 -- "$probe" 2>/dev/null || die 14 "the file system has no modes that can be set"
  if [[ $(id -u) == 0 ]]; then
    chown "$EDGE_UID:$EDGE_GID" -- "$probe" 2>/dev/null ||
      die 14 "the file system lets nobody give a file an owner (root_squash, or no owners)"
  fi
  rm -f -- "$probe"
  if owns "$owner"; then need_lock "$owner"; return; fi
  rm -rf -- "$fresh"
  mkdir -- "$fresh" && printf '%s' "$text" > "$fresh/owner" || die 14 "cannot write the lock"
  expire_lock "$owner"
  if ! mv -T -- "$fresh" "$lock" 2>/dev/null; then
    rm -rf -- "$fresh"
    emit busy "$(look_of "$lock")" "$(small "$lock/owner")"
    exit 23
  fi
  rm -rf -- "$work"/trash/*
  forget_stages "$owner" "$@"
}
# Deletes what has not changed for long; see agent/upkeep.py, which keeps the same file.
forget_stages() {
  local ages=$work/locks/ages clock=$work/locks/clock-$1 wanted=" ${*:2} "
  local path name look now age passed then limit lines=
  local -A looks=() old=()
  for path in "$work"/staging/* "$work"/locks/*; do
    case ${path##*/} in store | ages | ages.new) continue ;; esac
    [[ $wanted == *" ${path##*/} "* || $path == *[[:space:]]* ]] && continue
    look=$(stamp_ns "$path/manifest.json") || look=$(stamp_ns "$path") || continue
    looks["${path#"$work"/}"]=${look#-}
  done
  if (( ${#looks[@]} == 0 )); then make_way "$ages"; rm -f -- "$ages"; return 0; fi
  : > "$clock"; now=$(stamp_ns "$clock"); rm -f -- "$clock"
  while read -r name look age; do
    [[ $look =~ ^[0-9]{1,19}$ && $age =~ ^[0-9]{1,19}$ ]] || continue
    if [[ $name == clock ]]; then then=$look; else old["$name"]="$look $age"; fi
  done < <(small "$ages")
  passed=$(( now - ${then:-$now} ))
  (( passed < 0 )) && passed=0
  for name in "${!looks[@]}"; do
    age=${old["$name"]-} look=${age%% *} age=${age##* }
    limit=$(( 86400 * 1000000000 ))
    [[ $name == staging/* ]] && limit=$(( 7 * limit ))
    if [[ $look == "${looks["$name"]}" ]]; then
      age=$(( age + (passed < limit / 2 ? passed : limit / 2) ))
    else
      age=0
    fi
    if (( age >= limit )); then rm -rf -- "${work:?}/$name"; fi
    lines+="$name ${looks["$name"]} $age"$'\n'
  done
  make_way "$ages.new"
  make_way "$ages"
  printf 'clock %s 0\n%s' "$now" "$lines" > "$ages.new" && mv -T -- "$ages.new" "$ages"
}
# How a lock looks, and the mark that its writer was lost; two looks that differ mean that it lives.
look_of() {
  [[ -e $1 || -L $1 ]] || return 1
  stat -c '%F %.9Y' -- "$1/owner" "$1/beat" 2>/dev/null
  small "$1/owner"
  small "$1/beat"
}
mark_in() {
  local file
  for file in "$1"/lost-*; do
    [[ $(small "$1/owner") == *"\"id\": \"${file##*/lost-}\""* ]] || continue
    stat -c '%.9Y' -- "$file" 2>/dev/null
    small "$file"
  done
  return 0
}
# unchanged NAME LOOK: hundredths of a second since this look was seen for the first time in a row
unchanged() {
  local file=$EDGE_RUN/seen-$1 up since= look=
  read -r up _ < /proc/uptime
  # Not whole seconds, which would end a lease up to a second early.
  up=$(( 10#${up/./} ))
  if [[ -f $file ]]; then { read -r since; look=$(cat); } < "$file"; fi
  if [[ -z $since || $look != "$2" ]]; then
    since=$up
    printf '%s\n%s' "$up" "$2" > "$file"
  fi
  printf '%s' $(( up - since ))
}
# Moves a lock aside that has not changed while it was watched; no time of a file is believed.
expire_lock() {
  local seen mark dead=0 aside=$work/locks/stale-$1
  seen=$(look_of "$lock") || return 0
  mark=$(mark_in "$lock")
  if (( $(unchanged life "$seen") >= lease * 100 )); then dead=1; fi
  if (( $(unchanged loss "$seen $mark") >= 200 )) && [[ -n $mark ]]; then dead=1; fi
  (( dead )) || return 0
  rm -rf -- "$aside"
  mv -T -- "$lock" "$aside" 2>/dev/null || return 0
  if [[ $(look_of "$aside") != "$seen" ]]; then
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
# settle OWNER DIGEST: modes, owner, all on the disk; tells the stamps, the mode of the directory
# and the files
cmd_settle() {
  local stage=$work/staging/${2/:/-} text=
  need_lock "$1"
  plain_dir "$stage/tree" || die 15 "not staged"
  start_beat "$1"
  if is_sane "$stage/done" 67108864; then text=$(<"$stage/done"); fi
  settle "$stage/tree"
  emit "$text" "$(stat -c %a -- "$stage/tree")"
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
  make_dir "$dir" && make_way "$new" && make_way "${new%.new}" && head -c "$3" > "$new" ||
    die 28 "cannot write the record"
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
  sync -- "$models/$3" || die 28 "cannot flush to the disk"
  rm -rf -- "$stage"
}

# seal OWNER MODEL VERSION RECORD-SIZE
cmd_seal() {
  need_lock "$1"
  write_record "$2" "$3" "$4"
}

# set_aside OWNER MODEL VERSION: the directory that servers look at, before the version is published
cmd_set_aside() {
  need_lock "$1"
  own_dir "$models"
  own_dir "$models/$2"
  is_empty "$models/$2/$3" || die 13 "version $3 of model $2 exists"
  emit aside
}

cmd_remove() {
  local path=$models/$2/$3 aside=$work/trash/$2-$3-$$ record=$work/manifests/$2/$3.json dir
  need_lock "$1"
  if ! plain_dir "${path%/*}" || [[ ! -e $path && ! -L $path ]]; then emit removed 0; return; fi
  start_beat "$1"
  mv -T -- "$path" "$aside" || die 14 "cannot move $path"
  sync -- "${path%/*}" "$work/trash" || die 28 "cannot flush to the disk"
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
