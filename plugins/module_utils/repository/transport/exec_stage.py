# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the exec transport's script that stages versions; see C(exec_script.py).

The stage on the store is that of the agent (C(agent/stage.py)): a version begun over one
transport is finished over the other.
"""

from __future__ import annotations

STAGE = r"""
# The files of a version come on stdin, COUNT times "SIZE SHA256" and PATH.
sizes=() sums=() paths=() pending=()
declare -A known=() stamps=() parts=()
read_listing() {
  local n size sum path
  for (( n = 0; n < $1; n++ )); do
    read -r size sum && IFS= read -r path || die 15 "the listing was cut short"
    sizes[n]=$size sums[n]=$sum paths[n]=$path
  done
}
# Reads what is there of a stage: stamps that were written, stamps as they are, lengths of parts.
read_stage() {
  local number rest path stamp
  known=() stamps=() parts=()
  if is_sane "$1/done" 67108864; then
    while read -r number rest; do [[ -z $number ]] || known[$number]=$rest; done < "$1/done"
  fi
  list_files "$1/tree"
  while IFS= read -r -d '' path && IFS= read -r -d '' stamp; do stamps["$path"]=${stamp/./}
  done < <(on_found stat --printf='%n\0%s %.9Y %i\0' --)
  found=()
  for path in "$1"/part-*; do [[ -f $path && ! -L $path ]] && found+=("$path"); done
  while IFS= read -r -d '' path && IFS= read -r -d '' stamp; do parts["${path##*-}"]=$stamp
  done < <(on_found stat --printf='%n\0%s\0' --)
}
is_done() { [[ -n ${stamps["$2"]-} && ${stamps["$2"]} == "${known[$1]-}" ]]; }
sum_of() { local line; line=$(sha256sum < "$1") || return 1; printf '%s' "${line%% *}"; }
# Reads a file again that has no fitting stamp.
is_right() {
  [[ -n ${stamps["$2"]-} && ${stamps["$2"]%% *} == "${sizes[$1]}" && -f $2 && ! -L $2 ]] &&
    [[ $(sum_of "$2") == "${sums[$1]}" ]]
}
emit_state() {
  local n stage=$1 path have
  for (( n = 0; n < ${#sizes[@]}; n++ )); do
    path=$stage/tree/${paths[n]}
    if is_done "$n" "$path" || is_right "$n" "$path"; then emit state "$n" 1 0; continue; fi
    have=${parts[$n]-0}
    emit state "$n" 0 "$(( have > sizes[n] ? 0 : have ))"
  done
}
# Flushes the verified files in "pending" (their numbers), then writes their stamps.
save_stamps() {
  local stage=$1 n size mtime inode
  (( ${#pending[@]} )) || return 0
  found=()
  for n in "${pending[@]}"; do found+=("$stage/tree/${paths[n]}"); done
  if (( ${#found[@]} > 32 )); then sync -f -- "$stage/tree" || die 28 "cannot flush to the disk"
  else on_found sync -- || die 28 "cannot flush to the disk"; fi
  set -- "${pending[@]}"
  { printf '\n'
    on_found stat --printf='%s %.9Y %i\n' -- | while read -r size mtime inode; do
      printf '%s %s %s %s\n' "$1" "$size" "${mtime/./}" "$inode"
      shift
    done
  } >> "$stage/done" && sync -- "$stage/done" || die 28 "cannot write to the store"
  pending=()
}

# staged DIGEST COUNT: reads only
cmd_staged() {
  local stage=$work/staging/${1/:/-}
  start_beat ""
  read_listing "$2"
  plain_dir "$stage/tree" || return 0
  read_stage "$stage"
  emit_state "$stage"
}

# stage OWNER DIGEST COUNT MANIFEST-SIZE PLACES, on stdin the listing, the manifest, and for each
# place "NUMBER" and MODEL/VERSION/PATH of a published file
cmd_stage() {
  local stage=$work/staging/${2/:/-} n path made= dir
  local -A wanted=()
  need_lock "$1"
  start_beat "$1"
  read_listing "$3"
  make_dir "$stage" && make_dir "$stage/tree" || die 28 "cannot write"
  for path in "$stage"/*; do [[ $path == */tree ]] || make_way "$path"; done
  head -c "$4" > "$stage/manifest.json.new" || die 28 "cannot write"
  [[ $(stat -c %s -- "$stage/manifest.json.new") == "$4" ]] || die 15 "the manifest was cut short"
  sync -- "$stage/manifest.json.new" &&
    mv -T -- "$stage/manifest.json.new" "$stage/manifest.json" || die 28 "cannot write"
  for (( n = 0; n < $3; n++ )); do
    path=$stage/tree/${paths[n]}
    wanted["$path"]=1
    if plain_dir "$path"; then rm -rf -- "$path"; fi
  done
  list_files "$stage/tree"
  for path in ${found[@]+"${found[@]}"}; do
    [[ -n ${wanted["$path"]-} ]] || rm -f -- "$path"
  done
  for (( n = 0; n < $3; n++ )); do
    dir=$stage/tree/${paths[n]} dir=${dir%/*}
    if [[ $dir != "$made" ]]; then
      mkdir -p -- "$dir" || die 28 "cannot make $dir"
      made=$dir
    fi
  done
  read_stage "$stage"
  for (( n = 0; n < $3; n++ )); do
    path=$stage/tree/${paths[n]}
    [[ -n ${stamps["$path"]-} ]] || continue
    # A stamp does not tell that the disk still holds what was verified then.
    if ! is_right "$n" "$path"; then rm -f -- "$path"
    elif ! is_done "$n" "$path"; then pending+=("$n"); fi
  done
  for (( n = 0; n < $5; n++ )); do
    read -r made && IFS= read -r path || die 15 "the places were cut short"
    adopt "$stage" "$made" "$path" || :
  done
  save_stamps "$stage"
  read_stage "$stage"
  emit_state "$stage"
}
# adopt STAGE NUMBER PLACE: a second name, or a copy, of a published file with the same bytes
adopt() {
  local target=$1/tree/${paths[$2]} fresh=$1/new-$2 place=$models/$3
  is_done "$2" "$target" || [[ " ${pending[*]-} " == *" $2 "* ]] && return
  [[ -f $place && ! -L $place && $(realpath -- "$place") == "$(realpath -- "$models")/$3" ]] ||
    return
  rm -f -- "$fresh"
  if ! is_ours "$place" || ! ln -T -- "$place" "$fresh" 2>/dev/null; then
    cp -T --reflink=auto -- "$place" "$fresh" && chmod 600 -- "$fresh" && sync -- "$fresh" || return
  fi
  if [[ $(sum_of "$fresh") == "${sums[$2]}" ]] && mv -T -- "$fresh" "$target"; then
    rm -f -- "$1/part-$2" "$1/bad-$2"
    pending+=("$2")
  else
    rm -f -- "$fresh"
  fi
}
# A linked file keeps its mode and owner, so they have to be right already.
is_ours() {
  local mode uid gid
  read -r mode uid gid < <(stat -c '%a %u %g' -- "$1")
  [[ $mode == 644 ]] && { [[ $(id -u) != 0 ]] || [[ $uid:$gid == "$EDGE_UID:$EDGE_GID" ]]; }
}

# receive OWNER DIGEST COUNT, on stdin for each file: "NUMBER START SIZE SHA256", PATH, and its
# bytes from START on. Small files are written in place and checked in portions; nothing without a
# stamp is believed. A big one is hashed portion by portion while the next one comes.
cmd_receive() {
  local stage=$work/staging/${2/:/-} number start size sum path i waiting=0 n=0
  batch=()
  need_lock "$1"
  plain_dir "$stage/tree" || die 15 "not staged"
  start_beat "$1"
  for (( i = 0; i < $3; i++ )); do
    read -r number start size sum && IFS= read -r path || cut_short "$1"
    sizes[number]=$size sums[number]=$sum paths[number]=$path
    if (( start || size > portion / 32 )); then
      receive_big "$1" "$stage" "$number" "$start"
      continue
    fi
    head -c "$size" > "$stage/tree/$path" || die 28 "$path: cannot be written"
    batch+=("$number")
    if (( (waiting += size) > portion || ${#batch[@]} > 200 )); then
      check_batch "$1" "$stage"
      waiting=0
    fi
  done
  check_batch "$1" "$stage"
  save_stamps "$stage"
}
# Checks the files in "batch" (their numbers) together, and one by one only when one is wrong.
check_batch() {
  local n path all=()
  (( ${#batch[@]} )) || return 0
  sync -f -- "$2/tree" || die 28 "cannot flush to the disk"
  for n in "${batch[@]}"; do all+=("${sums[n]}  $2/tree/${paths[n]}"); done
  if ! printf '%s\0' "${all[@]}" | check_all; then
    for n in "${batch[@]}"; do
      path=$2/tree/${paths[n]}
      [[ $(stat -c %s -- "$path") == "${sizes[n]}" ]] || cut_short "$1"
      verdict "$2" "$n" "$path" "$(sum_of "$path")"
    done
  else
    for n in "${batch[@]}"; do emit result "$n" done; done
    pending+=("${batch[@]}")
  fi
  batch=()
  if (( ${#pending[@]} > 500 )); then save_stamps "$2"; fi
}
# check_all: "SHA256  PATH" ending in NUL on stdin; whether all fit
check_all() {
  local line names=() want=() n=0
  while IFS= read -r -d '' line; do names+=("${line:66}") want+=("${line:0:64}"); done
  while IFS= read -r -d '' line; do
    [[ ${line:0:64} == "${want[n]}" ]] || return 1
    n=$(( n + 1 ))
  done < <(sha256sum -z -- "${names[@]}")
  (( n == ${#names[@]} ))
}
# verdict STAGE NUMBER FILE SHA256
verdict() {
  local target=$1/tree/${paths[$2]}
  if [[ $4 == "${sums[$2]}" ]]; then
    [[ $3 == "$target" ]] || mv -T -- "$3" "$target" || die 28 "cannot write to the store"
    rm -f -- "$1/bad-$2"
    emit result "$2" done
    pending+=("$2")
  else
    mv -T -- "$3" "$1/bad-$2" || die 28 "cannot write to the store"
    emit result "$2" bad
  fi
}
# receive_big OWNER STAGE NUMBER START
receive_big() {
  local stage=$2 number=$3 path=$2/part-$3 size=${sizes[$3]} offset=$4 from=0
  local result=$EDGE_RUN/sum-$$ pipe=$EDGE_RUN/pipe-$$ want feed= hash
  (( offset )) || : > "$path" || die 28 "$path: cannot be written"
  [[ -f $path ]] && (( $(stat -c %s -- "$path") >= offset )) || die 13 "the part is shorter"
  truncate -s "$offset" -- "$path" || die 28 "$path: cannot be written"
  mkfifo -- "$pipe" || die 14 "cannot make a pipe"
  sha256sum < "$pipe" > "$result" &
  hash=$!
  exec 3> "$pipe"
  rm -- "$pipe"
  while :; do
    want=$(( size - offset < portion ? size - offset : portion ))
    if (( want )); then head -c "$want" >> "$path" || die 28 "$path: cannot be written"; fi
    offset=$(( offset + want ))
    if [[ -n $feed ]]; then wait "$feed" || die 1 "$path: cannot be read"; fi
    feed_back "$path" "$from" "$(( offset - from ))" </dev/null &
    feed=$! from=$offset
    (( offset < size )) || break
  done
  wait "$feed" || die 1 "$path: cannot be read"
  exec 3>&-
  wait "$hash"
  [[ $(stat -c %s -- "$path") == "$size" ]] || cut_short "$1"
  read -r want _ < "$result"
  rm -- "$result"
  verdict "$stage" "$number" "$path" "$want"
  save_stamps "$stage"
}
# Gives bytes of a file to the hash as the disk has them, not as they were in memory.
feed_back() {
  set +o pipefail
  dd "of=$1" oflag=nocache conv=notrunc,fdatasync count=0 status=none || return
  tail -c "+$(( $2 + 1 ))" -- "$1" | head -c "$3" >&3
}
"""
